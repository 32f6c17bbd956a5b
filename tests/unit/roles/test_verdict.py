# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict of the role's step verify, by what it was told. Ansible's loader wants a process into which nobody has imported the collection yet."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

SCRIPT = """
import json, sys
from unittest.mock import MagicMock
from ansible.errors import AnsibleError
from ansible.plugins.loader import action_loader, init_plugin_loader
init_plugin_loader()
task = MagicMock(async_val=0, args={"findings": json.loads(sys.argv[1])}, diff=False)
action = action_loader.get("hypervisor.network.verdict", class_only=True)
try:
    result = action(task, *[MagicMock() for _one in range(5)]).run()
except AnsibleError as error:
    result = {"refused": str(error)}
print(json.dumps(result, default=str))
"""


def told(**findings: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(findings)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], ["br0 is there.", "So is tap1."]),
        (["br0 is down.", "There is no tap2."], "br0 is down. There is no tap2."),
    ],
    ids=["all-is-well", "something-is-wrong"],
)
def test_what_is_wrong_fails_in_one_message_and_else_what_was_proven_is_shown(
    wrong: list[str], said: Any
) -> None:
    result = told(proven=["br0 is there.", "So is tap1."], wrong=wrong, risky=["Decide."])
    assert (result["failed"], result["msg"], result["risky"]) == (bool(wrong), said, ["Decide."])
    assert result["_ansible_verbose_always"]


def test_findings_that_lack_a_list_are_refused() -> None:
    assert "missing required arguments: risky" in told(proven=[], wrong=[])["refused"]
