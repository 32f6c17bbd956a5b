# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ifupdown2 is told so that it leaves taps and links alone, and that it goes with the bridge; ifupdown2 itself judges it in test_role_bridge_host.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    LO,
    ROOT,
    edited,
)

NIC = "auto eth0\niface eth0 inet static\n    address 10.0.0.2/24\n"
CONDONED = "    bridge_ports_condone_regex .*\n"
NO_LINK_LOCAL = "    ipv6-addrgen off\n"
HOOK = "ip link set dev eth0 master br0 addrgenmode none && sysctl -qw net/ipv6/conf/eth0/disable_ipv6=0 || true"


def on_ifupdown2(text: str, **item: Any) -> str:
    return edited({ROOT: text}, item, ifupdown2=True)[ROOT]


def taken_over(text: str, *hooks: str) -> str:
    return on_ifupdown2(text, take_over="eth0", options={"up": [HOOK, *hooks]})


def test_a_bridge_keeps_ports_that_its_stanza_does_not_name() -> None:
    made = on_ifupdown2(LO, method="manual", options={"bridge_ports": "none"})
    assert made.endswith("iface br0 inet manual\n    bridge_ports none\n" + CONDONED)


def test_whoever_said_which_ports_may_stay_is_believed() -> None:
    said = {"bridge_ports": "none", "bridge-ports-condone-regex": "^tap"}
    made = on_ifupdown2(LO, method="manual", options=said)
    assert "bridge-ports-condone-regex ^tap\n" in made and CONDONED not in made


def test_ifupdown_is_told_none_of_it() -> None:
    given = {"take_over": "eth0", "options": {"up": [HOOK]}}
    made = edited({ROOT: LO + NIC}, given)[ROOT]
    assert "condone" not in made and "addrgen " not in made


@pytest.mark.parametrize(
    "nic", [NIC, NIC + "    mtu 1400\n", NIC + "\niface eth0 inet6 static\n    address fd00::2/64\n    mtu 1400\n"],
    ids=["one family", "with what stays", "two families"],
)  # fmt: skip
def test_a_port_without_link_local_addresses_is_told_to_stay_so_in_each_of_its_stanzas(
    nic: str,
) -> None:
    made = taken_over(LO + nic)
    own = made.partition("iface eth0")[1:]
    ports = [part.partition("iface br0")[0] for part in "".join(own).split("iface eth0")[1:]]
    assert ports and all(NO_LINK_LOCAL in part for part in ports), made
    assert NO_LINK_LOCAL not in made.replace(NO_LINK_LOCAL, "", len(ports))


@pytest.mark.parametrize("hooks", [(), ("ip link set dev br0 txqueuelen 7 addrgenmode none",)])
@pytest.mark.parametrize(
    "more",
    ["", "    mtu 1400\n    # of the cellar\n", "    ipv6-addrgen on\n", "    up ip route add default via 10.0.0.1\n"],
    ids=["plain", "with a comment at its end", "of which something was said", "with a route"],
)  # fmt: skip
def test_there_and_back_is_where_it_began(more: str, hooks: tuple[str, ...]) -> None:
    before = LO + "\n" + NIC + more + "\niface eth1 inet dhcp\n"
    made = taken_over(before, *hooks)
    assert made != before and CONDONED in made
    assert on_ifupdown2(made, **BACK) == before


def test_a_tap_without_link_local_addresses_is_told_too() -> None:
    hook = "ip link set dev tap1 addrgenmode none up"
    made = on_ifupdown2(LO, name="tap1", method="manual", options={"up": hook})
    assert made.endswith(f"    up {hook}\n{NO_LINK_LOCAL}")
