# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose bridge its administrator made by nmcli: no profile of ours where those say what runs, and a hook for what they don't say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    described,
    identity,
    keyfile,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.plan import plan
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.profiles import (
    Known,
)

MAC, UDEVS_MAC, TAPS_MAC = "52:54:00:77:00:01", "82:ae:92:54:3c:ee", "de:a1:21:6f:1b:6e"
ETC = "/etc/NetworkManager"
WISH = Wish(["br0"], ["eth0"], [], ["tap1"])
# as nmcli of NetworkManager 1.52 writes them
BRIDGE = """[connection]
id=the lan
uuid=28d442f2-0c38-4c9e-8798-4ada56f845ad
type=bridge
interface-name=br0

[ethernet]

[bridge]
ageing-time=60
mac-address=52:54:00:77:00:01
stp=false

[ipv4]
address1=10.77.0.20/24,10.77.0.1
method=manual

[ipv6]
addr-gen-mode=default
method=disabled
"""
PORT = """[connection]
id=wire
type=ethernet
controller=br0
interface-name=eth0
port-type=bridge

[bridge-port]
"""
TAP = """[connection]
id=tap1
type=tun
master=28d442f2-0c38-4c9e-8798-4ada56f845ad
interface-name=tap1
slave-type=bridge

[tun]
mode=2
owner=65534
"""
TEXTS = {"br0": BRIDGE, "eth0": PORT, "tap1": TAP}
MACS = {"br0": UDEVS_MAC, "eth0": None, "tap1": TAPS_MAC}
RUNS = {"stp_state": False, "forward_delay": 15.0, "ageing_time": 60.0, "mcast_hash_max": 4096, "vlan_filtering": False}  # fmt: skip


def standing(**options: Any) -> Standing:
    links = (
        Link("eth0", 2, "", 1, MAC, master="br0", port={"cost": 100, "priority": 32, "hairpin": False}),
        Link("br0", 3, "bridge", 1, MAC, options={**RUNS, **options}, mac_given=True),
        Link("tap1", 4, "tun", 1, TAPS_MAC, master="br0", port={"cost": 100}, options={"mode": "tap", "owner": 65534}),
    )  # fmt: skip
    known = Known("", "", {}, identity.Identity(), theirs=True)
    addresses = (Address("br0", "10.77.0.20/24", 2, flags=0x80),)
    return Standing({one.name: one for one in links}, addresses, known={"eth0": known})


def theirs(**texts: str) -> dict[str, Described]:
    return {
        dev: Described(keyfile.parse(text), MACS[dev]) for dev, text in {**TEXTS, **texts}.items()
    }


def planned(now: Standing, wish: Wish = WISH, **texts: str) -> dict[str, str]:
    return {
        one.path.replace(f"{ETC}/", ""): one.text
        for one in plan(now, wish, theirs(**texts))
        if one.text is not None
    }


def with_link(now: Standing, name: str, **other: Any) -> Standing:
    return replace(now, links={**now.links, name: replace(now.links[name], **other)})


def hook(found: dict[str, str]) -> list[str]:
    """Of a plan with nothing but a hook: its commands."""
    (text,) = [found.pop(one) for one in list(found) if one.startswith("dispatcher.d/")]
    assert found == {}
    return [line.strip() for line in text.splitlines() if " ip link set " in line]


def test_a_host_that_runs_as_its_profiles_say_gets_none_of_ours() -> None:
    assert planned(standing()) == {}


@pytest.mark.parametrize(
    ("option", "runs", "said", "expected"),
    [
        ("ageing_time", 30.0, "ageing-time=60", "ageing_time 3000"),
        ("ageing_time", 300.0, "", None),
        ("ageing_time", 300.0, "ageing-time=soon", None),
        ("hello_time", 1.0, "hello-time=1", None),
        ("priority", 4096, "priority=4096", None),
        ("priority", 32768, "priority=4096", "priority 32768"),
        ("group_address", "01:80:c2:00:00:0e", "group-address=01:80:C2:00:00:0E", None),
        ("mcast_snooping", False, "multicast-snooping=false", None),
        ("mcast_snooping", True, "multicast-snooping=false", "mcast_snooping 1"),
        ("mcast_hash_max", 64, "multicast-hash-max=64", None),
        ("mcast_hash_max", 64, "", "mcast_hash_max 64"),
        ("mcast_router", 2, "multicast-router=enabled", None),
        ("mcast_router", 0, "", "mcast_router 0"),
        ("mcast_query_interval", 60.0, "multicast-query-interval=6000", None),
        ("mcast_query_interval", 125.0, "multicast-query-interval=6000", "mcast_query_interval 12500"),
    ],
)  # fmt: skip
def test_an_option_of_the_bridge(option: str, runs: Any, said: str, expected: str | None) -> None:
    found = planned(standing(**{"ageing_time": 300.0, option: runs}), br0=BRIDGE.replace("ageing-time=60", said))  # fmt: skip
    if expected is None:
        assert found == {}
    else:
        assert hook(found) == [f"br0) ip link set dev br0 type bridge {expected} ;;"]


def test_the_delay_of_a_tree_is_its_profiles_and_without_a_tree_it_is_fifteen_seconds() -> None:
    tree = BRIDGE.replace("stp=false", "forward-delay=4")
    assert planned(standing(stp_state=True, forward_delay=4.0), br0=tree) == {}
    late = hook(planned(standing(stp_state=True, forward_delay=2.0), br0=tree))
    assert late == ["br0) ip link set dev br0 type bridge forward_delay 200 ;;"]
    quiet = BRIDGE.replace("stp=false", "stp=false\nforward-delay=0")
    assert planned(standing(), br0=quiet) == {}
    assert hook(planned(standing(forward_delay=0.0), br0=quiet)) == ["br0) ip link set dev br0 type bridge forward_delay 0 ;;"]  # fmt: skip


@pytest.mark.parametrize(
    ("runs", "said", "expected"),
    [
        ({"cost": 7}, "path-cost=7", None),
        ({"cost": 7}, "", "cost 7"),
        ({"cost": 100, "priority": 8}, "priority=8", None),
        ({"cost": 100, "hairpin": True}, "", "hairpin on"),
        ({"cost": 100, "hairpin": False}, "hairpin-mode=true", "hairpin off"),
        ({"cost": 100, "isolated": True}, "", "isolated on"),
    ],
)
def test_an_option_of_a_port(runs: dict[str, Any], said: str, expected: str | None) -> None:
    found = planned(with_link(standing(), "eth0", port=runs), eth0=f"{PORT}{said}\n")
    if expected is None:
        assert found == {}
    else:
        assert hook(found) == [f"eth0) ip link set dev eth0 type bridge_slave {expected} ;;"]


@pytest.mark.parametrize("mtu", ["\u00b2", "x", "1e3"])
def test_an_mtu_that_is_no_number_is_none(mtu: str) -> None:
    said = f"\n[ethernet]\nmtu={mtu}\n"
    assert planned(standing(), br0=BRIDGE + said) == planned(standing())


def test_the_mtu_of_a_bridge_and_its_ports() -> None:
    now = standing()
    for name in now.links:
        now = with_link(now, name, mtu=1400)
    said = "\n[ethernet]\nmtu=1400\n"
    assert planned(now, eth0=PORT + said, tap1=TAP + said) == {}
    assert hook(planned(now)) == [
        "eth0) ip link set dev eth0 mtu 1400 ;;",
        "tap1) ip link set dev tap1 mtu 1400 ;;",
    ]
    assert hook(planned(standing(), br0=BRIDGE + said)) == ["br0) ip link set dev br0 mtu 1500 ;;"]


@pytest.mark.parametrize(
    ("runs", "text", "said"),
    [
        ({"stp_state": True}, BRIDGE, "bridge.stp yes"),
        ({"vlan_filtering": True, "vlan_default_pvid": 1, "vlan_protocol": "802.1Q"}, BRIDGE, "bridge.vlan-filtering yes"),
        ({"vlan_filtering": True, "vlan_default_pvid": 5}, BRIDGE + "[bridge]\nvlan-filtering=true\n", "bridge.vlan-default-pvid 5"),
        ({}, BRIDGE.replace("=52:54:00:77:00:01", "=02:00:00:00:00:01"), f"bridge.mac-address {MAC}"),
        ({}, BRIDGE.replace("mac-address=52:54:00:77:00:01", ""), f"bridge.mac-address {MAC}"),
        ({}, f"{BRIDGE}[connection]\nautoconnect-slaves=1\nautoconnect=false\n", "connection.autoconnect yes"),
    ],
)  # fmt: skip
def test_what_would_come_too_late_is_told_with_the_command_that_says_it(
    runs: dict[str, Any], text: str, said: str
) -> None:
    with pytest.raises(Refused, match=f"nmcli connection modify 'the lan' {said}"):
        planned(standing(**runs), br0=text)


def test_a_port_that_does_not_come_by_itself_comes_with_a_bridge_that_brings_it() -> None:
    said = f"{PORT}[connection]\nautoconnect=false\n"
    with pytest.raises(Refused, match="nmcli connection modify wire connection.autoconnect yes"):
        planned(standing(), eth0=said)
    brings = f"{BRIDGE}[connection]\nautoconnect-ports=1\n"
    assert planned(standing(), eth0=said, br0=brings) == {}


@pytest.mark.parametrize(
    ("mac", "given", "text"),
    [
        (UDEVS_MAC, True, BRIDGE.replace("mac-address=52:54:00:77:00:01", "")),
        (MAC, False, BRIDGE.replace("mac-address=52:54:00:77:00:01", "")),
        (MAC, True, BRIDGE.replace("mac-address=52:54:00:77:00:01", "") + f"[ethernet]\ncloned-mac-address={MAC.upper()}\n"),
    ],
)  # fmt: skip
def test_the_mac_of_a_bridge_is_its_profiles_or_udevs_or_a_ports(
    mac: str, given: bool, text: str
) -> None:
    assert planned(with_link(standing(), "br0", mac=mac, mac_given=given), br0=text) == {}


@pytest.mark.parametrize(
    ("runs", "said", "refused"),
    [
        (["10.77.0.20/24"], "address1=10.77.0.20/24", None),
        (["10.77.0.20/24", "fd00::1/64"], "address1=10.77.0.20/24\n[ipv6]\naddress1=FD00:0::1/64", None),
        (["10.77.0.20/24"], "address1=what", "ipv4.addresses 10.77.0.20/24"),
        ([], "[ipv6]\naddress1=fd00::1/64\naddress-data=x", "ipv4.addresses ''"),
    ],
)  # fmt: skip
def test_the_addresses_of_a_bridge_without_an_uplink(
    runs: list[str], said: str, refused: str | None
) -> None:
    now = replace(standing(), addresses=tuple(Address("br0", one, 2, flags=0x80) for one in runs))
    wish = replace(WISH, uplinks=[])
    text = BRIDGE if refused == "ipv4.addresses ''" else BRIDGE.replace("address1=10.77.0.20/24,10.77.0.1", "")  # fmt: skip
    text = f"{text}[ipv4]\n{said}\n"
    if refused is None:
        assert planned(now, wish, br0=text) == {}
    else:
        with pytest.raises(Refused, match=f"modify 'the lan' {refused}"):
            planned(now, wish, br0=text)


AWARE = BRIDGE + "[bridge]\nvlan-filtering=true\nvlans=20 pvid untagged, 30-31\n"
FILTERING = {"vlan_filtering": True, "vlan_default_pvid": 1, "vlan_protocol": "802.1Q"}


def filtering(**vlans: dict[str, str]) -> Standing:
    now = standing(**FILTERING)
    own = {"1": "untagged", "20": "pvid untagged", "30-31": "tagged"}
    now = with_link(now, "br0", vlans=own)
    for name in ("eth0", "tap1"):
        now = with_link(now, name, vlans=vlans.get(name, {"1": "pvid untagged"}))
    return now


def test_vlans_stand_beside_the_one_that_the_kernel_gives() -> None:
    assert planned(filtering(), br0=AWARE) == {}
    trunk = f"{PORT}vlans=40-41\n"
    assert planned(filtering(eth0={"1": "pvid untagged", "40-41": "tagged"}), br0=AWARE, eth0=trunk) == {}  # fmt: skip
    with pytest.raises(Refused, match="modify wire bridge-port.vlans '1 pvid untagged, 40'"):
        planned(filtering(eth0={"1": "pvid untagged", "40": "tagged"}), br0=AWARE, eth0=trunk)
    assert described.said_vlans("4095, what") == {}


def test_a_kernel_without_vlans_says_nothing_of_them() -> None:
    now = with_link(standing(vlan_filtering=True), "br0", vlans=None)
    assert planned(now, br0=BRIDGE + "[bridge]\nvlan-filtering=true\n") == {}


@pytest.mark.parametrize(
    ("runs", "text", "ours"),
    [
        ({}, TAP, False),
        ({"owner": 1000}, TAP, True),
        ({"owner": -1}, TAP.replace("owner=65534", ""), False),
        ({"multi_queue": True}, f"{TAP}multi-queue=true\n", False),
        ({"vnet_hdr": True}, TAP, True),
        ({"mode": "tun"}, TAP.replace("mode=2", "mode=1"), False),
        ({}, TAP.replace("slave-type=bridge", "slave-type=bond"), True),
    ],
)
def test_a_tap_of_another_kind_gets_a_profile_of_ours(
    runs: dict[str, Any], text: str, ours: bool
) -> None:
    options = {"mode": "tap", "owner": 65534, **runs}
    found = planned(with_link(standing(), "tap1", options=options), tap1=text)
    assert ("system-connections/hv-tap1.nmconnection" in found) is ours
    # hands off all taps but those that are in a profile
    assert ("conf.d/hypervisor-network-br0.conf" in found) is ours


def test_of_a_tap_in_use_its_process_chose_the_header() -> None:
    options = {"mode": "tap", "owner": 65534, "vnet_hdr": True}
    assert planned(with_link(standing(), "tap1", flags=0x10001, options=options)) == {}


def test_a_bridge_whose_uplink_is_nobodys_profile_goes_the_way_of_all_others() -> None:
    elsewhere = PORT.replace("controller=br0", "controller=br1")
    assert "system-connections/hv-br0.nmconnection" in planned(standing(), eth0=elsewhere)


def test_a_profile_without_an_id_is_called_by_its_uuid() -> None:
    assert Described(keyfile.parse("[connection]\nuuid=x\n")).name == "x"
    assert described.addresses(keyfile.parse("[ipv4]\naddresses=1\naddress2=10.0.0.1/8\n"), "ipv4") == ["10.0.0.1/8"]  # fmt: skip
