# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges, ports and taps as they stand, in networkd's words."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import devices, unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import (
    BRIDGE,
    PORT,
)
from ansible_collections.hypervisor.network.tests.harness.model.attributes import PASSING, lost

# what a Debian kernel says of a bridge that was made by `ip link add type bridge`
FRESH = {
    "forward_delay": 15.0, "hello_time": 2.0, "max_age": 20.0, "ageing_time": 300.0, "stp_state": False, "priority": 32768, "vlan_filtering": False,
    "vlan_protocol": "802.1Q", "group_fwd_mask": 0, "group_address": "01:80:c2:00:00:00", "mcast_snooping": True, "mcast_hash_max": 4096,
    "mcast_startup_query_interval": 31.24, "mcast_igmp_version": 2, "vlan_default_pvid": 1, "fdb_max_learned": 0,
}  # fmt: skip
MAC = "52:54:00:00:00:10"


def bridge(mtu: int = 1500, mac: str | None = MAC, **options: object) -> Link:
    return Link("br0", 3, "bridge", 1, mac, mtu, options={**FRESH, **options})


def test_stp_and_its_delay_are_said_whatever_they_are() -> None:
    assert devices.bridge_netdev(bridge()) == (
        """# hypervisor.network: the bridge br0

[NetDev]
Name=br0
Kind=bridge
MACAddress=52:54:00:00:00:10

[Bridge]
STP=no
ForwardDelaySec=15
"""
    )


def test_what_is_not_the_kernels_is_said_and_the_rest_is_not() -> None:
    options = {
        "forward_delay": 0.0,
        "ageing_time": 0.0,
        "priority": 4096,
        "vlan_filtering": True,
        "vlan_protocol": "802.1ad",
        "vlan_default_pvid": 0,
        "mcast_snooping": False,
    }
    text = devices.bridge_netdev(bridge(9000, None, **options))
    assert "MACAddress" not in text and "MTUBytes=9000\n" in text
    assert text.partition("[Bridge]\n")[2].split() == [
        "STP=no", "ForwardDelaySec=0", "AgeingTimeSec=0", "Priority=4096", "MulticastSnooping=no", "VLANFiltering=yes", "VLANProtocol=802.1ad",
        "DefaultPVID=0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("mcast_hash_max", 64, "mcast_hash_max 64"), ("no_linklocal_learn", True, "no_linklocal_learn yes"),
     ("mcast_query_interval", 60.0, "mcast_query_interval 60")],
)  # fmt: skip
def test_an_option_of_a_bridge_without_words_is_refused_by_name(
    option: str, value: object, said: str
) -> None:
    with pytest.raises(Refused, match=f"no words for {said} of br0"):
        devices.bridge_netdev(bridge(**{option: value}))


def tap(master: str | None = "br0", vlans: dict[str, str] | None = None, **port: object) -> Link:
    options = {"owner": 65534, "group": -1, "mode": "tap", "pi": False, "vnet_hdr": True, "multi_queue": False}  # fmt: skip
    return Link(
        "tap1",
        4,
        "tun",
        1,
        MAC,
        1500,
        master=master,
        options=options,
        port=port or {"cost": 2},
        vlans=vlans,
    )


def test_a_tap_and_who_may_open_it() -> None:
    assert (
        devices.tap_netdev(tap()).partition("[NetDev]\n")[2]
        == "Name=tap1\nKind=tap\n\n[Tap]\nVNetHeader=yes\nUser=65534\n"
    )
    tun = Link("tun1", 4, "tun", 1, options={"mode": "tun", "owner": None})
    assert devices.tap_netdev(tun).endswith("Name=tun1\nKind=tun\n")


def test_a_port_has_its_options_and_its_vlans() -> None:
    port = tap(vlans={"20": "pvid untagged"}, isolated=True, guard=True, root_block=False, mcast_router=2, cost=7, learning=False)  # fmt: skip
    assert devices.port_file(port, True) == (
        """# hypervisor.network: tap1 is a port of br0

[Match]
Name=tap1

[Link]
RequiredForOnline=no

[Network]
Bridge=br0
LinkLocalAddressing=no
IPv6AcceptRA=no

[Bridge]
Learning=no
Isolated=yes
UseBPDU=no
MulticastRouter=permanent
Cost=7

[BridgeVLAN]
VLAN=20
EgressUntagged=20
PVID=20
"""
    )


def test_no_option_of_a_bridge_is_lost_at_the_next_boot() -> None:
    assert lost(BRIDGE, lambda said: devices.bridge_netdev(bridge(**said))) == []


def test_no_option_of_a_port_is_lost_at_the_next_boot() -> None:
    assert lost(PORT, lambda said: devices.port_file(tap(**said), False)) == PASSING


def test_a_device_that_is_nobodys_port() -> None:
    text = devices.port_file(Link("tap1", 4, "tun", 1, mtu=9000), False)
    assert "Bridge" not in text and "MTUBytes=9000\n" in text


def test_an_option_of_a_port_without_words_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="no words for locked yes of tap1"):
        devices.port_file(tap(locked=True), False)


def said(text: str) -> list[Section]:
    return unit.parse(text)


def test_a_file_that_makes_the_bridge_as_it_stands_is_not_amended() -> None:
    assert devices.bridge_amended([], bridge()) == []
    stands = bridge(stp_state=True, forward_delay=4.0, ageing_time=60.0)
    text = "[Bridge]\nSTP=yes\nForwardDelaySec=4s\nAgeingTimeSec=1min\n"
    assert devices.bridge_amended(said(text), stands) == []
    assert devices.bridge_amended(said(text), bridge()) == [
        ("STP", "no"),
        ("ForwardDelaySec", "15"),
        ("AgeingTimeSec", "300"),
    ]


def test_a_file_that_says_of_a_port_what_stands_is_not_amended() -> None:
    options = {"cost": 7, "guard": True, "hairpin": True, "mcast_router": 2}
    port = Link("eth0", 2, port=options)
    text = "[Bridge]\nCost=7\nUseBPDU=no\nHairPin=yes\nMulticastRouter=permanent\n"
    assert devices.port_amended(said(text), port) == []
    assert devices.port_amended([], port) == [
        ("HairPin", "yes"),
        ("UseBPDU", "no"),
        ("MulticastRouter", "permanent"),
        ("Cost", "7"),
    ]
    assert devices.port_amended([], Link("eth0", 2, port={"cost": 100})) == []


def test_a_file_that_makes_a_tap_as_it_stands_is_not_amended() -> None:
    tap = Link("tap1", 4, "tun", options={"mode": "tap", "owner": 1000, "multi_queue": True})
    assert devices.tap_amended(said("[Tap]\nUser=1000\nMultiQueue=yes\n"), tap) == []
    assert devices.tap_amended(said("[Tap]\nGroup=5\n"), tap) == [
        ("MultiQueue", "yes"),
        ("User", "1000"),
        ("Group", ""),
    ]
