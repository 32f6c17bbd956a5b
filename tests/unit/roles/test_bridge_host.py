# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files against its contract and against the modules that it hands its variables to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as role_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    plan as role_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)

ROLE = Path(__file__).resolve().parents[3] / "roles" / "bridge_host"
STEPS = [
    "preflight",
    "packages",
    "bridges",
    "uplinks",
    "persist",
    "taps",
    "ports",
    "guests",
    "verify",
    "report",
]


def load(path: str) -> Any:
    return yaml.safe_load((ROLE / path).read_text(encoding="utf-8"))


SPECS = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]


def test_every_variable_has_a_default_and_a_spec_that_agree() -> None:
    # None is no default, to a specification: the variable is unmanaged
    assert {key: value.get("default") for key, value in SPECS.items()} == load("defaults/main.yml")


def test_the_options_that_no_module_explains_are_explained() -> None:
    own = set(role_items.BRIDGE) - set(bridge_planner.SPEC)
    said = " ".join(SPECS["bridge_host_bridges"]["description"])
    assert own and all(f"C({key})" in said for key in own)


def test_the_options_of_a_tenant_are_explained() -> None:
    said = " ".join(SPECS["bridge_host_tenants"]["description"])
    assert all(f"C({key})" in said for key in role_items.TENANT)


def test_the_steps_stand_in_their_order_each_a_file_and_a_tag() -> None:
    entries = load("tasks/main.yml")
    # what a host on which nothing is to do skips in one
    for inner in ("work.yml", "busy.yml", "steps.yml"):
        (at,) = [at for at, one in enumerate(entries) if one.get("ansible.builtin.include_tasks") == inner]  # fmt: skip
        entries[at : at + 1] = load(f"tasks/{inner}")
    # what is asked of every host stands apart from the file by which tasks_from runs the step alone
    files = [re.sub(r"_(look|host)?\.yml$|\.yml$", "", _file(entry)) for entry in entries]
    steps = [(step, entry) for step, entry in zip(files, entries) if step in STEPS]
    assert [step for step, _entry in steps] == STEPS
    assert [entry["tags"][0] for _step, entry in steps] == STEPS
    assert all((ROLE / "tasks" / f"{step}.yml").is_file() for step in STEPS)


def _file(entry: dict[str, Any]) -> str:
    included = entry.get("ansible.builtin.include_tasks", "")
    file = included["file"] if isinstance(included, dict) else included
    return entry.get("ansible.builtin.import_tasks", file)


def test_names_of_variables_say_whose_they_are() -> None:
    assert all(key.startswith("bridge_host_") for key in SPECS)
    registered = [
        task["register"]
        for path in (ROLE / "tasks").glob("*.yml")
        for task in _tasks(yaml.safe_load(path.read_text(encoding="utf-8")))
    ]
    assert registered and all(
        name.startswith("__bridge_host_") for name in [*registered, *load("vars/main.yml")]
    )


def test_no_module_of_the_collection_is_looped_over_that_takes_a_list() -> None:
    looped = {
        module
        for path in (ROLE / "tasks").glob("*.yml")
        for task in _all(yaml.safe_load(path.read_text(encoding="utf-8")))
        if "loop" in task
        for module in task
        if module.startswith("hypervisor.network.")
    }
    # each conversion is a transaction of its own, and each manager is asked about its own NICs
    assert looped <= {"hypervisor.network.bridge_uplink", "hypervisor.network.bridge_persist"}


def _all(tasks: list) -> list[dict[str, Any]]:
    return [one for task in tasks for one in (_all(task["block"]) if "block" in task else [task])]


def _tasks(tasks: list) -> list[dict[str, Any]]:
    return [task for task in _all(tasks) if "register" in task]


def test_the_guests_user_is_looked_for_as_it_is_made() -> None:
    tasks = {one["name"]: one for one in load("tasks/guest_user.yml")}
    made = tasks["Packages | Make the user that guests run as"]["ansible.builtin.user"]
    assert {key: made[key] for key in role_plan.GUESTS_ACCOUNT} == role_plan.GUESTS_ACCOUNT
