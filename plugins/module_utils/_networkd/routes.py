# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Routes and policy rules that networkd has not made, in its words: whatever it does not find in its files it takes for foreign, and removes.

Source: systemd.network(5), [Route] and [RoutingPolicyRule].
"""

from __future__ import annotations

import ipaddress
from typing import Iterable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._managers.rules import (
    Policy,
    anybodys,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import AF_INET6
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import (
    BY_THEMSELVES,
    PROTO_BOOT,
    PROTO_STATIC,
    SCOPES,
    TABLE_MAIN,
    Route,
)

_PROTOCOLS = {PROTO_BOOT: "boot", PROTO_STATIC: "static"}
_KINDS = {1: "unicast", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_UNICAST = 1
_GLOBAL, _LINK = 0, 253
_IPV6_METRIC = 1024  # the kernel's, where none is given


def foreign(routes: Iterable[Route], devs: Sequence[str], config: Sequence[Section]) -> list[Route]:
    """The routes of some devices that networkd has neither made nor learned: those that somebody added by hand, or a program."""
    own = _described(config)
    return [
        one
        for one in routes
        if one.devs & set(devs)
        and one.protocol not in BY_THEMSELVES
        and not (one.protocol == PROTO_STATIC and one.dst in own)
    ]


def foreign_rules(
    found: Iterable[Policy], config: Sequence[Section], said: Sequence[Section] = ()
) -> list[Policy]:
    """The policy rules that networkd has not made of its configuration: where that has none, all of them.

    Those that our own file C(said) beside the configuration's are by now networkd's too.
    """
    own, all_of_it = (
        {section.lines for section in one if section.name == "RoutingPolicyRule"}
        for one in (config, said)
    )
    ours = all_of_it - own
    foreign_ones = [
        one
        for one in found
        if not own or one.protocol != PROTO_STATIC or tuple(_policy(one)) in ours
    ]
    # one that networkd has made by our file stands beside the same by hand, until it removes that
    return list({anybodys(one): one for one in reversed(foreign_ones)}.values())[::-1]


def _described(config: Sequence[Section]) -> set[str]:
    """The destinations of the routes that the configuration itself has, as the kernel writes them."""
    found = {"default"} if unit.values(config, "Network", "Gateway") else set()
    for section in config:
        if section.name == "Route":
            words = dict(section.lines)
            found.add(_network(words.get("Destination", "default")))
    return found


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text
    return "default" if not network.prefixlen else str(network)


def routes(found: Iterable[Route]) -> list[Section]:
    """A section for each route, with the protocol that it has: else it would stand twice. Raises Refused for what networkd has no words for."""
    return [Section("Route", tuple(_route(one))) for one in found]


def _route(route: Route) -> Iterable[tuple[str, str]]:
    if route.kind not in _KINDS or route.tos or route.nexthop_id:
        raise Refused(
            f"systemd-networkd has no words for the route {route} (its type, its TOS or its nexthop object), and would remove it; "
            "replace it by a plain route, or remove it."
        )
    if route.dst != "default":
        yield "Destination", route.dst
    elif route.hops[0].gateway is None:
        yield "Destination", "::/0" if route.family == AF_INET6 else "0.0.0.0/0"
    yield from _way(route)
    if route.kind != _UNICAST:
        yield "Type", _KINDS[route.kind]
    if route.src is not None:
        yield "PreferredSource", route.src
    if route.metric and not (route.family == AF_INET6 and route.metric == _IPV6_METRIC):
        yield "Metric", str(route.metric)
    if route.table != TABLE_MAIN:
        yield "Table", str(route.table)
    if route.protocol != PROTO_STATIC:
        yield "Protocol", _PROTOCOLS.get(route.protocol, str(route.protocol))


def _way(route: Route) -> Iterable[tuple[str, str]]:
    if len(route.hops) > 1:
        for hop in route.hops:
            yield "MultiPathRoute", f"{hop.gateway or ''}@{hop.dev} {hop.weight}"
    elif route.hops[0].gateway is not None:
        yield "Gateway", route.hops[0].gateway
        # left out, it is taken for yes where the addresses come by DHCP
        yield "GatewayOnLink", "yes" if route.hops[0].onlink else "no"
    elif route.family != AF_INET6 and route.scope not in (_LINK, _GLOBAL):
        yield "Scope", SCOPES.get(route.scope, str(route.scope))
    elif route.family != AF_INET6 and route.kind == _UNICAST:
        yield "Scope", SCOPES[route.scope]


def policies(found: Iterable[Policy]) -> list[Section]:
    """A section for each policy rule. Raises Refused for what networkd has no words for."""
    return [Section("RoutingPolicyRule", tuple(_policy(one))) for one in found]


_TYPES = {
    "table": "",
    "blackhole": "blackhole",
    "unreachable": "unreachable",
    "prohibit": "prohibit",
}
_PROTOCOL_NAMES = {6: "tcp", 17: "udp", 132: "sctp"}


def _policy(rule: Policy) -> Iterable[tuple[str, str]]:
    strange = (*rule.unsaid, *(() if rule.action in _TYPES else (rule.action,)))
    if strange:
        raise Refused(
            f"systemd-networkd has no words for the policy rule '{rule}' ({', '.join(strange)}), and would remove it; remove it, or replace it by a "
            "rule without that."
        )
    mark = None if rule.mark is None else str(rule.mark)
    asked = (
        ("From", rule.src),
        ("To", rule.dst),
        ("IncomingInterface", rule.iif),
        ("OutgoingInterface", rule.oif),
        ("FirewallMark", mark if mark is None or rule.mask is None else f"{mark}/{rule.mask}"),
        ("TypeOfService", str(rule.tos) if rule.tos else ""),
        (
            "IPProtocol",
            _PROTOCOL_NAMES.get(rule.ip_proto, str(rule.ip_proto)) if rule.ip_proto else "",
        ),
        ("SourcePort", rule.sport),
        ("DestinationPort", rule.dport),
        ("User", rule.uids),
        ("SuppressPrefixLength", _text(rule.suppress_prefix)),
        ("SuppressInterfaceGroup", _text(rule.suppress_group)),
        ("InvertRule", "yes" if rule.invert else ""),
        ("Type", _TYPES[rule.action]),
        ("Table", str(rule.table) if rule.action == "table" else ""),
        ("Priority", str(rule.priority)),
    )
    if not rule.src and not rule.dst:
        yield "Family", "ipv6" if rule.family == AF_INET6 else "ipv4"
    yield from ((key, value) for key, value in asked if value)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
