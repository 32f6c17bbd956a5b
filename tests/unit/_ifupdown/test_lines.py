# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a NIC's stanza stay, which move, and which are told of, since nobody can know."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.lines import (
    has_heirs,
    places,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import notes
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    ITEM,
    ROOT,
    edited,
)

TAKE = {**ITEM, "take_over": "eth0"}


def told(text: str, item: dict) -> list[str]:
    return notes(Files(ROOT, {ROOT: text}), [checked({**ITEM, **item})])


@pytest.mark.parametrize(
    ("line", "stays", "moved", "said"),
    [
        ("up ip -f inet6 addr add 2001:db8::1/64 dev eth0", False, "up ip -f inet6 addr add 2001:db8::1/64 dev br0", ""),
        ("up ifconfig eth0:0 198.51.100.12 netmask 255.255.255.0", False, "up ifconfig br0:0 198.51.100.12 netmask 255.255.255.0", ""),
        ("up echo 1 > /proc/sys/net/ipv4/conf/eth0/proxy_arp", False, "up echo 1 > /proc/sys/net/ipv4/conf/br0/proxy_arp", ""),
        ("up sysctl -w net.ipv4.conf.eth0.proxy_arp=1", False, "up sysctl -w net.ipv4.conf.br0.proxy_arp=1", ""),
        ("up iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE", False, "up iptables -t nat -A POSTROUTING -o br0 -j MASQUERADE", ""),
        ("pre-up dhclient -6 -P eth0", False, "pre-up dhclient -6 -P br0", ""),
        ("up ip rout add 10.0.0.0/8 via 192.0.2.1", False, "up ip rout add 10.0.0.0/8 via 192.0.2.1", ""),
        ("up ip route add 10.0.0.0/8 dev eth0 && ethtool -K eth0 tso off", False,
         "up ip route add 10.0.0.0/8 dev br0 && ethtool -K eth0 tso off", ""),
        ("up ip route add 10.0.0.0/8 dev eth0 && ethtool -K $IFACE tso off", False,
         "up ip route add 10.0.0.0/8 dev br0 && ethtool -K $IFACE tso off", "a line of its own"),
        ("up ip route add 10.0.0.0/8 dev eth0; /opt/x eth0", False, "up ip route add 10.0.0.0/8 dev br0; /opt/x eth0", "nobody here knows"),
        ("up /opt/x eth0", True, "", "nobody here knows"),
        ("up sh -c 'ip addr add 1.2.3.4/24 dev eth0'", True, "", "nobody here knows"),
        ("up nft add rule ip nat post oifname eth0 masquerade", True, "", "nobody here knows"),
        ("up ethtool -K eth0 tso off", True, "", ""),
        ("up logger eth0 is there", True, "", ""),
        ("up ip addr flush dev eth0", True, "", ""),
        ("down ip addr flush dev eth0", False, "down ip addr flush dev br0", ""),
        ("up /opt/notify", False, "up /opt/notify", ""),
        ("bond-mode 1", True, "", ""),
        ("batman-hop-penalty 1", True, "", ""),
        ("privext 2", False, "privext 2", ""),
    ],
)  # fmt: skip
def test_a_line_stays_or_moves_or_is_told_of_and_comes_back(
    line: str, stays: bool, moved: str, said: str
) -> None:
    text = f"# c\nauto eth0\niface eth0 inet dhcp\n    {line}\n"
    there = edited({ROOT: text}, {"take_over": "eth0"})
    nic, bridge = there[ROOT].split("\nauto br0\n")
    assert (f"    {line}\n" in nic) == stays
    assert (f"    # stays with eth0: {line}\n" in bridge) == stays
    assert stays or f"    {moved}\n" in bridge
    sentences = told(text, TAKE)
    assert len(sentences) == bool(said)
    assert all(f"{ROOT}:4: " in one and said in one and line in one for one in sentences)
    assert edited(there, BACK)[ROOT] == text


def test_a_sentence_is_said_once_and_by_a_second_run_no_more() -> None:
    text = "iface eth0 inet dhcp\n    up /opt/x eth0\n"
    assert len(told(text, TAKE)) == 1
    assert told(edited({ROOT: text}, {"take_over": "eth0"})[ROOT], TAKE) == []


PORT = "iface eth0 inet manual\n    up {}\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n"


@pytest.mark.parametrize(
    "hook",
    [
        "ifconfig $IFACE 0.0.0.0 up",
        "ip link set eth0 up promisc on",
        "ifconfig eth0 promisc up",
        "ip addr flush dev eth0",
        "ip link set eth0 down",
    ],
)
def test_what_made_sense_on_a_port_only_is_left_out_on_the_way_back_and_told(hook: str) -> None:
    text = PORT.format(hook)
    assert edited({ROOT: text}, BACK)[ROOT] == "auto eth0\niface eth0 inet dhcp\n"
    (sentence,) = told(text, BACK)
    assert f"{ROOT}:2: " in sentence and hook in sentence


@pytest.mark.parametrize("hook", ["ethtool -K eth0 tso off", "ip link set eth0 up", "/opt/x eth0"])
def test_what_a_port_keeps_for_its_link_it_has_on_the_way_back_too(hook: str) -> None:
    after = edited({ROOT: PORT.format(hook)}, BACK)[ROOT]
    assert after == f"auto eth0\niface eth0 inet dhcp\n    up {hook}\n"


def test_a_stanza_without_a_family_has_that_of_its_template() -> None:
    text = "iface a inet6 static\n address 2001:db8::1/64\niface b inherits a\niface c inherits b\niface d inherits d\niface e inherits no\n"
    docs = {ROOT: Document(text)}
    assert {
        name: (places(docs, name)[0][1].family, places(docs, name)[0][1].method) for name in "bcde"
    } == {"b": ("inet6", "static"), "c": ("inet6", "static"), "d": (None, None), "e": (None, None)}
    assert has_heirs(docs, "a") and not has_heirs(docs, "d") and not has_heirs(docs, "c")


def test_a_stanza_that_inherits_its_family_is_edited_and_not_made_again() -> None:
    text = "iface base inet manual\n mtu 9000\niface eth3 inherits base\n"
    after = edited({ROOT: text}, {"name": "eth3", "options": {"mtu": 1400}})
    assert after[ROOT] == text + " mtu 1400\n"


def test_a_stanza_that_others_inherit_from_need_not_be_complete() -> None:
    text = "iface base inet static\n netmask 24\niface eth3 inherits base\n address 192.0.2.3\n"
    after = edited({ROOT: text}, {"name": "base", "options": {"mtu": 1400}})
    assert after[ROOT] == text.replace("netmask 24\n", "netmask 24\n mtu 1400\n")


def test_a_nic_whose_name_another_boot_may_change_is_told_with_the_cure() -> None:
    text = "iface eth0 inet dhcp\n"
    now = Files(ROOT, {ROOT: text}, unsteady={"eth0": "udev would call it enp1s0"})
    (sentence,) = notes(now, [checked(TAKE)])
    assert "enp1s0" in sentence and "/etc/systemd/network/10-eth0.link" in sentence
    assert notes(now, [checked({**ITEM, "name": "eth0", "method": "dhcp"})]) == []


def test_a_nic_is_taken_over_with_what_is_given_and_all_that_is_told_is_told_once() -> None:
    text = "allow-hotplug eth0\niface eth0 inet static\n address 192.0.2.2/24\n up /opt/x eth0\n"
    options = [["bridge-ports", "eth0"], ["bridge_stp", "off"], ["up", "/opt/y"]]
    item = {"take_over": "eth0", "method": "dhcp", "options": options}
    after = edited({ROOT: text}, item)[ROOT]
    assert after.endswith(
        "auto br0\niface br0 inet dhcp\n # stays with eth0: up /opt/x eth0\n bridge-ports eth0\n bridge_stp off\n up /opt/y\n"
    )
    assert len(notes(Files(ROOT, {ROOT: text}), [checked({**ITEM, **item})])) == 1
    assert edited({ROOT: ""}, item)[ROOT].startswith("iface eth0 inet manual\n")
    assert (
        "192.0.2.9"
        in edited(
            {ROOT: after}, {**item, "method": "static", "options": {"address": "192.0.2.9/24"}}
        )[ROOT]
    )
