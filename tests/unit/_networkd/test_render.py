# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What networkd is told of a NIC that is a port and of its bridge, whole files as an administrator reads them."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkd import render
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.identity import Identity
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import (
    Section,
    parse,
)

WIRED = "/etc/systemd/network/20-wired.network"
CONFIG = parse(
    """
[Match]
Name=en*
[Link]
RequiredForOnline=no
[Network]
Description=the LAN
DHCP=ipv4
VLAN=eth0.10
KeepConfiguration=static
[DHCPv4]
RouteMetric=100
[Address]
Address=192.0.2.10/24
[BridgeVLAN]
VLAN=7
"""
)


def test_the_hold_goes_on_with_ipv6_and_dhcp_by_the_same_identity() -> None:
    known = Identity(True, True, 0xE2343F3E, 0x2B506735)
    assert parse(render.hold(CONFIG, known)) == [
        Section("Network", (("KeepMaster", "yes"), ("LinkLocalAddressing", "ipv6"), ("KeepConfiguration", "yes"))),
        Section("DHCPv4", (("IAID", "0xe2343f3e"),)),
        Section("DHCPv6", (("IAID", "0x2b506735"),)),
        Section("DHCPv6", (("SendRelease", "no"),)),
    ]  # fmt: skip
    without = parse("[Network]\nLinkLocalAddressing=no\n")
    assert "LinkLocalAddressing=no\n" in render.hold(without, Identity(False, False))


def test_a_nic_keeps_what_is_about_its_link() -> None:
    assert render.nic_file("eth0", "br0", CONFIG, render.bridge_vlans({"10": "tagged"}), WIRED) == (
        """# hypervisor.network: eth0 is a port of br0
# before: /etc/systemd/network/20-wired.network

[Match]
Name=eth0

[Link]
RequiredForOnline=no

[Network]
Bridge=br0
LinkLocalAddressing=no
IPv6AcceptRA=no
VLAN=eth0.10

[BridgeVLAN]
VLAN=10
"""
    )


def test_how_its_frames_are_queued_stays_with_the_nic() -> None:
    config = parse("[CAKE]\nBandwidth=100M\n[Network]\nDHCP=yes\n")
    assert "[CAKE]\nBandwidth=100M\n" in render.nic_file("eth0", "br0", config)
    assert "[CAKE]" not in render.bridge_file("br0", None, config, Identity(True, False))


def test_a_nic_whose_bridge_networkd_does_not_know_keeps_its_master() -> None:
    assert "KeepMaster=yes\n" in render.nic_file("eth0", None, [])


def test_a_bridge_gets_the_rest() -> None:
    foreign = [Section("Route", (("Gateway", "192.0.2.1"),))]
    vlans = {"1": "pvid untagged", "20-29": "tagged"}
    text = render.bridge_file("br0", "52:54:00:00:00:10", CONFIG, Identity(True, False, 0xE2343F3E), foreign, vlans, keep=True)  # fmt: skip
    assert text == (
        """# hypervisor.network: br0, with what its NIC had

[Match]
Name=br0

[Link]
MACAddress=52:54:00:00:00:10
RequiredForOnline=no

[Network]
Description=the LAN
DHCP=ipv4

[DHCPv4]
RouteMetric=100

[Address]
Address=192.0.2.10/24

[Network]
IgnoreCarrierLoss=yes

[DHCPv4]
IAID=0xe2343f3e

[Route]
Gateway=192.0.2.1

[BridgeVLAN]
VLAN=1
EgressUntagged=1
PVID=1

[BridgeVLAN]
VLAN=20-29

[Network]
KeepConfiguration=yes

[DHCPv6]
SendRelease=no
"""
    )


def test_a_bridge_without_a_mac_of_its_own_and_without_a_hold() -> None:
    text = render.bridge_file("br0", None, [], Identity(False, False))
    assert "MACAddress" not in text and "KeepConfiguration" not in text


@pytest.mark.parametrize(("alone", "waits"), [(False, True), (True, False)])
def test_what_a_nic_had_waits_for_a_carrier_and_what_is_the_bridges_own_does_not(
    alone: bool, waits: bool
) -> None:
    text = render.bridge_file("br0", None, CONFIG, Identity(False, False), alone=alone)
    assert render.waits(parse(text)) is waits and not render.waits([])


def test_a_nic_that_is_a_hosts_again_has_all_of_it() -> None:
    text = render.host_file(
        "eth0", CONFIG, "/etc/systemd/network/20-wired.network", Identity(True, False, 0xE2343F3E)
    )
    assert text == (
        """# hypervisor.network: eth0 has its addresses back until the next boot
# before: /etc/systemd/network/20-wired.network

[Match]
Name=eth0

[Link]
RequiredForOnline=no

[Network]
VLAN=eth0.10

[Network]
Description=the LAN
DHCP=ipv4

[DHCPv4]
RouteMetric=100

[Address]
Address=192.0.2.10/24

[Network]
KeepConfiguration=yes

[DHCPv4]
IAID=0xe2343f3e

[DHCPv6]
SendRelease=no
"""
    )
