# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of a hook do to eth0: a table of cases, each as it was seen in the field or is in a manual."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import (
    EMPTY,
    LAYER3,
    LINK,
    NEUTRAL,
    OWNER,
    PORT,
    UNKNOWN,
    by_variable,
    link_set,
    names,
    questions,
    read,
    simple,
)

CASES: dict[str, list[str]] = {
    # addresses, under every name that ip(8) and ifconfig(8) take
    "ip addr add 192.0.2.3/24 dev eth0": [LAYER3],
    "ip a add 192.0.2.3/24 dev eth0": [LAYER3],
    "ip addres add 192.0.2.3/24 dev eth0": [LAYER3],
    "/sbin/ip -6 address replace 2001:db8::3/64 dev $IFACE": [LAYER3],
    "ip -f inet6 addr add 2001:db8::3/64 dev eth0": [LAYER3],
    "ip -family inet addr del 192.0.2.3/24 dev ${IFACE}": [LAYER3],
    'ip addr add 192.0.2.3/24 dev "$IFACE"': [LAYER3],
    "ip addr add 192.0.2.3/24 dev eth0 label eth0:1": [LAYER3],
    "ifconfig eth0:0 198.51.100.12 netmask 255.255.255.0": [LAYER3],
    "ifconfig $IFACE 192.0.2.3 netmask 255.255.255.0 mtu 9000": [LAYER3],
    "ifconfig eth0 inet6 add 2001:db8::3/64": [LAYER3],
    "ifconfig eth0:0 down": [LAYER3],
    # routes, rules, neighbours
    "ip rout add 10.0.0.0/8 via 192.0.2.1": [LAYER3],
    "ip r add default dev eth0": [LAYER3],
    "ip ro add default dev eth0": [LAYER3],
    "ip ru add from 192.0.2.3 table 5": [LAYER3],
    "ip rule del iif eth0": [LAYER3],
    "ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev eth0": [LAYER3],
    "route add -net 10.0.0.0/8 gw 192.0.2.1": [LAYER3],
    "route add default dev eth0": [LAYER3],
    "ip tunnel add t0 mode gre remote 192.0.2.1 dev eth0": [LAYER3],
    # what else is of layer 3
    "echo 1 > /proc/sys/net/ipv4/conf/eth0/proxy_arp": [LAYER3],
    'echo 1 >"/proc/sys/net/ipv6/conf/$IFACE/accept_ra"': [LAYER3],
    "sysctl -w net.ipv4.conf.eth0.rp_filter=2": [LAYER3],
    "sysctl -qw net/ipv6/conf/eth0/accept_ra=0": [LAYER3],
    "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE": [LAYER3],
    "ip6tables-legacy -A INPUT --in-interface $IFACE -j DROP": [LAYER3],
    "dhclient -6 -P eth0": [LAYER3],
    "timeout 20 dhclient -6 $IFACE": [LAYER3],
    "arping -U -I eth0 192.0.2.3": [LAYER3],
    # of the link
    "ethtool -K eth0 tso off": [LINK],
    "ip link set eth0 up": [LINK],
    "ip link set dev $IFACE mtu 9000": [LINK],
    "ip link set eth0 promisc off": [LINK],
    "ip l set eth0 txqueuelen 5000": [LINK],
    "ifconfig eth0 up": [LINK],
    "ip link add link eth0 name eth0.10 type vlan id 10": [LINK],
    "tc qdisc add dev eth0 root fq": [LINK],
    "echo 2 > /sys/class/net/eth0/queues/rx-0/rps_cpus": [LINK],
    "iptables -A FORWARD -m physdev --physdev-in eth0 -j ACCEPT": [LINK],
    "ip link set eth0 nomaster": [LINK],
    # on a port only
    "ifconfig $IFACE 0.0.0.0 up": [EMPTY],
    "ifconfig eth0 0 up": [EMPTY],
    "ip addr flush dev eth0": [EMPTY],
    "ip link set eth0 promisc on": [PORT],
    "ifconfig eth0 promisc up": [PORT],
    "ip link set $IFACE down": [PORT],
    "ifconfig $IFACE down": [PORT],
    # somebody else's
    "ip link set eth0 master br7": [OWNER],
    "brctl addif br7 eth0": [OWNER],
    "ovs-vsctl --may-exist add-port ovs0 eth0": [OWNER],
    "ifenslave bond0 eth0 eth1": [OWNER],
    "ifenslave -d bond0 eth0": [LINK],
    # nobody knows
    "/opt/x eth0": [UNKNOWN],
    "/opt/x $IFACE": [UNKNOWN],
    "sh -c 'ip addr add 192.0.2.3/24 dev eth0'": [UNKNOWN],
    "nft add rule ip nat post oifname eth0 masquerade": [UNKNOWN],
    "ip link add vx0 type vxlan id 5 dev eth0": [UNKNOWN],
    "ip link add mv0 link eth0 type macvlan": [UNKNOWN],
    # nothing of eth0
    "/opt/notify": [NEUTRAL],
    "ip addr add 192.0.2.3/24 dev eth0.10": [NEUTRAL],
    "ip addr add 192.0.2.3/24 dev veth0": [NEUTRAL],
    "ip addr show dev eth0": [NEUTRAL],
    "ip link show eth0": [NEUTRAL],
    "ip link set eth1 master br0": [NEUTRAL],
    "ip -s": [NEUTRAL],
    "logger eth0 is up": [NEUTRAL],
    "sysctl -w net.ipv4.conf.eth0x.rp_filter=2": [NEUTRAL],
    "ifconfig": [NEUTRAL],
    "ifconfig -a eth0": [NEUTRAL],
    "brctl show": [NEUTRAL],
    "brctl delif br0 eth0": [LINK],
    "route": [NEUTRAL],
    "route add default dev eth1": [NEUTRAL],
    "true": [NEUTRAL],
    "": [],
    # several
    "ip route add 10.0.0.0/8 dev eth0 && ethtool -K eth0 tso off": [LAYER3, LINK],
    "test -d /x || ip rule add from 1.2.3.4 table 5; /opt/x eth0 &": [NEUTRAL, LAYER3, UNKNOWN],
    "ip addr add 192.0.2.3/24 dev eth0 2>&1 | logger": [LAYER3, NEUTRAL],
    "if true; then ip addr add 192.0.2.3/24 dev eth0; fi": [NEUTRAL, LAYER3, NEUTRAL],
    "echo 'a; ip addr add 1.2.3.4 dev eth0'": [NEUTRAL],
    "A=1 ip addr add 192.0.2.3/24 \\\n  dev eth0": [LAYER3],
    "(ip addr flush dev eth0)": [EMPTY],
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_a_line_is_what_its_commands_are(text: str) -> None:
    assert [one.kind for one in read(text, "eth0")] == CASES[text]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ip -6 a add 2001:db8::3/64 dev eth0", ("2001:db8::3/64",)),
        ("ip addr add dev eth0 192.0.2.3/24", ("192.0.2.3/24",)),
        ("ifconfig eth0:0 192.0.2.3 up", ("192.0.2.3",)),
        ("ip addr flush dev eth0", ()),
        ("ip route add 192.0.2.0/24 dev eth0", ()),
    ],
)
def test_the_addresses_that_a_command_gives(text: str, addresses: tuple[str, ...]) -> None:
    assert [one.addresses for one in read(text, "eth0")] == [addresses]


def test_the_owner_of_a_port() -> None:
    text = "brctl addif br7 eth0; ip link set dev eth0 master br8; ovs-vsctl add-port ovs0 eth0; ifenslave bond0 eth0"
    assert [one.owner for one in read(text, "eth0")] == ["br7", "br8", "ovs0", "bond0"]


def test_names_of_a_device_and_of_what_only_looks_like_it() -> None:
    assert names("x eth0:1", "eth0") and names("x ${LOGICAL}", "eth0")
    assert not names("x veth0", "eth0") and not names("x eth01", "eth0")
    assert by_variable("x $IFACE") and not by_variable("x $IFACES eth0")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("ip link set dev br0 type bridge mcast_snooping 0", ["ip", "link", "set", "dev", "lo", "type", "bridge", "mcast_snooping", "0", "help"]),
        ("/sbin/ip link set br0 type bridge x 1 || true", ["ip", "link", "set", "dev", "lo", "type", "bridge", "x", "1", "help"]),
        ("bridge link set dev tap1 mab on", ["bridge", "link", "set", "dev", "lo", "mab", "on", "guard", "help"]),
        ("ip link set br0 up", None),
        ("ip link add br0 type bridge", None),
        ("bridge vlan add dev br0 vid 2 self", None),
    ],
)  # fmt: skip
def test_the_question_that_a_line_of_options_is(text: str, asked: list[str] | None) -> None:
    assert questions(text) == ([] if asked is None else [asked])


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("ip link set dev eth0 master br0 addrgenmode none && sysctl -qe -w x=1 || true", ["eth0", None, None]),
        ("ip link set eth0 up && ip link set up dev br0", ["eth0", "br0"]),
        ("ip link set dev eth0 up; echo ip link set dev eth0 up", ["eth0", None]),
        ("/sbin/ip link set 'tap 1' up", ["tap 1"]),
        ("! /usr/bin/test -e x || ip link set $IFACE up", [None, "$IFACE"]),
        ("ip link show dev eth0", [None]),
        ("ip link set", [""]),
        ("sudo; ", []),
    ],
)  # fmt: skip
def test_whom_each_command_of_a_line_sets_links_of(text: str, devices: list[str | None]) -> None:
    assert [link_set(words) for words in simple(text)] == devices


def test_a_device_that_is_named_as_a_verb_is_read_too() -> None:
    assert [one.kind for one in read("ip link set", "set")] == [NEUTRAL]


@given(st.text(alphabet="ab \\'\"$;|&()<>{}\n#eth0:ipdv", max_size=40))
def test_any_text_is_read_and_its_commands_follow_one_another(text: str) -> None:
    found = read(text, "eth0")
    assert all(link_set(words) is None or words[0] == "ip" for words in simple(text))
    assert all(0 <= one.start < one.stop <= len(text) for one in found)
    assert all(one.stop <= other.start for one, other in zip(found, found[1:]))
