# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor by its playbook: the sentence, and the task that cures it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.net.netns import batch

PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "doctor.yml"
UPLINK = "link add br0 up type bridge\nlink add port0 {} master br0 type veth peer name far0\nlink set far0 up\n"


@pytest.mark.parametrize(
    ("port0", "sentence", "cure"),
    [
        ("up", "Nothing on this host stops a frame.", None),
        (
            "down",
            "error, at the uplink: port0 is down.",
            {"hypervisor.network.bridge_port": {"name": "port0", "bridge": "br0", "up": True}},
        ),
    ],
)
def test_the_playbook_says_where_the_way_ends_and_what_cures_it(
    netns: str, tmp_path: Path, port0: str, sentence: str, cure: dict | None
) -> None:
    batch(netns, UPLINK.format(port0))
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"hypervisors": {"hosts": {"here": host}}}), encoding="utf-8")
    words = ["ansible-playbook", "-i", str(inventory), str(PLAYBOOK), "-e", "doctor_bridge=br0"]
    done = subprocess.run(
        ["ip", "netns", "exec", netns, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sentence in done.stdout
    assert (cure is None) == ("cure:" not in done.stdout)
    if cure is not None:
        assert json.dumps(json.dumps(cure))[1:-1] in done.stdout
