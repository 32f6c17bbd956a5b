# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words in which the doctor looks and tells."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import case
from ansible_collections.hypervisor.network.tests.harness.model import patient


def test_the_uplink_is_a_nic_or_what_has_the_bridges_mac() -> None:
    veth = Link("veth0", 9, "veth", mac=patient.NIC_MAC, master="br0", port={})
    other = Link("veth1", 10, "veth", mac="02:00:00:00:00:aa", master="br0", port={})
    host = patient.host(veth0=veth, veth1=other)
    assert [one.name for one in host.uplinks("br0")] == ["eth0", "veth0"]


def test_a_bridge_that_is_gone_by_now_has_the_nics_that_say_so() -> None:
    assert [one.name for one in patient.host(br0=None).uplinks("br0")] == ["eth0"]


def test_where_a_mac_was_seen_is_not_where_it_is_the_hosts_own() -> None:
    host = patient.host()
    assert [one.port for one in host.learned(patient.MAC)] == ["tap1"]
    assert host.learned(patient.NIC_MAC) == [] and host.link(None) is None


def test_a_finding_is_plain_data() -> None:
    cure = [case.task("tap_device", name="tap1", up=True)]
    found = case.Finding(
        "tap_down", case.TAP, case.ERROR, "tap1", "tap1 is down.", {"up": False}, cure, "vm1"
    )
    assert found.as_dict() == {
        "id": "tap_down", "step": "tap", "severity": "error", "device": "tap1", "finding": "tap1 is down.",
        "evidence": {"up": False}, "cure": [{"hypervisor.network.tap_device": {"name": "tap1", "up": True}}], "guest": "vm1",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["tap\u2028error: x", "tap\u202egnp", "tap\x1c\x1b[2J"])
def test_a_finding_is_one_line_that_no_name_turns_or_ends(name: str) -> None:
    told = case.Finding("tap_down", "tap", "error", name, f"{name} is down.").as_dict()
    assert told["finding"].isprintable() and len(told["finding"].splitlines()) == 1
    assert told["finding"].endswith(" is down.") and told["device"] == name


def test_a_way_is_its_guests_or_its_holders() -> None:
    assert case.Way(patient.VM1).whose == "vm1"
    assert case.Way(holder="theirs").whose == "theirs" and case.Way().whose is None
