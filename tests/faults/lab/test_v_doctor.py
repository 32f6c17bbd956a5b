# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a guest has no network where VLANs divide it, on a machine whose kernel filters them, in a namespace of it: each illness is made and cured by hand.

All without VLANs is in tests/faults/test_g_doctor.py, where it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.planned_host import (
    by_hand,
    planned_host,
)
from ansible_collections.hypervisor.network.tests.harness.lab.powered import HOST, PoweredLab
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

MAC = "52:00:00:00:00:0a"
# No guest runs: what it would have been heard by stands in the forwarding table by hand. The host itself is in VLAN 99, and routes VLAN 20
LINKS = (
    "ip link add br0 address 02:00:00:00:00:10 type bridge vlan_filtering 1 vlan_default_pvid 0",
    "ip link set br0 up",
    "ip link set eth0 address 02:00:00:00:00:10",
    "ip address del 10.66.0.10/24 dev eth0",
    "ip link set eth0 addrgenmode none master br0",
    "ip address add 10.66.0.10/24 dev br0",
    "ip link add br0.20 link br0 up type vlan id 20",
    "ip address add 10.67.0.1/24 dev br0.20",
    "ip tuntap add tap1 mode tap",
    "ip link set tap1 master br0 up",
)
VLANS = (
    "bridge vlan add vid 99 dev br0 self pvid untagged",
    "bridge vlan add vid 99 dev eth0 pvid untagged",
    "bridge vlan add vid 20 dev br0 self",
    "bridge vlan add vid 10 dev eth0",
    "bridge vlan add vid 10 dev tap1 pvid untagged",
    f"bridge fdb add {MAC} dev tap1 master static",
)


@dataclass
class Ward:
    """A guest's tap in VLAN 10, on a host on which no VLAN is wrong."""

    lab: PoweredLab
    modules: Modules

    def ids(self) -> set[str]:
        """What is found, less that nobody holds the tap."""
        found = self.modules.done("bridge_doctor", mac=MAC)["findings"]
        return {
            one["id"] for one in found if one["step"] in ("vlan", "uplink") or "vlan" in one["id"]
        }


@pytest.fixture
def ward(fresh: PoweredLab) -> Iterator[Ward]:
    with planned_host(fresh, HOST) as modules:
        by_hand(fresh, HOST, *LINKS, *VLANS)
        yield Ward(fresh, modules)
    fresh.used = False  # all of it went with the namespace


# what is done by hand, what is found, and what undoes it
ILL = {
    "in no VLAN": (
        "bridge vlan del vid 10 dev tap1",
        "vlan_none",
        "bridge vlan add vid 10 dev tap1 pvid untagged",
    ),
    "without a PVID": (
        "bridge vlan add vid 10 dev tap1 untagged",
        "vlan_none",
        "bridge vlan add vid 10 dev tap1 pvid untagged",
    ),
    "two leave untagged": (
        "bridge vlan add vid 20 dev tap1 untagged",
        "pvid_leak",
        "bridge vlan del vid 20 dev tap1",
    ),
    "not on the uplink": (
        "bridge vlan del vid 10 dev eth0",
        "vlan_not_on_uplink",
        "bridge vlan add vid 10 dev eth0",
    ),
    "taken by a VLAN device": (
        "ip link add eth0.10 link eth0 up type vlan id 10",
        "vlan_device_takes_it",
        "ip link del eth0.10",
    ),
    "the host in none": (
        "bridge vlan del vid 99 dev br0 self",
        "host_in_no_vlan",
        "bridge vlan add vid 99 dev br0 self pvid untagged",
    ),
    "an address in a VLAN that the host is not in": (
        "bridge vlan del vid 20 dev br0 self",
        "host_in_no_vlan",
        "bridge vlan add vid 20 dev br0 self",
    ),
    "a VLAN that the host has a device for leaves untagged": (
        "bridge vlan add vid 20 dev br0 self untagged",
        "host_in_no_vlan",
        "bridge vlan add vid 20 dev br0 self",
    ),
}


def test_each_vlan_that_is_wrong_is_told_by_itself_and_none_where_all_is_well(ward: Ward) -> None:
    assert ward.ids() == set()
    for illness, (done, found, undone) in ILL.items():
        by_hand(ward.lab, HOST, done)
        assert ward.ids() == {found}, illness
        by_hand(ward.lab, HOST, undone)
        assert ward.ids() == set(), illness
