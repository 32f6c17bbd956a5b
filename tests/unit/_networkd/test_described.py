# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose bridge its administrator's own files make: nothing beside them where they say what runs, and what they don't say where they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import described, unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.plan import plan
from ansible_collections.hypervisor.network.tests.harness.model.standing import (
    MAC,
    WISH,
    standing,
)

FOLDER = "/etc/systemd/network"
NETDEV = f"[NetDev]\nName=br0\nKind=bridge\nMACAddress={MAC}\n[Bridge]\nSTP=no\nForwardDelaySec=0\n"
NETWORK = "[Match]\nName=br0\n[Network]\nAddress=10.77.0.11/24\nGateway=10.77.0.1\n"
PORT = "[Match]\nName=eth0\n[Network]\nBridge=br0\n"
TAP = "[NetDev]\nName=tap1\nKind=tap\n[Tap]\nUser=1000\n"
TAPS_PORT = "[Match]\nName=tap1\n[Network]\nBridge=br0\n[Bridge]\nIsolated=yes\n"
SOURCES = {
    "br0": ("30-br0.network", "10-br0.netdev"),
    "eth0": ("20-port.network", ""),
    "tap1": ("26-tap.network", "25-tap.netdev"),
}
OWN_MAC, UDEVS_MAC = "f6:63:e1:00:dc:b8", "86:ad:30:41:bb:80"
NIC_TAP = Wish(["br0"], ["eth0"], [], ["tap1"])


def theirs(**said: str) -> dict[str, Described]:
    """The three devices as their administrator wrote them: what is given as DEVICE takes the place of the .network file, as DEVICE_netdev of the other."""
    found = {}
    texts = {"br0": (NETWORK, NETDEV), "eth0": (PORT, ""), "tap1": (TAPS_PORT, TAP)}
    for dev, (network, device) in texts.items():
        paths = [f"{FOLDER}/{one}" if one else "" for one in SOURCES[dev]]
        found[dev] = Described(
            paths[0],
            unit.parse(said.get(dev, network)),
            paths[1],
            unit.parse(said.get(f"{dev}_netdev", device)),
            OWN_MAC,
            UDEVS_MAC,
        )
    return found


def beside(now: Standing, wish: Wish = NIC_TAP, **said: str) -> dict[str, str]:
    """What is written beside which file, without its comment."""
    found = {one.path: one.text for one in described.files(now, wish, theirs(**said))}
    return {
        path[len(FOLDER) + 1 : -len(".d/50-hypervisor-network.conf")]: text.partition("\n\n")[2]
        for path, text in found.items()
        if text is not None
    }


def with_link(now: Standing, name: str, **other: Any) -> Standing:
    return replace(now, links={**now.links, name: replace(now.links[name], **other)})


def test_a_host_that_runs_as_its_files_say_gets_none_beside_them() -> None:
    assert beside(standing()) == {}
    assert {one.text for one in described.files(standing(), NIC_TAP, theirs())} == {None}


def test_in_a_plan_such_devices_have_no_files_of_ours() -> None:
    found = plan(standing(), replace(WISH, ports=["veth1"]), theirs())
    written = [one.path for one in found if one.text is not None]
    assert written == [f"{FOLDER}/05-hypervisor-network-veth1.network"]
    assert {f"{FOLDER}/{name}.d/50-hypervisor-network.conf" for pair in SOURCES.values() for name in pair if name} <= {one.path for one in found}  # fmt: skip


def test_on_the_way_back_what_is_beside_their_files_goes() -> None:
    found = plan(standing(), replace(NIC_TAP, present=False), theirs())
    assert {one.text for one in found} == {None}
    assert f"{FOLDER}/10-br0.netdev.d/50-hypervisor-network.conf" in [one.path for one in found]


@pytest.mark.parametrize(
    ("option", "runs", "said", "expected"),
    [
        ("ageing_time", 60.0, "AgeingTimeSec=1min", None),
        ("ageing_time", 60.0, "AgeingTimeSec=60s", None),
        ("ageing_time", 90.0, "AgeingTimeSec=1min 30", None),
        ("ageing_time", 30.0, "AgeingTimeSec=1min", "AgeingTimeSec=30"),
        ("ageing_time", 300.0, "AgeingTimeSec=60", "AgeingTimeSec=300"),
        ("ageing_time", 300.0, "AgeingTimeSec=soon", None),
        ("ageing_time", None, "AgeingTimeSec=60", None),
        ("hello_time", 1.0, "", "HelloTimeSec=1"),
        ("priority", 4096, "Priority=0x1000", None),
        ("priority", 32768, "Priority=4096", "Priority=32768"),
        ("vlan_protocol", "802.1ad", "VLANProtocol=802.1AD", None),
        ("vlan_protocol", "802.1Q", "VLANProtocol=802.1q", None),
        ("vlan_default_pvid", 0, "DefaultPVID=none", None),
        ("mcast_snooping", False, "MulticastSnooping=off", None),
        ("mcast_snooping", True, "MulticastSnooping=off", "MulticastSnooping=yes"),
    ],
)
def test_an_option_of_the_bridge(option: str, runs: Any, said: str, expected: str | None) -> None:
    found = beside(standing(**{option: runs}), br0_netdev=f"{NETDEV}{said}\n")
    assert found == ({} if expected is None else {"10-br0.netdev": f"[Bridge]\n{expected}\n"})


def test_stp_and_its_delay_are_the_kernels_where_nobody_says_them() -> None:
    silent = NETDEV.partition("[Bridge]")[0]
    assert beside(standing(forward_delay=15.0), br0_netdev=silent) == {}
    found = beside(standing(forward_delay=4.0, stp_state=True), br0_netdev=silent)
    assert found == {"10-br0.netdev": "[Bridge]\nSTP=yes\nForwardDelaySec=4\n"}


@pytest.mark.parametrize(
    ("netdev", "network", "runs", "expected"),
    [
        ("MACAddress=52-54-00-00-00-10", "", MAC, {}),
        ("MACAddress=5254.0000.0010", "", MAC, {}),
        ("", "", OWN_MAC, {}),
        ("MACAddress=none", "", MAC, {}),
        ("MACAddress=none", "", UDEVS_MAC, {}),
        ("", "MACAddress=52:54:00:00:00:10", MAC, {}),
        ("MACAddress=none", "", "52:54:00:00:00:99", {"10-br0.netdev": "[NetDev]\nMACAddress=52:54:00:00:00:99\n"}),
        ("", "", MAC, {"10-br0.netdev": f"[NetDev]\nMACAddress={MAC}\n"}),
        ("", "MACAddress=02:00:00:00:00:01", MAC, {
            "10-br0.netdev": f"[NetDev]\nMACAddress={MAC}\n", "30-br0.network": f"[Link]\nMACAddress={MAC}\n",
        }),
    ],
)  # fmt: skip
def test_the_mac_of_the_bridge(
    netdev: str, network: str, runs: str, expected: dict[str, str]
) -> None:
    now = with_link(standing(), "br0", mac=runs)
    found = beside(now, br0_netdev=NETDEV.replace(f"MACAddress={MAC}", netdev), br0=f"{NETWORK}[Link]\n{network}\n")  # fmt: skip
    assert found == expected


@pytest.mark.parametrize(
    ("said", "mtu", "expected"),
    [
        ("", 1500, {}),
        ("MTUBytes=9000", 9000, {}),
        ("MTUBytes=9K", 9216, {}),
        ("MTUBytes=1400", 1500, {"30-br0.network": "[Link]\nMTUBytes=1500\n"}),
        ("", 9000, {"30-br0.network": "[Link]\nMTUBytes=9000\n"}),
    ],
)
def test_the_mtu_of_the_bridge(said: str, mtu: int, expected: dict[str, str]) -> None:
    now = with_link(standing(), "br0", mtu=mtu)
    assert beside(now, br0=f"{NETWORK}[Link]\n{said}\n") == expected
    as_device = NETDEV.replace("[Bridge]", f"{said}\n[Bridge]")
    assert beside(now, br0_netdev=as_device) == expected


def test_a_bridge_without_its_own_mtu_has_that_of_its_ports() -> None:
    now = standing()
    for name in ("br0", "eth0", "tap1", "veth1"):
        now = with_link(now, name, mtu=9000)
    link = "[Link]\nMTUBytes=9000\n"
    assert beside(now, eth0=PORT + link, tap1=TAPS_PORT + link) == {}


@pytest.mark.parametrize(
    ("runs", "said", "expected"),
    [
        ({"hairpin": True}, "HairPin=yes", None),
        ({"hairpin": True}, "", "HairPin=yes"),
        ({"hairpin": False}, "HairPin=yes", "HairPin=no"),
        ({"guard": True}, "UseBPDU=no", None),
        ({"guard": True}, "", "UseBPDU=no"),
        ({}, "UseBPDU=no", "UseBPDU=yes"),
        ({"mcast_router": 0}, "MulticastRouter=no", None),
        ({"mcast_router": 2}, "", "MulticastRouter=permanent"),
        ({}, "MulticastRouter=permanent", "MulticastRouter=query"),
        ({"cost": 7}, "Cost=7", None),
        ({"cost": 7}, "", "Cost=7"),
        ({"cost": 4}, "", None),
        ({"cost": 4}, "Cost=4", None),
        ({"cost": 4}, "Cost=7", "Cost=4"),
    ],
)
def test_an_option_of_a_port(runs: dict[str, Any], said: str, expected: str | None) -> None:
    now = with_link(standing(), "eth0", port=runs)
    found = beside(now, eth0=f"{PORT}[Bridge]\n{said}\n")
    assert found == ({} if expected is None else {"20-port.network": f"[Bridge]\n{expected}\n"})


def test_a_port_that_runs_elsewhere_or_with_another_mtu() -> None:
    now = with_link(standing(), "tap1", master="br1", mtu=1400)
    assert beside(now, br0=f"{NETWORK}[Link]\nMTUBytes=1500\n") == {
        "26-tap.network": "[Link]\nMTUBytes=1400\n\n[Network]\nBridge=br1\n"
    }
    alone = with_link(standing(), "tap1", master=None, port=None)
    assert beside(alone) == {"26-tap.network": "[Network]\nBridge=\n"}


@pytest.mark.parametrize(
    ("runs", "said", "expected"),
    [
        ({"owner": 1000, "multi_queue": True}, "MultiQueue=yes", None),
        ({"owner": 1000, "multi_queue": True}, "", "MultiQueue=yes"),
        ({"owner": 1000}, "VNetHeader=yes", "VNetHeader=no"),
        ({"owner": -1}, "", "User="),
        ({"owner": 1001}, "", "User=1001"),
        ({"owner": 1000, "group": 5}, "Group=5", None),
    ],
)
def test_who_may_open_a_tap_and_how(runs: dict[str, Any], said: str, expected: str | None) -> None:
    now = with_link(standing(), "tap1", options={"mode": "tap", **runs})
    found = beside(now, tap1_netdev=f"{TAP}{said}\n")
    assert found == ({} if expected is None else {"25-tap.netdev": f"[Tap]\n{expected}\n"})


def test_of_a_tap_in_use_its_process_chose_the_header() -> None:
    now = with_link(standing(), "tap1", flags=0x10001, options={"mode": "tap", "owner": 1000, "vnet_hdr": True})  # fmt: skip
    assert beside(now) == {}


@pytest.mark.parametrize(
    ("runs", "said", "expected"),
    [
        (["10.88.0.1/24"], "[Network]\nAddress=10.88.0.1/24", {}),
        (["10.88.0.1/24", "fd00::1/64"], "[Address]\nAddress=FD00:0::1/64\n[Address]\nAddress=10.88.0.1/24", {}),
        (["10.88.0.1/24"], "[Network]\nAddress=10.88.0.2/24", {"30-br0.network": "[Network]\nAddress=\nAddress=10.88.0.1/24\n"}),
        ([], "[Network]\nAddress=10.88.0.2/24\nAddress=what", {"30-br0.network": "[Network]\nAddress=\n"}),
    ],
)  # fmt: skip
def test_the_addresses_of_a_bridge_without_an_uplink(
    runs: list[str], said: str, expected: dict[str, str]
) -> None:
    now = standing()
    addresses = tuple(replace(now.addresses[1], dev="br0", text=text) for text in runs)
    wish = replace(NIC_TAP, uplinks=[])
    found = beside(replace(now, addresses=addresses), wish, br0=f"[Match]\nName=br0\n{said}\n")
    assert found == expected


def test_addresses_of_a_bridge_with_an_uplink_are_its_administrators() -> None:
    assert beside(replace(standing(), addresses=())) == {}


FILTERING = {"vlan_filtering": True, "vlan_default_pvid": 1}
AWARE = NETDEV + "VLANFiltering=yes\n"
TRUNK = "[BridgeVLAN]\nVLAN=10-12\n[BridgeVLAN]\nPVID=5\nEgressUntagged=5\n"


def filtering(vlans: dict[str, str] | None) -> Standing:
    now = standing(**FILTERING)
    for name in ("tap1", "eth0"):
        now = with_link(now, name, vlans={"1": "pvid untagged"})
    return with_link(now, "eth0", vlans=vlans)


@pytest.mark.parametrize(
    ("runs", "said", "expected"),
    [
        ({"1": "pvid untagged"}, "", {}),
        ({"5": "pvid untagged", "10-12": "tagged"}, TRUNK, {}),
        (None, TRUNK, {}),
        ({"5": "pvid untagged", "10-12": "tagged"}, "[BridgeVLAN]\nVLAN=nothing\n", {
            "20-port.network": "[BridgeVLAN]\nVLAN=5\nEgressUntagged=5\nPVID=5\n\n[BridgeVLAN]\nVLAN=10-12\n",
        }),
        ({"5": "untagged", "10-11": "tagged", "12": "pvid untagged"}, TRUNK, {
            "20-port.network": "[BridgeVLAN]\nVLAN=5\nEgressUntagged=5\n\n[BridgeVLAN]\nVLAN=10-11\n\n[BridgeVLAN]\nVLAN=12\nEgressUntagged=12\nPVID=12\n",
        }),
    ],
)  # fmt: skip
def test_the_vlans_of_a_port(
    runs: dict[str, str] | None, said: str, expected: dict[str, str]
) -> None:
    assert beside(filtering(runs), br0_netdev=AWARE, eth0=PORT + said) == expected


@pytest.mark.parametrize(
    "runs",
    [
        {"5": "pvid untagged", "10": "tagged"},
        {"5": "pvid tagged", "10-12": "tagged"},
        {"5": "untagged", "10-12": "tagged"},
        {},
    ],
)
def test_vlans_that_nothing_beside_a_file_takes_back(runs: dict[str, str]) -> None:
    with pytest.raises(Refused, match="a file beside that one takes none away"):
        beside(filtering(runs), br0_netdev=AWARE, eth0=PORT + TRUNK)


def test_no_vlan_at_all_is_nothing_that_could_be_said_beside_a_file() -> None:
    with pytest.raises(Refused, match="what that file says of VLAN 1[.]"):
        beside(filtering({}), br0_netdev=AWARE)


@pytest.mark.parametrize("match", ["Name=en* eth0", "Name=e*", "Driver=virtio_net", "MACAddress=52:54:00:00:00:10 52:54:00:00:00:11"])  # fmt: skip
def test_a_file_about_several_devices_is_not_amended_for_one(match: str) -> None:
    said = PORT.replace("Name=eth0", match)
    assert beside(standing(), eth0=said) == {}
    with pytest.raises(Refused, match="20-port.network describes eth0 among others"):
        beside(with_link(standing(), "eth0", port={"hairpin": True}), eth0=said)


def test_what_networkd_has_no_words_for_is_refused_as_ever() -> None:
    with pytest.raises(Refused, match="no words for mcast_hash_max"):
        beside(standing(mcast_hash_max=64))
    with pytest.raises(Refused, match="no words for locked"):
        beside(with_link(standing(), "eth0", port={"locked": True}))


def test_a_device_that_no_network_file_is_about() -> None:
    bare = Described("", (), f"{FOLDER}/10-br0.netdev", unit.parse(NETDEV), OWN_MAC)
    found = described.files(standing(), NIC_TAP, {"br0": bare})
    assert [one.path for one in found] == [f"{FOLDER}/10-br0.netdev.d/50-hypervisor-network.conf"]
