# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the tap into its bridge and its VLAN: each finding, by the host that has it."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import port_rules
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Way
from ansible_collections.hypervisor.network.tests.harness.model import patient

VLAN10 = Link("eth0.10", 9, "vlan", 0x10001, lower="eth0", options={"id": 10})

# What is other about vm1's host: the finding, its step where a way ends there, the module of its cure
CASES: dict[str, patient.Case] = {
    "the tap is in no bridge": ({"tap1": {"port": None, "master": None}}, "tap_in_no_bridge", "port", "bridge_port"),
    "the tap is in another bridge": ({"tap1": {"master": "br1"}}, "wrong_bridge", "port", "bridge_port"),
    "the port listens": ({"tap1": {"port": {"port_state": "listening", "forward_delay_timer": 12.5}}}, "port_not_yet_forwarding", "port", None),
    "the port learns": ({"tap1": {"port": {"port_state": "learning"}}}, "port_not_yet_forwarding", "port", None),
    "the port is blocked": ({"tap1": {"port": {"port_state": "blocking"}}, "br0": {"options": {"stp_state": True}}}, "port_blocking", "port", None),
    "the port was disabled": ({"tap1": {"port": {"port_state": "disabled"}}}, "port_disabled", "port", "bridge_port"),
    "the port is locked": ({"tap1": {"port": {"locked": True}}, "fdb": ()}, "port_locked", "port", "bridge_fdb"),
    "learning is off": ({"tap1": {"port": {"learning": False}}, "fdb": ()}, "learning_off", None, "bridge_port"),
    "flooding is off": ({"tap1": {"port": {"flood": False}}, "fdb": ()}, "flood_off", "port", "bridge_port"),
    "broadcasts are off": ({"tap1": {"port": {"bcast_flood": False}}}, "bcast_flood_off", "port", "bridge_port"),
    "groups are off": ({"tap1": {"port": {"mcast_flood": False}}}, "mcast_flood_off", None, "bridge_port"),
    "the bridge answers for others": ({"tap1": {"port": {"neigh_suppress": True}}}, "neigh_suppress", None, "bridge_port"),
    "the port is isolated": ({"tap1": {"port": {"isolated": True}}}, "port_isolated", None, "bridge_port"),
    "tap and uplink are isolated": (
        {"tap1": {"port": {"isolated": True}}, "eth0": {"port": {"isolated": True}}},
        "isolated_from_uplink", "port", "bridge_port",
    ),
    "the tap has no VLAN": ({"tap1": {"vlans": {}}}, "vlan_none", "vlan", "bridge_port"),
    "the tap has no PVID": ({"tap1": {"vlans": {"10": "untagged"}}}, "vlan_none", "vlan", "bridge_port"),
    "two VLANs leave untagged": ({"tap1": {"vlans": {"1": "untagged", "10": "pvid untagged"}}}, "pvid_leak", None, "bridge_port"),
    "the uplink lacks the VLAN": ({"eth0": {"vlans": {"1": "pvid untagged"}}}, "vlan_not_on_uplink", "vlan", "bridge_port"),
    "a VLAN device takes the VLAN": ({"eth0.10": VLAN10}, "vlan_device_takes_it", "uplink", None),
    "the uplink is blocked": ({"eth0": {"port": {"port_state": "blocking"}}, "br0": {"options": {"stp_state": True}}}, "port_blocking", "uplink", None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_finding_says_where_the_way_ends_and_what_cures_it(case: str) -> None:
    patient.check(*CASES[case])


def test_what_is_not_there_is_found_by_others() -> None:
    host = patient.host(tap1=None)
    assert list(port_rules.port(host, Way(tap="tap1"))) == []
    assert list(port_rules.vlan(host, Way(tap="tap1"))) == []


def test_a_port_without_a_carrier_is_disabled_by_the_kernel_and_not_ill() -> None:
    host = patient.host(tap1={"flags": patient.UP, "port": {"port_state": "disabled"}})
    assert list(port_rules.port(host, Way(tap="tap1"))) == []


def test_a_port_of_a_bridge_that_is_down_is_disabled_by_the_kernel_and_the_way_ends_at_the_bridge() -> (
    None
):
    disabled = {"port": {"port_state": "disabled"}}
    patient.check({"br0": {"flags": 0}, "tap1": disabled}, "bridge_down", "bridge", "linux_bridge")


def test_a_trunk_needs_all_its_vlans_on_the_uplink() -> None:
    host = patient.host(tap1={"vlans": {"10": "tagged", "20-21": "tagged"}})
    (found,) = port_rules.vlan(host, Way(tap="tap1"))
    assert found.evidence["vlan"] == [20, 21]


def test_a_bridge_that_filters_nothing_has_no_vlan_to_miss() -> None:
    host = patient.host(br0={"options": {"vlan_filtering": False}}, tap1={"vlans": {}})
    assert list(port_rules.vlan(host, Way(tap="tap1"))) == []


def test_a_locked_port_without_a_known_mac_is_unlocked() -> None:
    host = patient.host(tap1={"port": {"locked": True}})
    (found,) = port_rules.port(host, Way(tap="tap1"))
    assert found.cure == [
        {"hypervisor.network.bridge_port": {"name": "tap1", "bridge": "br0", "locked": False}}
    ]
