# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ifupdown2 is told so that it leaves taps and links alone, and that it goes with the bridge; ifupdown2 itself judges it in test_role_bridge_host.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import ifreload
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    LO,
    ROOT,
    edited,
)

NIC = "auto eth0\niface eth0 inet static\n    address 10.0.0.2/24\n"
CONDONED = "    bridge_ports_condone_regex .*\n"
GROUPS = "    bridge-hashmax 4096\n"
NO_LINK_LOCAL = "    ipv6-addrgen off\n"
HOOK = "ip link set dev eth0 master br0 addrgenmode none && sysctl -qw net/ipv6/conf/eth0/disable_ipv6=0 || true"


def on_ifupdown2(text: str, **item: Any) -> str:
    return edited({ROOT: text}, item, ifupdown2=True)[ROOT]


def taken_over(text: str, *hooks: str) -> str:
    return on_ifupdown2(text, take_over="eth0", options={"up": [HOOK, *hooks]})


def test_a_bridge_keeps_ports_that_its_stanza_does_not_name() -> None:
    made = on_ifupdown2(LO, method="manual", options={"bridge_ports": "none"})
    assert made.endswith("iface br0 inet manual\n    bridge_ports none\n" + CONDONED + GROUPS)


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


def test_a_bridges_mac_is_said_once_in_words_that_it_knows_and_goes_with_the_bridge() -> None:
    before = LO + "\n" + NIC + "\niface eth0 inet6 static\n    address fd00::2/64\n"
    by_mac = {"bridge_hw": "52:54:00:00:00:10"}
    made = on_ifupdown2(before, take_over="eth0", options={"up": [HOOK], **by_mac})
    assert made.count("    hwaddress 52:54:00:00:00:10\n") == 1
    assert on_ifupdown2(made, **BACK) == before
    by_name = on_ifupdown2(before, take_over="eth0", options={"up": [HOOK], "bridge_hw": "eth0"})
    assert "hwaddress" not in by_name


def test_whether_a_bridge_forwards_goes_with_it_and_what_somebody_else_says_of_that_stays() -> None:
    own = "    up sysctl -w net/ipv4/conf/eth0/forwarding=1\n"
    before = LO + "\n" + NIC + own
    for value in ("0", "1"):
        hook = ifreload.forwards("br0", {"ipv4": value, "ipv6": "0"})
        made = taken_over(before, hook)
        assert f"    up {hook}\n" in made and own.replace("eth0", "br0") in made
        assert on_ifupdown2(made, **BACK) == before
    changed = on_ifupdown2(made, method="static", options={"up": [HOOK, hook.replace("=1", "=0")]})
    assert "forwarding=0 net" in changed and hook not in changed


def test_a_tap_without_link_local_addresses_is_told_too() -> None:
    hook = "ip link set dev tap1 addrgenmode none up"
    made = on_ifupdown2(LO, name="tap1", method="manual", options={"up": hook})
    assert made.endswith(f"    up {hook}\n{NO_LINK_LOCAL}")


FILTERS = "ip link set dev br0 type bridge vlan_filtering 1"


def with_bridge(hook: str) -> str:
    """As stanzas has it, so that it goes with the bridge."""
    return f"ip link set dev eth0 master br0 && {hook}" if hook.startswith("bridge") else hook


def said(text: str, name: str) -> list[str]:
    """What a stanza of a name says, less its hooks."""
    own = text.partition(f"iface {name} ")[2].partition("\n\n")[0].splitlines()[1:]
    return [line.strip() for line in own if not line.strip().startswith(("up ", "address"))]


@pytest.mark.parametrize(
    ("hooks", "bridge", "port"),
    [
        ([FILTERS], ["bridge-vlan-aware yes"], ["bridge-pvid 1"]),
        (
            [FILTERS + " vlan_default_pvid 0 mcast_snooping 0 mcast_querier_interval 25500 mcast_query_interval 1250"],
            ["bridge-vlan-aware yes", "bridge-mcsnoop no", "bridge-mcqpi 255"],
            ["bridge-allow-untagged no"],
        ),
        (
            [FILTERS, "bridge vlan add dev eth0 vid 30-32 pvid untagged", "bridge vlan del dev eth0 vid 1",
             "bridge vlan add dev eth0 vid 99 pvid untagged", "bridge vlan add dev br0 vid 40 self"],
            ["bridge-vlan-aware yes"],
            ["bridge-vids 30-32", "bridge-pvid 99"],
        ),
        ([FILTERS, "bridge vlan add dev eth0 vid 1"], ["bridge-vlan-aware yes"], ["bridge-vids 1", "bridge-allow-untagged no"]),
        (["bridge vlan add dev eth0 vid 7"], [], []),
        ([FILTERS, "bridge vlan add dev eth0 vid $VID", "bridge vlan add dev eth0 vid 9-99999999999"], ["bridge-vlan-aware yes"],
         ["bridge-vids 9-4094", "bridge-pvid 1"]),
    ],
    ids=["filters", "in no VLAN by itself", "tagged and an own one", "its own tagged", "filters not", "what no VLAN is"],
)  # fmt: skip
def test_what_hooks_say_of_vlans_is_said_in_its_own_words(
    hooks: list[str], bridge: list[str], port: list[str]
) -> None:
    made = taken_over(LO + NIC, *map(with_bridge, hooks))
    own = [CONDONED.strip(), GROUPS.strip(), "bridge_ports eth0"]
    assert [line for line in said(made, "br0") if line not in own] == bridge
    assert [line for line in said(made, "eth0") if line != NO_LINK_LOCAL.strip()] == port
    assert on_ifupdown2(made, **BACK) == LO + NIC


def test_a_hook_that_changes_is_said_anew_and_one_that_goes_no_more() -> None:
    made = taken_over(LO + NIC, FILTERS + " mcast_snooping 0", "bridge vlan add dev eth0 vid 7")
    more = {"options": {"up": [HOOK, FILTERS, "bridge vlan add dev eth0 vid 8"]}}
    after = on_ifupdown2(made, method="static", **more)
    assert "bridge-vids 8" in said(after, "eth0") and "bridge-vids 7" not in after
    assert "mcsnoop" not in after and "bridge-vlan-aware yes" in said(after, "br0")
    off = on_ifupdown2(after, method="static", options={"up": [HOOK]})
    assert "bridge-vids" not in off and "vlan-aware" not in off and "bridge-pvid" not in off


def test_what_an_administrator_says_of_vlans_stays() -> None:
    hooks = (FILTERS, with_bridge("bridge vlan add dev eth0 vid 7"))
    edited_by_hand = taken_over(LO + NIC, *hooks).replace("bridge-vids 7", "bridge-vids 2-4094")
    options = {"up": [HOOK, *hooks]}
    assert on_ifupdown2(edited_by_hand, method="static", options=options) == edited_by_hand
