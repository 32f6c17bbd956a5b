# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role lab refuses words that would lead out of its own places, in one sentence, before it makes or removes anything; the acceptance sees what it makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root

PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "lab.yml"
MACHINE = {"name": "hv1", "address": "10.77.0.11"}


@pytest.fixture
def lab(tmp_path: Path) -> dict[str, Any]:
    """The variables of a lab that never was; its directory is a folder that somebody else uses."""
    needs_root()
    used = tmp_path / "used"
    used.mkdir()
    (used / "thesis.txt").write_text("years of work", encoding="ascii")
    return {
        "lab_name": f"hvwords{os.getpid()}",
        "lab_cache": str(tmp_path / "cache"),
        "lab_directory": str(used),
        "lab_hypervisors": [],
        "ansible_python_interpreter": sys.executable,
    }


def _refused(variables: dict[str, Any]) -> str:
    """What a run that has to fail says in its error, by Ansible's own account of it."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *("-i", "localhost,", "-e", json.dumps(variables), str(PLAYBOOK)),
        ],
        env={
            **os.environ,
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
            "ANSIBLE_NOCOLOR": "1",
        },
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("state", ["absent", "present"])
def test_a_directory_of_somebody_elses_files_is_neither_removed_nor_used(
    lab: dict[str, Any], state: str
) -> None:
    said = _refused({**lab, "lab_state": state})
    assert f"lab_directory is {lab['lab_directory']}, which holds thesis.txt" in said
    assert Path(lab["lab_directory"], "thesis.txt").read_text(encoding="ascii") == "years of work"
    assert not Path(lab["lab_cache"]).exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"lab_name": "../../tmp/x"}, 'first is a letter or digit, not \\"../../tmp/x\\"'),
        ({"lab_name": "a\nb"}, "lab_name is to be up to 40 letters"),
        ({"lab_bridge": "lan0\nlog-queries"}, "lab_bridge is to be the name of a device"),
        ({"lab_hypervisors": [{**MACHINE, "name": "../hv"}]}, "first and the last are no hyphen"),
        ({"lab_hypervisors": [MACHINE, MACHINE]}, 'its own alone; it names a tap'),
        ({"lab_hypervisors": [{**MACHINE, "name": "tftp"}]}, 'and a folder, beside tftp'),
        ({"lab_hypervisors": [{**MACHINE, "client_id": "01\ndhcp-script=/x"}]}, "as dnsmasq takes it"),
        ({"lab_dhcp_lease": "1h\ndhcp-script=/x"}, "lab_dhcp_lease is to be infinite, or a number of seconds"),
    ],
)  # fmt: skip
def test_a_word_that_is_no_name_or_address_is_refused(
    lab: dict[str, Any], words: dict[str, Any], sentence: str
) -> None:
    assert sentence in _refused({**lab, "lab_state": "absent", **words})
    assert Path(lab["lab_directory"], "thesis.txt").exists()
