# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest that runs is changed without a start, what waits for one, and the sizes of its disks."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.plan import (
    Guests,
    pending,
    plan,
    wish_back,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    with_defaults,
)
from ansible_collections.hypervisor.network.tests.unit._qemu.test_hotplug import (
    DISK,
    ONE,
    OWN,
    SECOND,
    SEEN,
    TWO,
    UP,
    nic,
)


def changes(on_change: str, **wanted: Any) -> list[Any]:
    runs = Guest("vm1", "running", with_defaults({"nics": [nic()]}))
    return plan(Guests({"vm1": runs}), [Wish("vm1", "running", wanted, on_change=on_change)])


@pytest.mark.parametrize(
    ("on_change", "found"),
    [("keep", []), ("hotplug", ["adjust"]), ("restart", ["adjust"])],
)
def test_a_link_by_what_a_change_may_do(on_change: str, found: list[str]) -> None:
    planned = changes(on_change, nics=[nic(link="down")])
    assert [change.action for change in planned] == found


def test_what_cannot_be_taken_over_stays_pending() -> None:
    (change,) = changes("hotplug", nics=[nic(link="down")], memory=1024)
    assert change.before == {"nics": [nic()]} and change.after == {"nics": [nic(link="down")]}
    assert changes("hotplug", memory=1024) == []


def test_the_way_back_from_a_link_restarts_nobody() -> None:
    before = Guest("vm1", "running", with_defaults({"nics": [nic()]}))
    after = Guest("vm1", "running", with_defaults({"nics": [nic(link="down")]}))
    wishes = wish_back(Guests({"vm1": before}), [], ["vm1"])
    (change,) = plan(Guests({"vm1": after}), wishes)
    assert (change.action, change.payload) == ("adjust", ({"nics": [nic()]}, [UP]))


@pytest.mark.parametrize(
    ("status", "state", "found"),
    [
        ("paused", "paused", []),
        ("prelaunch", "paused", []),
        ("paused", "running", ["resume", "adjust"]),
        ("running", "running", ["adjust"]),
        ("running", "paused", ["adjust", "pause"]),
    ],
)
@pytest.mark.parametrize("wanted", [{"nics": []}, {"disks": []}, {"memory": 32}], ids=str)
def test_a_guest_that_stands_still_is_asked_for_nothing(
    status: str, state: str, found: list[str], wanted: dict[str, Any]
) -> None:
    """It would let go of nothing, and fill no balloon: that waits until it goes on, or is begun with."""
    has = with_defaults({"nics": [ONE], "disks": [DISK], "memory": 64, "balloon": True})
    alone = dataclasses.replace(SEEN, drives={"disk0-dev": SEEN.drives["disk0-dev"]})
    guest = Guest("vm1", status, has, pid=7, seen=alone)
    now, wish = Guests({"vm1": guest}), Wish("vm1", state, wanted, on_change="hotplug")
    assert [change.action for change in plan(now, [wish])] == found
    assert pending(now, wish).keys() == wanted.keys()


def test_what_a_guest_need_not_help_with_is_done_while_it_stands_still() -> None:
    """And first, where it goes on: its card shall be unplugged by then."""
    guest = Guest("vm1", "paused", with_defaults({"nics": [ONE], "disks": [DISK]}), seen=SEEN)
    down = {"nics": [{**ONE, "link": "down"}], "disks": []}
    for state, actions in (("paused", ["adjust"]), ("running", ["resume", "adjust"])):
        wish = Wish("vm1", state, down, on_change="hotplug")
        changes = plan(Guests({"vm1": guest}), [wish])
        assert [change.action for change in changes] == actions
    wish = Wish("vm1", "running", {"nics": down["nics"]}, on_change="hotplug")
    changes = plan(Guests({"vm1": guest}), [wish])
    assert [change.action for change in changes] == ["adjust", "resume"]


def test_the_way_back_asks_one_that_stands_still_all_the_same() -> None:
    """Rather than to end a guest that was paused: what it does not do is told."""
    before = Guest("vm1", "paused", with_defaults({"nics": []}), pid=7, seen=SEEN)
    after = Guest("vm1", "paused", with_defaults({"nics": [ONE]}), pid=7, seen=SEEN)
    wishes = wish_back(Guests({"vm1": before}), [], ["vm1"])
    assert "stop" not in [change.action for change in plan(Guests({"vm1": after}), wishes)]


def test_the_sandbox_is_that_of_a_unit_alone() -> None:
    own = with_defaults({"disks": [OWN], "nics": []}, "vm1")
    wish = Wish("vm1", "running", {"disks": [OWN, {**OWN, "path": "/srv/b/2"}]}, "hotplug")
    found = {}
    for kept_by in ("systemd", "process"):
        supervisor = {"supervisor": "systemd"} if kept_by == "systemd" else {}
        guest = Guest("vm1", "running", {**own, **supervisor}, pid=7, kept_by=kept_by, seen=SEEN)
        now = Guests({"vm1": guest}, {}, kept_by == "systemd")
        found[kept_by] = [change.action for change in plan(now, [wish])]
    assert found == {"systemd": [], "process": ["adjust"]}


def test_an_image_is_made_before_it_is_plugged_in_and_not_for_what_waits() -> None:
    recipe = {"guest": "vm1", "path": "/b", "format": "qcow2", "size": 1024}
    guest = Guest("vm1", "running", with_defaults({"disks": [DISK]}), seen=SEEN)
    for on_change, disk, actions in (
        ("hotplug", SECOND, ["create", "adjust"]),
        ("keep", SECOND, []),
        ("hotplug", {**SECOND, "bus": "sata"}, []),
    ):
        wish = Wish("vm1", "running", {"disks": [DISK, disk]}, on_change, images={"/b": recipe})
        assert [change.action for change in plan(Guests({"vm1": guest}), [wish])] == actions


@pytest.mark.parametrize(
    ("asked", "actions"), [("auto", ["adopt", "adjust"]), ("systemd", ["stop", "start"])]
)
def test_that_it_would_be_a_unit_by_now_restarts_it_where_that_was_asked_for(
    asked: str, actions: list[str]
) -> None:
    guest = Guest("vm1", "running", with_defaults({"nics": [nic()]}), kept_by="process")
    wish = Wish("vm1", "running", {"nics": [nic(link="down")]}, "restart", supervisor=asked)
    changes = plan(Guests({"vm1": guest}, systemd=True), [wish])
    assert [change.action for change in changes] == actions


def test_a_restart_tells_all_that_differs() -> None:
    stop, _start = changes("restart", nics=[nic(link="down")], memory=1024)
    assert stop.before == {"status": "running", "nics": [nic()], "memory": 512}


def drifted(on_change: str, **wanted: Any) -> list[str]:
    spec = with_defaults({"nics": [ONE, TWO], "memory": 64})
    runs = Guest("vm1", "running", spec, seen=dataclasses.replace(SEEN, drives={}, disks={}))
    return [
        change.action
        for change in plan(
            Guests({"vm1": runs}), [Wish("vm1", "running", wanted, on_change=on_change)]
        )
    ]


@pytest.mark.parametrize(
    ("on_change", "actions"), [("keep", []), ("hotplug", ["adjust"]), ("restart", ["adjust"])]
)
def test_a_card_that_somebody_took_out_is_put_back_where_it_is_asked_for(
    on_change: str, actions: list[str]
) -> None:
    assert drifted(on_change, nics=[ONE, TWO]) == actions
    assert drifted(on_change) == [], "nobody asked for it"
    assert drifted(on_change, nics=[ONE]) == ([] if on_change == "keep" else ["adjust"])


def test_what_the_guest_has_to_let_go_of_is_a_restart_where_that_may_be() -> None:
    assert drifted("restart", nics=[]) == ["stop", "start"] and drifted("hotplug", nics=[]) == [
        "adjust"
    ]


def test_three_columns_are_told() -> None:
    spec = with_defaults({"nics": [ONE, TWO], "memory": 64})
    seen = dataclasses.replace(SEEN, drives={}, disks={}, memory=48)
    now = Guests({"vm1": Guest("vm1", "running", spec, seen=seen)})
    assert pending(now, Wish("vm1", "running", {"memory": 128})) == {
        "memory": {"now": 48, "defined": 64, "wanted": 128},
        "nics": {"now": [ONE], "defined": [ONE, TWO], "wanted": [ONE, TWO]},
    }
    assert pending(now, Wish("vm1", "stopped", {})) == {}
    down = Guests({"vm1": Guest("vm1", "stopped", spec)})
    assert pending(down, Wish("vm1", "running", {"memory": 128})) == {}


def test_a_disk_that_is_to_grow_is_pending_in_bytes() -> None:
    now = Guests(
        {"vm1": Guest("vm1", "running", with_defaults({}))},
        sizes={"/a": 8, "/b": 8, "/c": 8, "/d": None},
    )
    recipes = {
        path: {"guest": "vm1", "path": path, "size": size}
        for path, size in (("/a", 8), ("/b", None), ("/d", 16), ("/c", 16))
    }
    wish = Wish("vm1", "running", {}, images=recipes)
    assert pending(now, wish) == {"disks.size": {"now": {"/c": 8}, "wanted": {"/c": 16}}}
    del recipes["/c"]
    assert pending(now, wish) == {}


def sized(state: str, status: str, size: int, wanted: int, on_change: str = "keep") -> list[str]:
    recipe = {"guest": "vm1", "path": "/a", "size": wanted}
    guest = Guest("vm1", status, {} if status == "absent" else with_defaults({}))
    now = Guests({"vm1": guest}, {"/a": True}, sizes={"/a": size})
    wish = Wish("vm1", state, {}, images={"/a": recipe}, on_change=on_change)
    return [change.action for change in plan(now, [wish])]


@pytest.mark.parametrize(
    ("state", "status", "on_change", "actions"),
    [
        ("running", "stopped", "keep", ["grow", "start"]),
        ("running", "running", "keep", []),
        ("running", "running", "hotplug", ["grow"]),
        ("paused", "paused", "restart", ["grow"]),
        ("running", "guest-panicked", "keep", ["stop", "grow", "start"]),
        ("stopped", "stopped", "keep", ["grow"]),
        ("stopped", "running", "keep", ["stop", "grow"]),
        ("stopped", "absent", "keep", []),
        ("absent", "stopped", "keep", ["delete"]),
    ],
)
def test_a_disk_grows(state: str, status: str, on_change: str, actions: list[str]) -> None:
    assert sized(state, status, 8, 16, on_change) == actions
    if state != "absent" and status != "absent":
        with pytest.raises(Refused, match="smaller disk"):
            sized(state, status, 16, 8, on_change)
