# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the guest to its tap: each finding, by the host that has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Holder
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import guest_rules
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Way
from ansible_collections.hypervisor.network.tests.harness.model import patient
from ansible_collections.hypervisor.network.tests.harness.model.patient import MAC, UP, VM1, VM2

# What is other about vm1's host: the finding, its step where a way ends there, the module of its cure
CASES: dict[str, patient.Case] = {
    "the guest is stopped": (
        {"guests": [replace(VM1, status="stopped", pid=None)], "tap1": {"flags": UP}, "holders": {}},
        "guest_not_running", "guest", "qemu_guest",
    ),
    "the guest crashed": ({"guests": [replace(VM1, status="crashed", crash_reason="out of memory")]}, "guest_not_running", "guest", "qemu_guest"),
    "the guest hangs": ({"guests": [replace(VM1, status="unresponsive")]}, "guest_unresponsive", "guest", None),
    "the guest's cable is pulled": (
        {"guests": [replace(VM1, spec={"nics": [{**VM1.spec["nics"][0], "link": "down"}]})]},
        "guest_link_off", "guest", None,
    ),
    "two guests have one MAC": ({"guests": [VM1, replace(VM2, spec={"nics": [{"tap": "tap2", "mac": MAC}]})]}, "mac_of_two_guests", "guest", None),
    "the MAC is a device's of the host": ({"br1": {"mac": MAC}}, "mac_is_hosts", "guest", None),
    "the tap is gone": ({"tap1": None}, "tap_missing", "tap", "tap_device"),
    "the tap is a veth": ({"tap1": {"kind": "veth"}}, "not_a_tap", "tap", None),
    "the tap is down": ({"tap1": {"flags": 0}}, "tap_down", "tap", "tap_device"),
    "nobody holds the tap": ({"tap1": {"flags": UP}, "holders": {}}, "tap_not_held", "tap", "qemu_guest"),
    "another process holds the tap": ({"holders": {"tap1": Holder(99)}}, "tap_held_by_other", "tap", None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_finding_says_where_the_way_ends_and_what_cures_it(case: str) -> None:
    patient.check(*CASES[case])


def test_what_a_guest_lacks_is_told_and_a_restart_cures_one_that_runs() -> None:
    """One that is held still goes on by the cure of guest_not_running."""
    way = Way(replace(VM1, problems=("its TPM is gone", "its disk is")), {}, MAC, "tap1")
    found = list(guest_rules.guest(patient.host(), way))
    assert [one.finding for one in found] == [
        "vm1 has a problem: its TPM is gone.",
        "vm1 has a problem: its disk is.",
    ]
    states = [one["hypervisor.network.qemu_guest"]["state"] for one in found[0].cure]
    assert {one.severity for one in found} == {"warning"} and states == ["stopped", "running"]
    held = replace(way, guest=replace(VM1, status="io-error", problems=("its disk is",)))
    ill = [(one.id, len(one.cure)) for one in guest_rules.guest(patient.host(), held)]
    assert ill == [("guest_not_running", 1), ("guest_problem", 0)]


def test_a_stranger_s_tap_is_looked_at_too() -> None:
    host = patient.host(tap1={"flags": 0})
    (found,) = guest_rules.tap(host, Way(tap="tap1", holder="theirs"))
    assert found.id == "tap_down"
    assert list(guest_rules.guest(host, Way(tap="tap1"))) == []
    assert list(guest_rules.tap(host, Way(mac=MAC))) == []


def test_a_tap_that_is_missing_is_plugged_in_and_taken_by_its_guest_again() -> None:
    host = patient.host(tap1=None)
    (found,) = guest_rules.tap(host, Way(VM1, VM1.spec["nics"][0], MAC, "tap1"))
    assert [next(iter(one)).rpartition(".")[2] for one in found.cure] == [
        "tap_device",
        "bridge_port",
        "qemu_guest",
        "qemu_guest",
    ]


def test_a_tap_of_a_guest_that_is_stopped_is_held_by_nobody_and_that_is_no_finding() -> None:
    host = patient.host(tap1={"flags": UP}, holders={})
    stopped = replace(VM1, status="stopped")
    assert list(guest_rules.tap(host, Way(stopped, VM1.spec["nics"][0], MAC, "tap1"))) == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"guests": [VM1], "tap2": {"flags": UP}, "holders": {}}, ["tap2"]),
        ({"guests": [VM1], "tap2": {"flags": 0}, "holders": {}}, ["tap2"]),
        ({"guests": [VM1], "tap2": {"flags": 0}}, []),  # held, and down
        ({"guests": [VM1], "holders": {}}, []),  # held in another namespace
        ({"tap2": {"flags": UP}, "holders": {}}, []),  # known guests'
        ({"guests": [VM1], "tap2": {"flags": UP, "kind": "veth"}, "holders": {}}, []),
        ({"guests": [VM1], "tap2": {"flags": UP, "master": "br1"}, "holders": {}}, []),
    ],
)
def test_a_tap_in_a_bridge_that_nobody_holds_is_told_where_no_guest_is_known_to_have_it(
    more: dict[str, Any], found: list[str]
) -> None:
    rows = list(guest_rules.spare(patient.host(**more), "br0"))
    assert [one.device for one in rows] == found
    assert {(one.id, one.severity) for one in rows} <= {("tap_of_nobody", "info")}
