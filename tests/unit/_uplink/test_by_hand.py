# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way back as commands; that typing them brings a host back is shown in namespaces, by tests/faults."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Rule
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import changes
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.by_hand import commands
from ansible_collections.hypervisor.network.tests.harness.model import simulated

LEASED = simulated.address("eth0", "10.0.0.5/24")
LEASED = replace(LEASED, raw=LEASED.raw + simulated.attribute(6, struct.pack("=IIII", 60, 120, 0, 0)))  # fmt: skip
VIA = simulated.route("default", Hop("eth0", "10.0.0.1"))
STRANGE = simulated.rule(iif="eth0")
STRANGE = Rule(STRANGE.family, "eth0", None, STRANGE.raw + simulated.attribute(99, b"\0" * 4))
OVER6 = replace(
    simulated.route("10.9.0.0/16", Hop("eth0", "10.0.0.1"), Hop("eth0", "fd00::1", 3, True)),
    family=2,
    metric=0,
)
CLIENT = Client("br0", "dhclient", ("dhclient", "-pf", "/run/a b.pid", "br0"))
CASES: list[tuple[Change, list[str]]] = [
    (Change("delete", "bridge", "br0"), ["ls -A /sys/class/net/br0/brif | grep -q . || ip link delete dev br0"]),
    (
        Change("create", "bridge", "br0", None, {"mac": "02:00:00:00:00:01", "mtu": 1400, "up": True}),
        ["ip link add name br0 type bridge stp_state 0 forward_delay 0", "ip link set dev br0 address 02:00:00:00:00:01 mtu 1400 up"],
    ),
    (Change("update", "bridge", "br0", {"up": True}, {"up": False}), ["ip link set dev br0 down"]),
    (Change("attach", "port", "eth0", {"bridge": None}, {"bridge": "br0"}), ["ip link set dev eth0 master br0"]),
    (Change("detach", "port", "eth0", {"bridge": "br0"}, {"bridge": None}), ["ip link set dev eth0 nomaster"]),
    (Change("update", "link", "eth0", {"up": False}, {"up": True}), ["ip link set dev eth0 up"]),
    (changes.address("add", LEASED), ["ip address replace 10.0.0.5/24 dev eth0 scope global valid_lft 120 preferred_lft 60"]),
    (
        changes.address("add", simulated.address("eth0", "fd00::5/64")),
        ["ip address replace fd00::5/64 dev eth0 scope global nodad", "ip address replace fd00::5/64 dev eth0 scope global"],
    ),
    (
        changes.address("remove", simulated.address("br0", "192.0.2.1/32", "192.0.2.2")),
        ["ip address delete 192.0.2.1 peer 192.0.2.2/32 dev br0"],
    ),
    (changes.route("add", VIA), ["ip -4 route append default via 10.0.0.1 dev eth0 proto 3 table 254 scope 0"]),
    (changes.route("replace", VIA, VIA), ["ip -4 route replace default via 10.0.0.1 dev eth0 proto 3 table 254 scope 0"]),
    (
        changes.route("remove", simulated.route("fd01::/64", Hop("br0"), table=100)),
        ["ip -6 route delete fd01::/64 dev br0 proto 3 table 100 metric 1024"],
    ),
    (
        changes.route("add", OVER6),
        [
            "ip -4 route append 10.9.0.0/16 proto 3 table 254 scope 0 nexthop via 10.0.0.1 dev eth0 weight 1 "
            "nexthop via inet6 fd00::1 dev eth0 onlink weight 3"
        ],
    ),
    (changes.rule("add", simulated.rule(oif="eth0")), ["ip -4 rule add priority 1000 oif eth0"]),
    (changes.rule("remove", STRANGE), []),
    (changes.neighbour("add", simulated.neighbour("eth0", "10.0.0.1")), ["ip neighbor replace 10.0.0.1 lladdr 02:00:00:00:00:77 nud permanent dev eth0"]),
    (changes.neighbour("add", simulated.neighbour("eth0", "10.0.0.1", 2)), []),
    (changes.neighbour("remove", Neighbour("br0", "10.0.0.9", 2, None, 0, proxy=True)), ["ip neighbor delete proxy 10.0.0.9 dev br0"]),
    (changes.sysctl("ipv6/conf/eth0.7/accept_ra", "0", "1"), ["sysctl -qw net/ipv6/conf/eth0.7/accept_ra=1"]),
    (changes.sysctl("ipv6/conf/eth0/stable_secret", None, "fd00::1"), []),
    (changes.client("start", CLIENT), ["dhclient -pf '/run/a b.pid' br0"]),
    (changes.client("stop", CLIENT), ["pkill -KILL --ns $$ --nslist net -f '^([^ ]*/)?dhclient:? (.*[ =i])?br0( |$)'"]),
    (Change("delete", "tap", "tap1"), ["ip link delete dev tap1"]),
    (Change("update", "tap", "tap1", {}, {"up": False, "mtu": 9000}), ["ip link set dev tap1 mtu 9000 down"]),
    (Change("update", "tap", "tap1", {}, {"alias": "x"}), []),
    (Change("update", "something", "else"), []),
]  # fmt: skip


@pytest.mark.parametrize(("change", "lines"), CASES, ids=[str(change) for change, _lines in CASES])
def test_a_change_as_what_is_typed(change: Any, lines: list[str]) -> None:
    assert commands([change]) == lines


def test_they_come_in_the_order_of_the_plan() -> None:
    found = commands([change for change, _lines in CASES])
    assert found == [line for _change, lines in CASES for line in lines]
