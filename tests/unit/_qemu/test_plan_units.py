# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a guest and its unit, on a host with systemd and on one without."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import supervision
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.plan import (
    Guest,
    Guests,
    differences,
    plan,
    wish_back,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    with_defaults,
)

PLAIN = with_defaults({"memory": 64})
UNIT = {**PLAIN, "supervisor": "systemd", "autostart": True}
SCOPE = "hypervisor-network-guest-vm1.scope"
NAME = "hypervisor-network-guest@vm1.service"


def running(spec: dict[str, Any], kept_by: str, **more: Any) -> Guest:
    """A guest that runs; one that is a plain process was taken over, unless more is said."""
    more.setdefault("scope", SCOPE if kept_by == "process" else None)
    return Guest("vm1", "running", spec, pid=7, kept_by=kept_by, **more)


def planned(guest: Guest, wish: Wish, systemd: bool = True) -> list[Any]:
    return plan(Guests({"vm1": guest}, systemd=systemd), [wish])


def test_a_new_guest_is_a_unit_that_begins_with_the_host() -> None:
    (start,) = planned(Guest("vm1"), Wish("vm1", "running", {"memory": 64}))
    assert start.after == {"status": "running", **UNIT}


def test_one_in_a_network_namespace_does_not_which_is_gone_after_a_boot() -> None:
    (start,) = planned(Guest("vm1"), Wish("vm1", "running", {"netns": "lab"}))
    assert (start.after["supervisor"], start.after["autostart"]) == ("systemd", False)


def test_without_systemd_a_new_guest_is_a_process() -> None:
    (start,) = planned(
        Guest("vm1"), Wish("vm1", "running", {"memory": 64, "autostart": False}), False
    )
    assert start.after == {"status": "running", **PLAIN}


def test_a_unit_that_is_asked_to_be_a_process_forgets_what_that_cannot_have() -> None:
    spec = {**UNIT, "memory_max": 512, "shutdown_timeout": 5.0}
    (start,) = planned(Guest("vm1", "stopped", spec), Wish("vm1", "running", supervisor="process"))
    assert start.after == {"status": "running", **PLAIN}


def test_h14_a_guest_of_an_earlier_version_runs_on_and_is_told_to_become_a_unit() -> None:
    guest = running(PLAIN, "process")
    for on_change in ("keep", "restart"):
        wish = Wish("vm1", "running", {"memory": 64}, on_change=on_change)
        assert planned(guest, wish) == []
        assert differences(guest, wish, True) == {
            "supervisor": {"now": "process", "wanted": "systemd"}
        }
    assert differences(guest, Wish("vm1", "running"), False) == {}


def test_one_that_is_asked_to_be_a_unit_is_ended_for_it_where_that_is_allowed() -> None:
    guest = running(PLAIN, "process")
    wish = Wish("vm1", "running", on_change="restart", supervisor="systemd")
    assert [change.action for change in planned(guest, wish)] == ["stop", "start"]
    keep = Wish("vm1", "running", supervisor="systemd")
    assert planned(guest, keep) == []


def test_one_that_shall_begin_with_the_host_has_its_unit_written_and_runs_on() -> None:
    (change,) = planned(running(PLAIN, "process"), Wish("vm1", "running", {"autostart": True}))
    assert (change.action, change.before, change.after) == (
        "update",
        {"autostart": None},
        {"autostart": True},
    )
    assert change.payload == UNIT
    after = running(UNIT, "process", unit=NAME)
    assert planned(after, Wish("vm1", "running", {"autostart": True})) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("autostart", False),
        ("start_order", 3),
        ("start_delay", 10),
        ("memory_max", 512),
        ("cpu_quota", 50),
        ("cpu_weight", 10),
        ("cpu_affinity", ["0"]),
        ("shutdown_timeout", 5.0),
    ],
)
@pytest.mark.parametrize("status", ["running", "stopped"])
def test_a_unit_takes_over_its_settings_whether_it_runs_or_not(
    option: str, value: Any, status: str
) -> None:
    assert option in supervision.LIVE
    guest = Guest(
        "vm1", status, UNIT, kept_by="systemd" if status == "running" else None, unit=NAME
    )
    wish = Wish("vm1", status, {option: value})
    (change,) = planned(guest, wish)
    assert (change.action, change.after, change.risk) == ("update", {option: value}, "safe")
    assert change.payload == {**UNIT, option: value}
    assert differences(guest, wish, True) == {}
    done = Guest("vm1", status, change.payload, kept_by=guest.kept_by, unit=NAME)
    assert planned(done, wish) == []


def test_its_undo_is_the_settings_as_they_were() -> None:
    before = Guests({"vm1": running(UNIT, "systemd", unit=NAME)}, systemd=True)
    after = running({**UNIT, "memory_max": 512}, "systemd", unit=NAME)
    (change,) = planned(after, wish_back(before, [], ["vm1"])[0])
    assert (change.action, change.after, change.payload) == ("update", {"memory_max": None}, UNIT)


def test_the_undo_of_a_unit_that_was_none_forgets_it() -> None:
    before = Guests({"vm1": running(PLAIN, "process")}, systemd=True)
    after = running(UNIT, "process", unit=NAME)
    (change,) = planned(after, wish_back(before, [], ["vm1"])[0])
    assert change.payload == PLAIN


@pytest.mark.parametrize("adopted", [False, True])
def test_the_undo_of_a_restart_as_a_unit_is_a_restart_as_a_process(adopted: bool) -> None:
    """An adopted guest runs as a process, and its unit is written for the next start."""
    was = running(UNIT if adopted else PLAIN, "process", unit=NAME if adopted else None)
    (back,) = wish_back(Guests({"vm1": was}, systemd=True), [], ["vm1"])
    stop, start, *more = planned(running(UNIT, "systemd", unit=NAME), back)
    assert (stop.action, start.action, more) == ("stop", "start", [])
    assert "supervisor" not in start.after
    spec = {key: value for key, value in start.after.items() if key != "status"}
    left = planned(running(spec, "process"), back)
    assert [change.payload for change in left] == ([UNIT] if adopted else [])
    assert planned(was, back) == []


@pytest.mark.parametrize("status", ["running", "stopped"])
def test_a_unit_that_was_edited_by_hand_is_written_again(status: str) -> None:
    path = f"/etc/systemd/system/{NAME}.d/guest.conf"
    kept_by = "systemd" if status == "running" else None
    guest = Guest("vm1", status, UNIT, unit=NAME, edited=(path,), kept_by=kept_by)
    (change,) = planned(guest, Wish("vm1", status))
    assert (change.before, change.after) == ({"edited": [path]}, {"edited": []})
    assert change.payload == UNIT


def test_a_unit_that_was_edited_by_hand_is_not_written_again_to_be_removed() -> None:
    guest = Guest("vm1", "stopped", UNIT, unit=NAME, edited=("/etc/x.conf",))
    assert [change.action for change in planned(guest, Wish("vm1", "absent"))] == ["delete"]


def test_what_a_stopped_guest_cannot_have_is_refused_too() -> None:
    guest = Guest("vm1", "stopped", PLAIN)
    with pytest.raises(Refused, match="autostart needs a unit"):
        planned(guest, Wish("vm1", "stopped", {"autostart": True}), False)
    assert planned(guest, Wish("vm1", "stopped", {"autostart": False}), False) == []


def test_h14_a_plain_process_is_taken_over_once_where_it_shall_be_a_unit() -> None:
    guest = running(PLAIN, "process", scope=None)
    (adopt,) = planned(guest, Wish("vm1", "running"))
    assert (adopt.action, adopt.before, adopt.after) == ("adopt", {"scope": None}, {"scope": SCOPE})
    assert planned(running(PLAIN, "process"), Wish("vm1", "running")) == []
    actions = [one.action for one in planned(guest, Wish("vm1", "running", {"autostart": True}))]
    assert actions == ["adopt", "update"]


@pytest.mark.parametrize(("asked", "follows"), [(None, False), (3, False), (5.0, True), (0, True)])
def test_h14_what_was_taken_over_follows_other_seconds(asked: float | None, follows: bool) -> None:
    guest = running(PLAIN, "process", scope_seconds=3.0)
    changes = planned(guest, Wish("vm1", "running", shutdown_timeout=asked))
    assert [(one.action, one.before, one.after) for one in changes] == [
        (
            "adopt",
            {"scope": SCOPE, "shutdown_timeout": 3.0},
            {"scope": SCOPE, "shutdown_timeout": asked},
        )
    ] * follows


@pytest.mark.parametrize(
    ("wish", "systemd"),
    [
        (Wish("vm1", "running", supervisor="process"), True),
        (Wish("vm1", "running"), False),
        (Wish("vm1", "running", PLAIN, exact=True, kept_by="process"), True),
    ],
)
def test_h14_nobody_takes_it_over_elsewhere(wish: Wish, systemd: bool) -> None:
    assert planned(running(PLAIN, "process", scope=None), wish, systemd) == []
