# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and rules in systemd-networkd's words."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._managers.rules import Policy
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.routes import (
    foreign,
    foreign_rules,
    policies,
    routes,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import parse, render
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route

BOOT, STATIC, DHCP = 3, 4, 16
VIA = Route(socket.AF_INET, "10.9.0.0/24", 254, 0, 0, 1, 0, BOOT, (Hop("br0", "10.77.0.1"),))
RULE = Policy(socket.AF_INET, 32765, "table", 100, src="10.5.0.0/16", protocol=BOOT)


def text(route: Route) -> str:
    return render(routes([route])).replace("[Route]\n", "").strip().replace("\n", " ")


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (VIA, "Destination=10.9.0.0/24 Gateway=10.77.0.1 GatewayOnLink=no Protocol=boot"),
        (
            replace(VIA, dst="default", hops=(Hop("br0", "10.77.0.1", onlink=True),)),
            "Gateway=10.77.0.1 GatewayOnLink=yes Protocol=boot",
        ),
        (
            replace(VIA, protocol=STATIC, metric=7, table=100, src="10.77.0.11"),
            "Destination=10.9.0.0/24 Gateway=10.77.0.1 GatewayOnLink=no PreferredSource=10.77.0.11 Metric=7 Table=100",
        ),
        (
            replace(VIA, hops=(Hop("br0"),), scope=253),
            "Destination=10.9.0.0/24 Scope=link Protocol=boot",
        ),
        (
            replace(VIA, dst="default", hops=(Hop("br0"),), scope=253, protocol=42),
            "Destination=0.0.0.0/0 Scope=link Protocol=42",
        ),
        (
            replace(VIA, hops=(Hop("br0"),), scope=254),
            "Destination=10.9.0.0/24 Scope=host Protocol=boot",
        ),
        (
            replace(VIA, family=socket.AF_INET6, dst="default", metric=1024, hops=(Hop("br0"),)),
            "Destination=::/0 Protocol=boot",
        ),
        (
            replace(VIA, hops=(Hop("br0", "10.77.0.1", 1), Hop("br0", "10.77.0.2", 2))),
            "Destination=10.9.0.0/24 MultiPathRoute=10.77.0.1@br0 1 MultiPathRoute=10.77.0.2@br0 2 Protocol=boot",
        ),
        (
            replace(VIA, kind=7, hops=(Hop("br0"),)),
            "Destination=10.9.0.0/24 Type=unreachable Protocol=boot",
        ),
    ],
)  # fmt: skip
def test_a_route_has_all_that_the_kernel_says_of_it(route: Route, said: str) -> None:
    assert text(route) == said


@pytest.mark.parametrize("route", [replace(VIA, tos=8), replace(VIA, kind=5), replace(VIA, nexthop_id=3)])  # fmt: skip
def test_a_route_without_words_is_refused_by_name(route: Route) -> None:
    with pytest.raises(Refused, match="no words for the route 10.9.0.0/24 via 10.77.0.1 dev br0"):
        routes([route])


def test_what_networkd_made_or_learned_is_not_foreign() -> None:
    config = parse(
        "[Network]\nGateway=10.77.0.1\n[Route]\nDestination=10.8.3.4/16\n[Route]\nDestination=nonsense\n"
    )
    standing = [
        VIA,
        replace(VIA, protocol=DHCP),
        replace(VIA, hops=(Hop("eth1", "10.0.0.1"),)),
        replace(VIA, dst="10.8.0.0/16", protocol=STATIC),
        replace(VIA, dst="default", protocol=STATIC),
        replace(VIA, dst="10.7.0.0/16", protocol=STATIC),
    ]  # fmt: skip
    assert [one.dst for one in foreign(standing, ("eth0", "br0"), config)] == ["10.9.0.0/24", "10.7.0.0/16"]  # fmt: skip
    assert foreign([replace(VIA, dst="default", protocol=STATIC)], ("br0",), parse("[Route]\nGateway=10.77.0.1\n")) == []  # fmt: skip


def test_rules_are_foreign_unless_networkd_is_told_of_some() -> None:
    own = replace(RULE, protocol=STATIC)
    assert foreign_rules([RULE, replace(own, priority=7)], []) == [RULE, replace(own, priority=7)]
    assert foreign_rules([RULE, own], parse("[RoutingPolicyRule]\nFrom=10.5.0.0/16\n")) == [RULE]


def test_a_rule_by_hand_and_the_same_by_networkd_are_one() -> None:
    """Seen: after the hand-over both stood, our file said it twice, and networkd took the first away when it read that: the file differed."""
    other = replace(RULE, priority=7)
    by_networkd = replace(RULE, protocol=STATIC)
    assert foreign_rules([other, RULE, by_networkd], []) == [other, RULE]


def test_a_rule_of_the_configuration_is_no_foreign_one_when_our_file_repeats_it() -> None:
    """Seen on a host with a rule written down: our file had it twice after its second writing."""
    config = parse(render(policies([RULE])))
    foreign_one = replace(RULE, priority=7, protocol=STATIC)
    ours = [*config, *policies([foreign_one])]
    own = replace(RULE, protocol=STATIC)
    assert foreign_rules([own, foreign_one], config, ours) == [foreign_one]


def said(rule: Policy) -> list[str]:
    return render(policies([rule])).splitlines()[1:]


def test_a_rule_has_all_that_the_kernel_says_of_it() -> None:
    assert said(RULE) == ["From=10.5.0.0/16", "Table=100", "Priority=32765"]
    full = replace(
        RULE, dst="10.6.0.0/16", iif="br0", oif="lo", mark=1, mask=255, tos=16, ip_proto=6, sport="80", dport="1-9", uids="5", invert=True,
        suppress_prefix=0, suppress_group=7,
    )  # fmt: skip
    assert said(full) == [
        "From=10.5.0.0/16", "To=10.6.0.0/16", "IncomingInterface=br0", "OutgoingInterface=lo", "FirewallMark=1/255", "TypeOfService=16",
        "IPProtocol=tcp", "SourcePort=80", "DestinationPort=1-9", "User=5", "SuppressPrefixLength=0", "SuppressInterfaceGroup=7", "InvertRule=yes",
        "Table=100", "Priority=32765",
    ]  # fmt: skip
    marked = replace(RULE, src="", mark=1, action="blackhole", table=0)
    assert said(marked) == ["Family=ipv4", "FirewallMark=1", "Type=blackhole", "Priority=32765"]


@pytest.mark.parametrize("rule", [replace(RULE, unsaid=("l3mdev",)), replace(RULE, action="3")])
def test_a_rule_without_words_is_refused_by_name(rule: Policy) -> None:
    with pytest.raises(Refused, match="no words for the policy rule '32765: from 10.5.0.0/16'"):
        policies([rule])
