# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user is told of a conversion that is not refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    Spec,
    warnings,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated

UP = 0x1
MAC = "52:54:00:00:00:10"
SPEC = Spec("eth0", "br0")
STATIC = simulated.address("eth0", "10.77.0.10/24", flags=0x80)


def host(*links: Link, **more: Any) -> Inet:
    """A host with a NIC, and these links."""
    nic = Link("eth0", 2, "", UP, MAC)
    return Inet({link.name: link for link in (nic, *links)}, **{"addresses": (STATIC,), **more})


def test_what_will_be_different_is_told() -> None:
    slaac = simulated.address("eth0", "fd77::abcd/64")
    now = host(
        Link("eth0.20", 6, "vlan", UP, MAC, lower="eth0"), Link("eth0.10", 5, "vlan", UP, MAC, lower="eth0"),
        addresses=(STATIC, slaac), sysctls={"ipv6/conf/eth0/addr_gen_mode": "2"},
    )  # fmt: skip
    vlans, stable = warnings(now, SPEC)
    assert (
        vlans
        == "The VLAN devices eth0.10, eth0.20 stay on eth0 and take their frames first: the guests of br0 won't see those VLANs."
    )
    assert (
        stable
        == "eth0 makes stable-privacy IPv6 addresses, and br0 will make others: fd77::abcd/64 moves along until it expires."
    )
    assert warnings(replace(now, sysctls={"ipv6/conf/eth0/addr_gen_mode": "0"}), SPEC) == [vlans]
    assert warnings(host(), SPEC) == []
    assert warnings(now, replace(SPEC, present=False)) == []
    assert warnings(now, Spec("eth9", "br0")) == []


@pytest.mark.parametrize(
    ("came_to", "told"),
    [
        ("10.66.0.1", True),
        ("10.77.0.10", False),
        ("10.20.0.1", False),
        ("10.66.0.9", False),
        ("", False),
    ],
)
def test_a_connection_that_proves_nothing_of_the_bridge_is_told(came_to: str, told: bool) -> None:
    others = (Link("eth1", 5, "", UP, MAC), Link("eth0.10", 6, "vlan", UP, MAC, lower="eth0"))
    addresses = (
        STATIC,
        simulated.address("eth1", "10.66.0.1/24"),
        simulated.address("eth0.10", "10.20.0.1/24"),
    )
    sentence = (
        "This host is reached by eth1, and so is it by the connection that confirms, "
        "which shows nothing of br0 then: its gateways are all that is asked."
    )
    assert (sentence in warnings(host(*others, addresses=addresses), SPEC, came_to)) is told


def test_a_packet_filter_between_the_ports_is_told() -> None:
    (told,) = warnings(host(forwards_dropped=("nftables' chain inet f fw",)), SPEC)
    assert "(nftables' chain inet f fw)" in told and "bridge-nf-call-iptables=0" in told
    assert (
        warnings(
            host(
                Link("br0", 5, "bridge", UP, MAC), forwards_dropped=("nftables' chain inet f fw",)
            ),
            replace(SPEC, present=False),
        )
        == []
    )
