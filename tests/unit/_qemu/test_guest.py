# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest as the host has it."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Holder, Link
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    Guest,
    describe,
    describe_with_wires,
    guest_name,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Forwarding

MAC, OTHER = "52:00:00:00:00:01", "52:00:00:00:00:02"
SPEC = {"memory": 64, "nics": [{"tap": "tap1", "mac": MAC}, {"tap": "tap2", "mac": OTHER}]}
GUEST = Guest("vm1", "running", SPEC, pid=4711, since=100.0, accel="tcg", accel_reason="asked for")


@pytest.mark.parametrize("name", ["vm1", "a", "a" * 31, "a-1"])
def test_a_name_is_told_as_it_is(name: str) -> None:
    assert guest_name(name) == name


@pytest.mark.parametrize("name", ["", "VM1", "1a", "-a", "a" * 32, "a/b", "vm1\n", "ä"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="not a usable guest name"):
        guest_name(name)


@pytest.mark.parametrize(
    ("status", "down"),
    [
        ("absent", True),
        ("stopped", True),
        ("crashed", True),
        ("unresponsive", False),
        ("paused", False),
    ],
)
def test_a_guest_is_down_where_no_process_runs_it(status: str, down: bool) -> None:
    assert Guest("vm1", status).down is down


@pytest.mark.parametrize(
    ("holder", "other"), [(None, False), (Holder(4711), False), (Holder(7, "vm1"), True)]
)
def test_another_holds_its_tap_where_that_is_another_process(
    holder: Holder | None, other: bool
) -> None:
    assert GUEST.is_not(holder) is other


def test_a_guest_is_told_with_its_process_and_its_definition() -> None:
    assert describe(GUEST) == {
        "name": "vm1",
        "status": "running",
        "crash_reason": None,
        "problems": [],
        "pid": 4711,
        "unit": None,
        "accel_used": "tcg",
        "accel_reason": "asked for",
        "machine_used": None,
        **SPEC,
    }


def test_of_each_card_it_is_told_what_its_bridge_knows() -> None:
    links = {
        "tap1": Link("tap1", 2, "tun", master="br0", port={"port_state": "forwarding"}),
        "tap2": Link("tap2", 3, "tun"),
    }
    fdb = [
        Forwarding("br0", "tap2", MAC, None, False, False, 1.0),
        Forwarding("br0", "tap1", MAC, None, True, False, 2.0),
        Forwarding("br0", "tap1", MAC, None, False, False, 3.5),
    ]
    told = describe_with_wires(GUEST, links, fdb, 110.25)
    assert told["uptime"] == 10.25 and told["disks"] == []
    assert told["nics"] == [
        {"tap": "tap1", "mac": MAC, "bridge": "br0", "learned": True, "age": 3.5},
        {"tap": "tap2", "mac": OTHER, "bridge": None, "learned": False, "age": None},
    ]


def test_a_guest_that_never_ran_has_no_uptime_and_no_cards() -> None:
    told = describe_with_wires(Guest("vm1"), {}, (), 110.0)
    assert (told["uptime"], told["nics"], told["status"]) == (None, [], "absent")
