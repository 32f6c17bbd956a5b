# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows can be typed as it stands; tests/integration/test_examples.py runs what a namespace can run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import items
from ansible_collections.hypervisor.network.tests.harness.model import examples, hostile

TASKS = [
    pytest.param(module, task, id=f"{module}-{number}")
    for module, tasks in examples.tasks().items()
    for number, task in enumerate(tasks, 1)
]
BLOCKS = [pytest.param(block, id=place) for place, block in examples.blocks()]
LISTS = ("bridges", "taps", "guests", "tenants")


def test_the_documentation_is_looked_at() -> None:
    assert len(TASKS) >= 32 and len(BLOCKS) >= 5


@pytest.mark.parametrize(("module", "task"), TASKS)
def test_an_example_takes_the_module_s_arguments(module: str, task: dict[str, Any]) -> None:
    name = examples.action(task)
    if not name.startswith(examples.OURS):
        assert name.removeprefix("ansible.builtin.") in ("assert", "copy", "debug")
        return
    given = task[name] or {}
    # what is made by a template is judged where the template is rendered
    plain = {
        key: value for key, value in given.items() if not (isinstance(value, str) and "{{" in value)
    }
    spec = hostile.spec_of(name.removeprefix(examples.OURS))
    assert set(given) <= set(spec)
    assert ArgumentSpecValidator(spec).validate(plain).error_messages == []


@pytest.mark.parametrize(("module", "task"), TASKS)
def test_an_example_wants_no_other_collection(module: str, task: dict[str, Any]) -> None:
    assert "community." not in json.dumps(task)


def variables(block: Any) -> Iterator[dict[str, Any]]:
    """Each dictionary of the role's variables in a block, wherever it stands."""
    if isinstance(block, dict):
        if any(str(key).startswith("bridge_host_") for key in block):
            yield block
        for value in block.values():
            yield from variables(value)
    elif isinstance(block, list):
        for value in block:
            yield from variables(value)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_variables_in_a_readme_are_the_role_s(block: Any) -> None:
    for given in variables(block):
        assert set(given) <= {f"bridge_host_{name}" for name in LISTS}, "say how it is checked"
        items.typed_all({name: given.get(f"bridge_host_{name}") for name in LISTS})


@pytest.mark.parametrize("block", BLOCKS)
def test_a_play_or_a_task_in_a_readme_is_one_for_ansible(block: Any, tmp_path: Path) -> None:
    if not isinstance(block, list):
        # or what ansible-galaxy reads
        known = list(variables(block)) or set(block) == {"collections"}
        assert known, "neither a play, nor a task, nor variables of the role"
        return
    plays = block if "hosts" in block[0] else [{"hosts": "localhost", "tasks": block}]
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(json.dumps(plays), encoding="utf-8")
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "--syntax-check", "-i", "hypervisors,localhost,", playbook],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
