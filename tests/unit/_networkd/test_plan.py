# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files make networkd boot what stands, and which go."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkd.plan import plan
from ansible_collections.hypervisor.network.tests.harness.model.standing import MAC, WISH, standing

RUN = [
    f"/run/systemd/network/{number}-hypervisor-network-{dev}.network"
    for dev in ("br0", "eth0", "veth1", "tap1")
    for number in ("03", "04")
]
LASTING = "/etc/systemd/network/05-hypervisor-network-"


def texts(now: object = None, wish: object = WISH) -> dict[str, str | None]:
    return {one.path: one.text for one in plan(now or standing(), wish)}


def test_a_device_each_and_nothing_is_left_below_run() -> None:
    found = texts()
    assert [path for path, text in found.items() if text is None] == RUN
    assert [path[len(LASTING) :] for path, text in found.items() if text is not None] == [
        "br0.netdev", "br0.network", "eth0.network", "veth1.network", "tap1.netdev", "tap1.network",
    ]  # fmt: skip


def test_the_bridge_boots_with_what_its_nic_had_and_what_was_added_by_hand() -> None:
    text = texts()[f"{LASTING}br0.network"] or ""
    for words in ("DHCP=yes", "IAID=0xe2343f3e", "Destination=10.9.0.0/24", "From=10.5.0.0/16"):
        assert f"{words}\n" in text
    assert "KeepConfiguration" not in text and "[BridgeVLAN]" not in text
    assert "Bridge=br0\n" in (texts()[f"{LASTING}eth0.network"] or "")


def test_vlans_are_said_where_the_bridge_filters_them() -> None:
    found = texts(standing(vlan_filtering=True))
    assert "PVID=1\n" in (found[f"{LASTING}br0.network"] or "")
    assert "PVID=20\n" in (found[f"{LASTING}tap1.network"] or "")


def test_a_bridge_without_an_uplink_keeps_its_own_addresses_and_asks_no_server_for_any() -> None:
    found = texts(wish=replace(WISH, bridges=["br1"], uplinks=[], ports=[], taps=[]))
    assert (
        found[f"{LASTING}br1.network"]
        == """\
# hypervisor.network: br1, with the host's own addresses

[Match]
Name=br1

[Network]
Address=10.88.0.1/24

[Network]
ConfigureWithoutCarrier=yes
IgnoreCarrierLoss=yes
"""
    )
    now = replace(standing(), addresses=())
    bare = texts(now, replace(WISH, bridges=["br1"], uplinks=[]))
    assert "LinkLocalAddressing=no\n" in (bare[f"{LASTING}br1.network"] or "")


def test_a_tap_without_a_bridge_has_no_vlans_to_say() -> None:
    now = standing(vlan_filtering=True)
    tap = replace(now.links["tap1"], master=None, port=None, vlans=None)
    text = texts(replace(now, links={**now.links, "tap1": tap}))[f"{LASTING}tap1.network"] or ""
    assert "Bridge" not in text and "tap1 is nobody's port\n" in text


@pytest.mark.parametrize(
    ("said", "mtu", "expected"),
    [("", 1500, []), ("", 9000, ["9000"]), ("9000", 9000, ["9000"]), ("9000", 1500, ["9000", "1500"])],
)  # fmt: skip
def test_the_mtu_of_an_uplink_is_the_one_that_it_has(
    said: str, mtu: int, expected: list[str]
) -> None:
    config = f"[Link]\nMTUBytes={said}\n[Network]\nDHCP=yes\n" if said else "[Network]\nDHCP=yes\n"
    now = standing(config)
    now = replace(now, links={**now.links, "eth0": replace(now.links["eth0"], mtu=mtu)})
    text = texts(now)[f"{LASTING}eth0.network"] or ""
    assert re.findall("MTUBytes=(.*)", text) == expected  # the last one counts


def test_the_way_back_takes_all_of_them_away() -> None:
    found = texts(wish=replace(WISH, present=False))
    assert set(found.values()) == {None} and len(found) == len(RUN) + 8


def test_a_plug_that_is_pulled_between_two_files_finds_a_network_that_can_be_reached() -> None:
    """A NIC that is a port is nobody's host: its bridge is whole before it, and its addresses wait for that port's carrier."""
    there, back = list(texts()), list(texts(wish=replace(WISH, present=False)))
    of_bridge = [f"{LASTING}br0.{kind}" for kind in ("netdev", "network")]
    nic = f"{LASTING}eth0.network"
    assert there.index(nic) > max(there.index(one) for one in of_bridge)
    assert back.index(nic) < min(back.index(one) for one in of_bridge)
    assert "ConfigureWithoutCarrier" not in (texts()[f"{LASTING}br0.network"] or "")


@pytest.mark.parametrize(
    ("match", "config", "found"),
    [
        ("auto", "[Match]\nName=eth0\n[Network]\nDHCP=yes\n", "Name=eth0"),
        ("mac", "[Match]\nName=eth0\n[Network]\nDHCP=yes\n", f"PermanentMACAddress={MAC}"),
        ("auto", f"[Match]\nMACAddress={MAC}\n", f"PermanentMACAddress={MAC}"),
        ("auto", f"[Match]\nPermanentMACAddress={MAC}\n", f"PermanentMACAddress={MAC}"),
        ("name", f"[Match]\nMACAddress={MAC}\n", "Name=eth0"),
    ],
)
def test_the_uplink_is_found_by_its_name_or_by_the_mac_that_it_was_made_with(
    match: str, config: str, found: str
) -> None:
    """By C(MACAddress=) the bridge would be found too, which has the same."""
    now = replace(standing(config), permanent={"eth0": MAC})
    texts_of = texts(now, replace(WISH, match=match))
    assert f"[Match]\n{found}\n\n" in (texts_of[f"{LASTING}eth0.network"] or "")
    assert "[Match]\nName=br0\n" in (texts_of[f"{LASTING}br0.network"] or "")
