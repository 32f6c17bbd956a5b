# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifupdown_state, with ifquery as the oracle."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("ifquery") is None, reason="ifupdown is not installed; make test installs it"
)


def _up(directory: Path) -> set[str]:
    """What ifquery believes to be up."""
    command = ["ifquery", "-i", "/dev/null", f"--state-dir={directory}", "--state"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return {line.partition("=")[0] for line in printed.split()}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory in which ifup has brought up lo."""
    (tmp_path / "ifstate").write_text("lo=lo\n", encoding="ascii")
    return tmp_path


def test_interfaces_are_put_on_the_list_and_taken_off(changed_once, state):
    assert changed_once("ifupdown_state", {"interfaces": ["br0", "tap1"], "directory": str(state)})[
        "changed"
    ]
    assert _up(state) == {"lo", "br0", "tap1"}
    assert changed_once(
        "ifupdown_state", {"interfaces": ["br0"], "state": "down", "directory": str(state)}
    )["up"] == ["lo", "tap1"]
    assert _up(state) == {"lo", "tap1"}


def test_ifup_takes_the_word_for_it(run_module, state):
    run_module("ifupdown_state", {"interfaces": ["br0"], "directory": str(state)})
    stanza = state / "interfaces"
    stanza.write_text("iface br0 inet manual\n  up /bin/false\n", encoding="ascii")
    done = subprocess.run(
        ["ifup", "-i", str(stanza), f"--state-dir={state}", "br0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "already configured" in done.stderr and done.returncode == 0


def test_a_missing_directory_is_one_sentence(run_module, tmp_path):
    result = run_module(
        "ifupdown_state", {"interfaces": ["br0"], "directory": str(tmp_path / "none")}
    )
    assert (
        result["failed"]
        and "install ifupdown where it is missing" in result["msg"]
        and "\n" not in result["msg"]
    )


def test_a_name_that_is_no_interface_is_refused(run_module, state):
    result = run_module("ifupdown_state", {"interfaces": ["../x"], "directory": str(state)})
    assert result["failed"] and "not a usable device name" in result["msg"]
    assert _up(state) == {"lo"}
