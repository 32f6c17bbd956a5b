# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back of a change of links as commands; that typing them brings a host back is shown in namespaces, by tests/faults."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.by_hand import (
    commands,
    of_an_uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.tests.harness.model import simulated

MAC = "02:00:00:00:00:01"
LINKS = {
    "br0": Link("br0", 2, "bridge", 1, MAC, 1400),
    "eth0": Link("eth0", 3, flags=1, mac=MAC, master="br0", port={}),
    "tap1": Link("tap1", 4, "tun"),
    "br2": Link(
        "br2",
        6,
        "bridge",
        1,
        MAC,
        1500,
        options={
            "stp_state": False,
            "hello_time": 2.0,
            "ageing_time": 42.0,
            "mcast_snooping": False,
            "vlan_filtering": True,
            "vlan_default_pvid": 1,
        },
        vlans={"1": vlan_words.PVID, "7": vlan_words.TAGGED},
    ),
    "tap2": Link(
        "tap2",
        7,
        "tun",
        master="br2",
        vlans={"20": vlan_words.PVID, "30-32": vlan_words.TAGGED},
        port={
            "port_state": "forwarding",
            "cost": 42,
            "learning": True,
            "isolated": True,
            "backup_port": None,
        },
    ),
    "br1": Link("br1", 5, "bridge", 1, MAC, ipv6={"addr_gen_mode": "eui64"}),
}
BEFORE = Inet(LINKS)
PORT = "ip link set dev eth0 master br0"
OTHER_OPTIONS = {
    "port_state": "blocking",
    "learning": False,
    "backup_port": "tap1",
    "vlans": {"20": vlan_words.TAGGED, "40": vlan_words.PVID},
}
CASES: list[tuple[Change, list[str]]] = [
    (
        Change("delete", "bridge", "br0"),
        [
            "ip link add name br0 type bridge stp_state 0 forward_delay 0",
            f"ip link set dev br0 address {MAC} mtu 1400 up",
            PORT,
        ],
    ),
    (Change("update", "bridge", "br0", {}, {"up": False}), ["ip link set dev br0 up"]),
    (Change("update", "bridge", "br0", {}, {"ageing_time": 1.0}), []),
    (
        Change("update", "bridge", "br1", {}, {"mac": "02:00:00:00:00:09"}),
        [
            f"ip link set dev br1 address {MAC}",
            "sysctl -qw net/ipv6/conf/br1/addr_gen_mode=1",
            "sysctl -qw net/ipv6/conf/br1/addr_gen_mode=0",
            "ip address delete fe80::ff:fe00:9/64 dev br1",
        ],
    ),
    (
        Change("create", "bridge", "br9"),
        ["ls -A /sys/class/net/br9/brif | grep -q . || ip link delete dev br9"],
    ),
    (Change("detach", "port", "eth0"), [PORT, "ip link set dev eth0 up"]),
    (Change("attach", "port", "tap1"), ["ip link set dev tap1 nomaster", "ip link set dev tap1 down"]),
    (Change("update", "tap", "tap1", {}, {"mtu": 9000}), ["ip link set dev tap1 mtu 1500"]),
    (
        Change("update", "bridge", "br2", {}, {"stp_state": True, "hello_time": 1.0, "self_vlans": {"1": vlan_words.PVID}}),
        [
            "ip link set dev br2 type bridge stp_state 0",
            "ip link set dev br2 type bridge hello_time 200",
            "bridge vlan add dev br2 vid 7 self",
        ],
    ),
    (
        Change("delete", "bridge", "br2"),
        [
            "ip link add name br2 type bridge stp_state 0 forward_delay 0",
            f"ip link set dev br2 address {MAC} mtu 1500 up",
            "ip link set dev br2 type bridge ageing_time 4200",
            "ip link set dev br2 type bridge vlan_filtering 1",
            "ip link set dev br2 type bridge mcast_snooping 0",
            "bridge vlan add dev br2 vid 7 self",
            "ip link set dev tap2 master br2",
            "ip link set dev tap2 type bridge_slave cost 42",
            "ip link set dev tap2 type bridge_slave isolated on",
            "bridge vlan add dev tap2 vid 20 pvid untagged",
            "bridge vlan add dev tap2 vid 30-32",
            "bridge vlan del dev tap2 vid 1",
        ],
    ),
    (
        Change("update", "port", "tap2", {}, OTHER_OPTIONS),
        [
            "ip link set dev tap2 master br2",
            "ip link set dev tap2 down",
            "ip link set dev tap2 type bridge_slave state 3",
            "ip link set dev tap2 type bridge_slave learning on",
            "ip link set dev tap2 type bridge_slave nobackup_port",
            "bridge vlan add dev tap2 vid 20 pvid untagged",
            "bridge vlan add dev tap2 vid 30-32",
            "bridge vlan del dev tap2 vid 40",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "lines"), CASES, ids=[str(change) for change, _lines in CASES])
def test_the_inverse_of_a_change(change: Change, lines: list[str]) -> None:
    assert commands(BEFORE, [change], {}) == lines


def test_the_last_change_goes_back_first_and_then_comes_what_a_device_carried() -> None:
    ways = [simulated.route("default", Hop("br0", f"10.0.0.{number}")) for number in (1, 2)]
    carried = Inet(
        LINKS, (simulated.address("br0", "10.0.0.5/24", flags=0x80),), routes=tuple(ways)
    )
    changes = [
        Change("update", "bridge", "br0", {}, {"mac": "x"}),
        Change("detach", "port", "eth0"),
    ]
    assert commands(BEFORE, changes, {"br0": carried}) == [
        PORT,
        "ip link set dev eth0 up",
        f"ip link set dev br0 address {MAC}",
        "ip address replace 10.0.0.5/24 dev br0 scope global noprefixroute",
        # of several to one place the first is replaced by itself, where it may stand still
        "ip -4 route replace default via 10.0.0.1 dev br0 proto 3 table 254 scope 0",
        "ip -4 route append default via 10.0.0.2 dev br0 proto 3 table 254 scope 0",
    ]


def test_an_uplink_that_comes_back_is_in_the_hosts_vlan_again() -> None:
    options = {"vlan_filtering": True, "vlan_default_pvid": 0}
    own = {"7": vlan_words.PVID, "8-9": vlan_words.TAGGED}
    bridge = Link("br0", 2, "bridge", 1, MAC, options=options, vlans=own)
    nic = Link("eth0", 3, flags=1, mac=MAC, master="br0", port={"cost": 42}, vlans=own)
    before = Inet({"br0": bridge, "eth0": nic}, (simulated.address("br0", "192.0.2.1/24"),))
    there = layout.reached(before, layout.unbridged(before, "eth0", "br0"))
    back = uplink_plan.plan(there, layout.layout_of(before, "eth0", "br0"))
    lines = of_an_uplink(before, back)
    joins = lines.index("ip link set dev eth0 master br0")
    assert lines[joins : joins + 4] == [
        "ip link set dev eth0 master br0",
        "ip link set dev eth0 type bridge_slave cost 42",
        "bridge vlan add dev eth0 vid 7 pvid untagged",
        "bridge vlan add dev eth0 vid 8-9",
    ]
