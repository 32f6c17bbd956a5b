# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client identifier that a server knows a NIC by is taken apart, and said again for the bridge."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkd.identity import (
    Identity,
    identity,
    missing,
    sections,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import parse, render

# as systemd 257 wrote it for a NIC whose persistent name is enp0s3
LEASE = {"ADDRESS": "10.77.0.11", "CLIENTID": "ffe2343f3e00020000ab11b1af66501f63250a"}
BOTH = parse("[Network]\nDHCP=yes\n")


def test_the_iaid_is_in_the_client_identifier() -> None:
    found = identity(BOTH, {"DHCP6_CLIENT_IAID": "0xe2343f3e"}, LEASE)
    assert found == Identity(True, True, 0xE2343F3E, 0xE2343F3E)
    assert render(sections(found)) == "[DHCPv4]\nIAID=0xe2343f3e\n\n[DHCPv6]\nIAID=0xe2343f3e\n"
    assert missing(BOTH, found) is None


@pytest.mark.parametrize("client_id", ["01525400770001", "ff", "", "no hexadecimal", "ffe2343f3e"])
def test_a_client_that_is_known_by_something_else_has_no_iaid(client_id: str) -> None:
    assert identity(BOTH, {"DHCP6_CLIENT_IAID": ""}, {"CLIENTID": client_id}).iaid4 is None


@pytest.mark.parametrize(
    ("config", "lacks"),
    [
        ("[Network]\nDHCP=ipv4\n", True),
        ("[Network]\nDHCP=ipv6\n", False),
        ("[Network]\nAddress=192.0.2.1/24\n", False),
        ("[Network]\nDHCP=yes\n[DHCPv4]\nClientIdentifier=mac\n", False),
        ("[Network]\nDHCP=yes\n[DHCP]\nClientIdentifier=mac\n", False),
        ("[Network]\nDHCP=yes\n[DHCPv4]\nClientIdentifier=duid\n", True),
    ],
)
def test_an_identity_that_is_not_known_is_told(config: str, lacks: bool) -> None:
    found = identity(parse(config), {}, {})
    assert (missing(parse(config), found) is not None) is lacks
    assert sections(found) == []


def test_a_lease_by_router_advertisement_alone_keeps_its_iaid() -> None:
    found = identity(parse("[Network]\nIPv6AcceptRA=yes\n"), {"DHCP6_CLIENT_IAID": "0x1"}, {})
    assert render(sections(found)) == "[DHCPv6]\nIAID=0x00000001\n"
