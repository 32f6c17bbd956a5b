# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of linux_bridge and bridge_port to a noun, its wish and its description."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import Unguarded
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import bridge, items, port
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun

PARAMS = {"guard_mode": "auto", "guard_timeout": 60, "netns": None}
ITEM = {"name": "br0", "state": "present", "ageing_time": 0}


def work(task: dict[str, Any], seconds: float = 60) -> Any:
    return task["work"]({**PARAMS, "guard_timeout": seconds}, [ITEM])


@pytest.mark.parametrize(("planner", "plural"), [(bridge, "bridges"), (port, "ports")])
def test_a_planner_says_what_the_module_is_told(planner: Any, plural: str) -> None:
    task = items.task(planner)
    assert (task["plural"], task["singular"]) == (plural, planner.KIND)
    assert task["common"] == ("netns", "guard_mode", "guard_timeout")
    assert {*planner.SPEC, "netns", "guard_mode"} <= set(task["spec"])


def test_by_itself_a_noun_refuses_what_wants_a_guard() -> None:
    noun, wish, _describe = work(items.task(bridge))
    assert isinstance(noun, LinkNoun) and isinstance(noun.guard, Unguarded)
    assert wish == {
        "bridge": [{"name": "br0", "state": "present", "force": False, "ageing_time": 0}]
    }


def test_the_noun_is_made_by_whom_one_names_and_when_the_devices_are_ready() -> None:
    told: list[Any] = []

    def make(netlink: Any, params: Any, wishes: Any) -> str:
        told.append(("make", params["guard_mode"], wishes[0]["name"]))
        return "a noun"

    def ready(netlink: Any, wishes: Any) -> None:
        told.append(("ready", wishes[0]["name"]))

    assert work(items.task(bridge, make, ready))[0] == "a noun"
    assert told == [("ready", "br0"), ("make", "auto", "br0")]


def test_what_is_described_are_the_devices_that_were_named() -> None:
    describe = work(items.task(bridge))[2]
    there = Snapshot({"br0": Link("br0", 1, "bridge"), "br1": Link("br1", 2, "bridge")})
    (device,) = describe(Outcome((), there, there))
    assert (device["name"], device["state"]) == ("br0", "present")
    made = Change("create", "bridge", "br0", None, {"ageing_time": 0})
    (device,) = describe(Outcome((made,), Snapshot({}), Snapshot({})))
    assert device == {"name": "br0", "state": "absent"}


def test_a_guard_time_outside_its_range_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(BadInput, match="guard_timeout 3 is outside"):
        work(items.task(bridge), 3)
