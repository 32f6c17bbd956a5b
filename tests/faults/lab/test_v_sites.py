# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G03 by the role: hosts of netplan, networkd, NetworkManager and ifupdown, by DHCP and with everything written down, with VLANs of tenants, on a LAN that
has routers and DHCPv6. Each is converted by site.yml over SSH, boots, and is given back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.managed import (
    BRIDGE,
    DEFAULT,
    NIC,
    SITES,
    STATIC,
    TAP,
    Seen,
    absent,
    bridges,
    files,
    seen,
    site,
    upset,
)
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import HOST, PoweredLab
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

# The host in a VLAN of its own, and nobody in one that he was not given
APART = {
    "name": BRIDGE,
    "uplink": NIC,
    "vlan_filtering": True,
    "vlan_default_pvid": 0,
    "self_vlans": [{"vid": 99, "pvid": True, "untagged": True}],
    "ageing_time": 120,
}
TENANTS = [
    {"name": "blue", "vlan": 30, "taps": ["tap4"]},
    {"name": "red", "vlan": 40, "taps": ["tap5"]},
]
# What of bridges and ports a boot has to make again: VLANs, STP, options of ports, an own address
ROLE = {
    "bridge_host_bridges": [
        APART,
        {
            "name": "br1",
            "method": "static",
            "address": ["10.88.0.1/24"],
            "stp_state": True,
            "forward_delay": 4,
            "priority": 4096,
        },
    ],
    "bridge_host_taps": [
        {"name": TAP, "bridge": BRIDGE, "access_vlan": 20, "isolated": True},
        {
            "name": "tap2",
            "bridge": BRIDGE,
            "trunk_vlans": ["20", "100-199"],
            "native_vlan": 10,
            "mcast_flood": False,
            "cost": 40,
        },
        {"name": "tap3", "bridge": "br1", "guard": True},
        {"name": "tap4", "bridge": BRIDGE},
        {"name": "tap5", "bridge": BRIDGE},
    ],
    "bridge_host_tenants": TENANTS,
}
OF_VLANS = {
    "bridge_host_bridges": [APART],
    "bridge_host_taps": [
        {"name": TAP, "bridge": BRIDGE, "access_vlan": 20},
        {"name": "tap4", "bridge": BRIDGE},
        {"name": "tap5", "bridge": BRIDGE},
    ],
    "bridge_host_tenants": TENANTS,
}
# With VLANs NetworkManager's hosts have ROLE too; here the guest's tap is not named as the usual ones are
OF_NETWORKMANAGER = {
    "bridge_host_bridges": [
        {"name": BRIDGE, "uplink": NIC, "ageing_time": 120},
        ROLE["bridge_host_bridges"][1],
    ],
    "bridge_host_taps": [
        {"name": TAP, "bridge": BRIDGE, "isolated": True, "mtu": 1400, "mac": "02:00:00:00:00:71"},
        {"name": "guest2", "bridge": BRIDGE, "mcast_flood": False, "cost": 40},
        {"name": "tap3", "bridge": "br1", "guard": True, "alias": "the 'third'"},
    ],
}
# A port that nobody gave a cost gets 100 of ifreload, whatever the kernel had made of its speed
OF_IFUPDOWN2 = {
    **ROLE,
    "bridge_host_taps": [{"cost": 20, **tap} for tap in ROLE["bridge_host_taps"]],
}
SHAPES = {
    "netplan, DHCP": ("netplan", {}, {}),
    "netplan, static": ("netplan", STATIC, ROLE),
    "networkd, DHCP": ("networkd", {}, {}),
    "networkd, static": ("networkd", STATIC, ROLE),
    "networkmanager, DHCP": ("networkmanager", {}, {}),
    "networkmanager, static": ("networkmanager", STATIC, OF_NETWORKMANAGER),
    "networkmanager, VLANs": ("networkmanager", STATIC, ROLE),
    "ifupdown, VLANs": ("ifupdown", {}, OF_VLANS),
    "ifupdown2, VLANs": ("ifupdown2", STATIC, OF_IFUPDOWN2),
}


@pytest.fixture(scope="module", params=list(SHAPES))
def managed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PoweredLab]:
    if not LONG:
        pytest.skip("a machine for each shape takes minutes: make faults runs it")
    directory, name = place("hvsite")
    network, static, role = SHAPES[request.param]
    more = {
        "lab_distro": DISTRO,
        "lab_network": network,
        "site_static": static,
        "lab_dhcp6_range": ["fd77::100", "fd77::1ff"],
    }
    records = tmp_path_factory.mktemp("records")
    made = PoweredLab(directory, name, records, "-e", json.dumps(more), inventory=SITES)
    made.role = role
    with made.running():
        yield made


def test_g03_a_site_is_converted_boots_and_is_given_back(managed: PoweredLab) -> None:
    role = managed.role
    before, written = seen(managed, HOST, NIC), files(managed, HOST)
    assert before.addresses and not before.others
    assert site(managed, HOST, **role)
    made = bridges(managed, HOST)
    assert converted(managed) == before
    assert site(managed, HOST, **role) == []
    assert upset(managed, HOST) == [str(len(made.ports))]
    assert (converted(managed), bridges(managed, HOST)) == (before, made)
    managed.reboot(HOST)
    assert (converted(managed), bridges(managed, HOST)) == (before, made)
    assert site(managed, HOST, **role) == []
    assert site(managed, HOST, **absent(role or DEFAULT))
    assert (seen(managed, HOST, NIC), files(managed, HOST)) == (before, written)
    managed.reboot(HOST)
    assert (seen(managed, HOST, NIC), files(managed, HOST)) == (before, written)


def converted(lab: PoweredLab) -> Seen:
    """What the bridge has, and the host beside it, less the bridge that has an address of its own."""
    found = seen(lab, HOST, BRIDGE)
    return replace(found, others=tuple(one for one in found.others if one != "br1"))
