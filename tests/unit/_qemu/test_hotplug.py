# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running guest can take over of a changed definition, and what waits for its next start."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.hotplug import (
    at_start,
    taken_over,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.plan import (
    Guests,
    plan,
    wish_back,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    with_defaults,
)


def nic(tap: str = "tap1", **more: Any) -> dict[str, Any]:
    return {"tap": tap, "mac": "52:00:00:00:00:01", **more}


DOWN = ("set_link", {"name": "nic0", "up": False})
UP = ("set_link", {"name": "nic0", "up": True})


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ([nic()], [nic(link="down")], [DOWN]),
        ([nic(link="up")], [nic(link="down")], [DOWN]),
        ([nic(link="down")], [nic(link="up")], [UP]),
        ([nic(link="down")], [nic()], [UP]),
        (
            [nic(), nic("tap2")],
            [nic(), nic("tap2", link="down")],
            [("set_link", {"name": "nic1", "up": False})],
        ),
        ([nic()], [nic(link="up")], []),
    ],
)
def test_a_link_is_changed_while_the_guest_runs(before: Any, after: Any, steps: Any) -> None:
    assert taken_over({"nics": before}, {"nics": after}) == ({"nics": after}, steps)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([nic()], [nic()]),
        ([nic()], [nic("tap2", link="down")]),
        ([nic()], [nic(link="down"), nic("tap2")]),
        ([nic(link="down")], []),
    ],
)
def test_other_changes_of_cards_are_not(before: Any, after: Any) -> None:
    assert taken_over({"nics": before}, {"nics": after}) == ({}, [])


def test_a_link_that_is_down_is_so_from_the_start() -> None:
    assert at_start({"nics": [nic(link="down"), nic("tap2", link="up"), nic("tap3")]}) == [DOWN]
    assert at_start({}) == []


def changes(on_change: str, **wanted: Any) -> list[Any]:
    runs = Guest("vm1", "running", with_defaults({"nics": [nic()]}))
    return plan(Guests({"vm1": runs}), [Wish("vm1", "running", wanted, on_change=on_change)])


@pytest.mark.parametrize(
    ("on_change", "found"),
    [("keep", []), ("hotplug", ["adjust"]), ("restart", ["stop", "start"])],
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
