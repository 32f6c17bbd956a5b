# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices as a module returns them, in check mode as the plan predicts them."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.describe import described


def told(
    before: Snapshot, after: Snapshot, *changes: Change, names: tuple[str, ...] = ("tap1",)
) -> list[dict[str, Any]]:
    outcome = Outcome(tuple(changes), before, after)
    return described(
        outcome,
        names,
        "port",
        lambda link: {"name": link.name, "mtu": link.mtu, "vlans": link.vlans},
    )


TAP = Link("tap1", mtu=1500, vlans={"5": "pvid untagged"})
VLANS = [{"vid": 5, "pvid": True, "untagged": True}]
THERE, NOTHING = Snapshot({"tap1": TAP}), Snapshot({})


def test_after_a_run_it_is_what_was_read_whatever_was_planned() -> None:
    attach = Change("attach", "port", "tap1", {"bridge": None}, {"bridge": "br0", "mtu": 9000})
    assert told(NOTHING, THERE, attach) == [
        {"state": "present", "name": "tap1", "mtu": 1500, "vlans": VLANS}
    ]
    assert told(THERE, Snapshot({}), attach) == [{"name": "tap1", "state": "absent"}]


def test_in_check_mode_it_is_what_the_plan_makes_of_it() -> None:
    update = Change(
        "update", "port", "tap1", {"mtu": 1500}, {"mtu": 9000, "vlans": {"7": "tagged"}}
    )
    (device,) = told(THERE, THERE, update)
    assert device["mtu"] == 9000 and device["vlans"] == [
        {"vid": 7, "pvid": False, "untagged": False}
    ]
    (device,) = told(NOTHING, NOTHING, Change("attach", "port", "tap1", None, {"bridge": "br0"}))
    assert device == {"name": "tap1", "state": "present", "bridge": "br0"}
    (device,) = told(THERE, THERE, Change("detach", "port", "tap1", None, {"bridge": None}))
    assert device["state"] == "absent" and device["bridge"] is None
    assert told(THERE, THERE, Change("delete", "port", "tap1", {}, None)) == [
        {"name": "tap1", "state": "absent"}
    ]


def test_changes_of_others_and_of_other_kinds_are_not_its_own() -> None:
    others = Change("delete", "port", "tap2", {}, None), Change("delete", "tap", "tap1", {}, None)
    assert told(THERE, THERE, *others)[0]["state"] == "present"
