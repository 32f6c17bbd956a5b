# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge, its way out and the gateway: each finding, by the host that has it.

A wireless uplink is here alone: what simulates one (mac80211_hwsim) is a module that few kernels have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import bridge_rules
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Way
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Forwarding
from ansible_collections.hypervisor.network.tests.harness.model import patient, simulated
from ansible_collections.hypervisor.network.tests.harness.model.patient import MAC, UP, VM1

VLAN10 = Link("br0.10", 9, "vlan", patient.RUNNING, lower="br0", options={"id": 10})
ROUTES = {
    "br0.10": VLAN10,
    "addresses": (patient.ADDRESS, simulated.address("br0.10", "198.51.100.1/24")),
}
# What is other about vm1's host: the finding, its step where a way ends there, the module of its cure
CASES: dict[str, patient.Case] = {
    "the MAC is behind another port": (
        {"fdb": (*patient.FDB[1:], Forwarding("br0", "eth0", MAC, 10, False, False, 1.0))},
        "mac_learned_elsewhere", "bridge", "bridge_fdb",
    ),
    "the MAC is in two bridges": ({"fdb": (*patient.FDB, Forwarding("br1", "x", MAC, 10, False, False, 1.0))}, "mac_in_two_bridges", None, None),
    "the guest is silent": ({"fdb": patient.FDB[1:]}, "not_heard", None, None),
    "the bridge is down": ({"br0": {"flags": 0}}, "bridge_down", "bridge", "linux_bridge"),
    "the bridge's table is full": ({"br0": {"options": {"fdb_max_learned": 2, "fdb_n_learned": 2}}}, "fdb_full", "bridge", "linux_bridge"),
    "a packet filter drops": ({"drops": {"br0": ["iptables' chain FORWARD"]}}, "packet_filter_drops", "bridge", None),
    "the host is in no VLAN": ({"br0": {"vlans": {}}}, "host_in_no_vlan", None, None),
    "the host is in VLANs, and in none untagged": ({"br0": {"vlans": {"1": "tagged", "10": "untagged"}}}, "host_in_no_vlan", None, None),
    "the host has an address in a VLAN that it is not in": (ROUTES, "host_in_no_vlan", None, "linux_bridge"),
    "the host gets a VLAN untagged that it has a device for": (
        {**ROUTES, "br0": {"vlans": {"1": "pvid untagged", "10": "untagged"}}}, "host_in_no_vlan", None, None,
    ),
    "a VLAN that the host is not in goes into another bridge": (
        {"br0.10": replace(VLAN10, master="br1", port=patient.PORT)}, "host_in_no_vlan", None, "linux_bridge",
    ),
    "the bridge has no way out": ({"eth0": None, "addresses": ()}, "no_way_out", None, None),
    "the uplink is down": ({"eth0": {"flags": 0}}, "uplink_down", "uplink", "bridge_port"),
    "the uplink has no carrier": ({"eth0": {"flags": UP}}, "uplink_no_carrier", "uplink", None),
    "the uplink is wireless": ({"eth0": {"wireless": True}}, "uplink_wireless", None, None),
    "the uplink kept its address": (
        {"addresses": (patient.ADDRESS, simulated.address("eth0", "192.0.2.11/24"))},
        "uplink_has_addresses", None, "bridge_uplink",
    ),
    "another manager has the uplink": ({"managers": {"eth0": ["eth0 is managed by systemd-networkd"]}}, "other_manager", None, None),
    "the tap's MTU is larger": ({"tap1": {"mtu": 9000}}, "mtu_too_big", None, "tap_device"),
    "the guest's MTU is larger": ({"guests": [replace(VM1, spec={"nics": [{**VM1.spec["nics"][0], "mtu": 9000}]})]}, "mtu_too_big", None, None),
    "the tap's MTU is smaller": ({"tap1": {"mtu": 1400}}, "mtu_too_small", None, "tap_device"),
    "a guest poses as the gateway": (
        {"fdb": (*patient.FDB, Forwarding("br0", "tap2", patient.ROUTER_MAC, 10, False, False, 0.1))},
        "gateway_behind_a_guest", None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_finding_says_where_the_way_ends_and_what_cures_it(case: str) -> None:
    patient.check(*CASES[case])


def test_what_is_not_there_is_found_by_others() -> None:
    host = patient.host(tap1=None)
    assert list(bridge_rules.learned(host, Way(mac=MAC, tap="tap1"))) == []
    assert list(bridge_rules.mtus(host, Way(tap="tap1"))) == []


def test_a_bridge_without_ports_wants_no_way_out() -> None:
    host = patient.host()
    assert list(bridge_rules.bridge(host, host.now.links["br1"])) == []


@pytest.mark.parametrize(
    "more",
    [
        {**ROUTES, "br0": {"vlans": {"1": "pvid untagged", "10": "tagged"}}},
        {**ROUTES, "br0": {"vlans": {}, "options": {"vlan_filtering": False}}},
        {"br0.10": VLAN10},  # nobody is to reach it
        {**ROUTES, "br0.10": replace(VLAN10, lower="br1")},
        # an address in a tagged VLAN alone
        {
            "br0.10": VLAN10,
            "addresses": ROUTES["addresses"][1:],
            "br0": {"vlans": {"10": "tagged"}},
        },
    ],
)
def test_a_host_that_is_in_the_vlans_of_its_addresses_is_healthy(more: dict[str, Any]) -> None:
    host = patient.host(**more)
    assert list(bridge_rules.bridge(host, host.now.links["br0"])) == []


def test_the_cure_of_a_vlan_that_the_host_is_not_in_keeps_those_that_it_is_in() -> None:
    host = patient.host(**ROUTES)
    (found,) = bridge_rules.bridge(host, host.now.links["br0"])
    assert found.cure == [{"hypervisor.network.linux_bridge": {"name": "br0", "self_vlans": [
        {"vid": 1, "pvid": True, "untagged": True}, {"vid": 10, "pvid": False, "untagged": False},
    ]}}]  # fmt: skip
