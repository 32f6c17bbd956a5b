# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What take_over and hand_back write is booted: real C(ifup -a) of Debian 12 and 13, with the hooks of bridge-utils, on a host with the NICs eth0 and eth1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.stanzas import (
    bridge_stanzas,
    tap_stanza,
)
from ansible_collections.hypervisor.network.tests.harness.host.ifup_boot import boot
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    ROOT,
    edited,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run

BRIDGE = {"bridge_stp": "off", "bridge_fd": 0, "bridge_maxwait": 0}
TAKE = {"take_over": "eth0", "options": BRIDGE}
Host = Callable[[str], dict[str, Any]]


@pytest.fixture
def booted(make_netns: Callable[[str], str], tmp_path: Path, boot_root: Path) -> Host:
    """A function that boots a text on a fresh host, and tells its addresses and routes by device, its ports, and what ifup said."""

    def start(text: str) -> dict[str, Any]:
        host = make_netns("host")
        for nic in ("eth0", "eth1"):
            batch(host, f"link add {nic} type veth peer name wire-{nic}\nlink set wire-{nic} up\n")
        said = boot(host, text, tmp_path, boot_root)
        links = {link["ifname"]: link for link in ip_json(host, "addr", "show") if link}
        return {
            "addresses": {
                (name, one["local"], one.get("label", name), one["prefixlen"])
                for name, link in links.items()
                for one in link["addr_info"]
                if one.get("scope") == "global"
            },
            "routes": {
                (one["dev"], one["dst"], one.get("gateway"), one.get("table", "main"))
                for one in ip_json(host, "-4", "route", "show", "table", "all")
                if one.get("dev", "lo") != "lo" and one.get("type", "unicast") == "unicast"
            },
            "ports": {name: link["master"] for name, link in links.items() if "master" in link},
            "links": links,
            "host": host,
            "said": said,
            "up": said.endswith("ended with 0"),
        }

    return start


def renamed(facts: set[tuple[Any, ...]], old: str, new: str) -> set[tuple[Any, ...]]:
    """The facts of one device as those of another."""
    return {
        tuple(
            new + word[len(old) :] if isinstance(word, str) and word.split(":")[0] == old else word
            for word in one
        )
        for one in facts
    }


STATIC = "auto eth0\niface eth0 inet static\n    address 192.0.2.10/24\n    gateway 192.0.2.1\n"
TEXTS = {
    "static": STATIC,
    "an alias in one auto line": (
        "auto eth0 eth0:1\niface eth0 inet static\n address 192.0.2.10/24\n gateway 192.0.2.1\n"
        "iface eth0:1 inet static\n address 192.0.2.11/24\n"
    ),
    "an alias with a line of its own": STATIC
    + "\nauto eth0:1\niface eth0:1 inet static\n address 198.51.100.11/24\n up ip route add 203.0.113.0/24 via 198.51.100.1 dev $IFACE\n",
    "an alias above its device": "auto eth0:1\nauto eth0\niface eth0:1 inet static\n address 192.0.2.11/24\n"
    + STATIC.replace("auto eth0\n", ""),
    "a pattern": STATIC.replace("auto eth0", "auto /eth*") + "\niface eth1 inet manual\n",
    "IPv6 by another word": STATIC + "    up ip -f inet6 addr add 2001:db8::10/64 dev eth0 nodad\n",
    "an abbreviation": STATIC
    + "    up ip addres add 198.51.100.10/24 dev eth0\n    up ip rout add 203.0.113.0/24 via 198.51.100.1\n",
    "ifconfig": STATIC
    + "    up ifconfig eth0:0 198.51.100.12 netmask 255.255.255.0 || ip addr add 198.51.100.12/24 dev eth0 label eth0:0\n",
    "layer 3 and link in one line": STATIC
    + "    up ip route add 203.0.113.0/24 via 192.0.2.1 dev eth0 && ip link set eth0 txqueuelen 500\n",
    "a line of its own file's variable": STATIC
    + "    up ip addr add 198.51.100.10/24 dev $IFACE\n",
    "both families": STATIC
    + "iface eth0 inet6 static\n    address 2001:db8::10/64\n    dad-attempts 0\n",
    "a stanza that inherits": "iface base inet static\n netmask 24\n gateway 192.0.2.1\nauto eth0\niface eth0 inherits base\n address 192.0.2.10\n",
}


@pytest.mark.parametrize("case", TEXTS)
def test_the_bridge_boots_with_what_the_nic_booted_with_and_back(case: str, booted: Host) -> None:
    before = booted(TEXTS[case])
    assert before["up"], before["said"]
    there = edited({ROOT: TEXTS[case]}, TAKE)
    after = booted(there[ROOT])
    assert after["up"], after["said"]
    assert after["ports"] == {"eth0": "br0"}
    assert after["addresses"] == renamed(before["addresses"], "eth0", "br0")
    assert after["routes"] == renamed(before["routes"], "eth0", "br0")
    assert edited(there, BACK)[ROOT] == TEXTS[case]


@pytest.mark.parametrize(
    "hooks",
    [
        "    up ifconfig $IFACE 0.0.0.0 up || ip addr flush dev $IFACE\n    down ifconfig $IFACE down\n",
        "    up ip addr flush dev eth0\n    up ip link set $IFACE promisc on\n",
        "    post-up ip addr flush dev eth0 || true\n    pre-up ip link set eth0 down\n",
        "    up ip link set $IFACE up promisc on\n",
    ],
)
def test_the_nic_boots_with_its_address_where_it_was_a_bare_port(hooks: str, booted: Host) -> None:
    text = (
        f"auto eth0\niface eth0 inet manual\n{hooks}\nauto br0\n"
        + STATIC.replace("auto eth0\n", "").replace("eth0", "br0")
        + "    bridge_ports eth0\n    bridge_maxwait 0\n"
    )
    before = booted(text)
    assert before["ports"] == {"eth0": "br0"}, before["said"]
    after = booted(edited({ROOT: text}, BACK)[ROOT])
    assert after["up"] and after["ports"] == {}, after["said"]
    assert ("eth0", "192.0.2.10", "eth0", 24) in after["addresses"], after["said"]
    assert ("eth0", "default", "192.0.2.1", "main") in after["routes"]
    assert "PROMISC" not in after["links"]["eth0"]["flags"]


def test_what_a_port_needs_of_proc_is_the_bridges(booted: Host) -> None:
    text = (
        STATIC
        + "    up echo 1 > /proc/sys/net/ipv4/conf/eth0/proxy_arp\n    up sysctl -qw net.ipv4.conf.eth0.rp_filter=2\n"
    )
    host = booted(edited({ROOT: text}, TAKE)[ROOT])["host"]
    conf = {
        key: run("sysctl", "-n", f"net/ipv4/conf/br0/{key}", netns=host).strip()
        for key in ("proxy_arp", "rp_filter")
    }
    assert conf == {"proxy_arp": "1", "rp_filter": "2"}


def test_given_addresses_take_the_place_of_those_of_hooks_in_every_family(booted: Host) -> None:
    text = (
        STATIC
        + "    up ip -6 address add 2001:db8::10/64 dev eth0 nodad\n    up ip address add 192.0.2.11/24 dev eth0\n"
        "iface eth0 inet6 static\n    address 2001:db8::9/64\n    dad-attempts 0\n    up ip address add 2001:db8::11/64 dev eth0 nodad\n"
    )
    common = {"take_over": "eth0", "method": "static"}
    four = [["address", "192.0.2.10/24"], ["address", "192.0.2.11/24"]]
    six = [["address", "2001:db8::10/64"], ["address", "2001:db8::11/64"]]
    items = [
        {**common, "family": "inet", "options": [*four, *BRIDGE.items(), ["bridge_ports", "eth0"]]},
        {**common, "family": "inet6", "options": six},
    ]
    after = booted(edited({ROOT: text}, *items)[ROOT])
    assert after["up"] and "already assigned" not in after["said"], after["said"]
    assert {one[1] for one in after["addresses"]} == {
        "192.0.2.10",
        "192.0.2.11",
        "2001:db8::10",
        "2001:db8::11",
    }


def role_text(text: str, *bridges: dict[str, Any]) -> str:
    """What the role's stanzas for these bridges make of a file."""
    items = [one for item in bridges for one in bridge_stanzas(item)]
    return edited({ROOT: text}, *items)[ROOT]


def test_a_bridges_own_mtu_is_not_its_uplinks_after_a_boot_either(booted: Host) -> None:
    item = {"name": "br0", "uplink": "eth0", "mtu": 1400, "mac": "02:00:00:00:00:b0"}
    links = booted(role_text(STATIC, item))["links"]
    assert (links["br0"]["mtu"], links["eth0"]["mtu"]) == (1400, 1500)
    assert links["br0"]["address"] == "02:00:00:00:00:b0" != links["eth0"]["address"]


@pytest.mark.parametrize("uplink", [{}, {"uplink": "eth0"}])
def test_a_bridge_boots_with_its_mtu_whoever_joins_it(booted: Host, uplink: dict[str, Any]) -> None:
    bridge = role_text(STATIC, {"name": "br0", "mtu": 1500, "maxwait": 0, **uplink})
    tap = tap_stanza({"name": "tap1", "bridge": "br0", "mtu": 1400}, 1)
    links = booted(edited({ROOT: bridge}, tap)[ROOT])["links"]
    assert (links["tap1"]["master"], links["tap1"]["mtu"], links["br0"]["mtu"]) == (
        "br0",
        1400,
        1500,
    )


def test_a_mtu_that_an_older_release_wrote_for_both_goes(booted: Host) -> None:
    item = {"name": "br0", "uplink": "eth0", "mtu": 1400}
    text = role_text(STATIC, item)
    old = text.replace("    up ip link set dev br0 mtu 1400\n", "    mtu 1400\n")
    assert old != text and "    mtu 1400" not in role_text(old, item)


def test_a_bridge_that_shall_be_down_is_down_after_a_boot(booted: Host) -> None:
    links = booted(role_text("", {"name": "br1", "up": False, "stp_state": True, "maxwait": 0}))[
        "links"
    ]
    assert "UP" not in links["br1"]["flags"]


def test_an_internal_bridge_has_the_hosts_own_address_after_a_boot(booted: Host) -> None:
    item = {"name": "br1", "method": "static", "address": ["192.0.2.1/24", "2001:db8::1/64"]}
    after = booted(role_text("", item))
    assert after["up"] and {one[:2] for one in after["addresses"]} == {
        ("br1", "192.0.2.1"),
        ("br1", "2001:db8::1"),
    }


@pytest.mark.parametrize(("wish", "value"), [(True, "1"), (False, "0")])
def test_whether_routers_are_believed_is_the_same_after_a_boot(
    booted: Host, wish: bool, value: str
) -> None:
    host = booted(role_text(STATIC, {"name": "br0", "uplink": "eth0", "accept_ra": wish}))["host"]
    assert run("sysctl", "-n", "net/ipv6/conf/br0/accept_ra", netns=host).strip() == value


def test_a_host_that_forwards_believes_routers_after_a_boot_where_it_shall(booted: Host) -> None:
    text = STATIC + "    pre-up sysctl -qw net.ipv6.conf.all.forwarding=1\n"
    text += "    pre-up sysctl -qw net.ipv6.conf.default.forwarding=1\n"
    host = booted(role_text(text, {"name": "br0", "uplink": "eth0", "accept_ra": True}))["host"]
    assert run("sysctl", "-n", "net/ipv6/conf/br0/accept_ra", netns=host).strip() == "2"
