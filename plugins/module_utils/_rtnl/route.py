# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Routes and rules: decoded for planners, and re-encoded for another device without losing an attribute.

A planner compares the fields; the adapter sends the kernel's own bytes again, with only the device changed. So whatever a route carries
(metrics, preferences, encapsulations of kernels to come) moves with it. Layouts: Linux' include/uapi/linux/{rtnetlink,fib_rules}.h.
"""

from __future__ import annotations

import socket as _names  # only AF_ numbers and inet_ntop: no socket is opened here
import struct
from dataclasses import dataclass, field, replace
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    AF_INET,
    AF_INET6,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    number,
    text,
    walk,
)

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC = 1, 4, 5, 6, 7
_RTA_MULTIPATH, _RTA_CACHEINFO, _RTA_TABLE, _RTA_MARK, _RTA_VIA, _RTA_EXPIRES, _RTA_NH_ID = (
    9,
    12,
    15,
    16,
    18,
    23,
    30,
)
RTA_PREF = 20
_RTNH_F_ONLINK = 4
_RTM_F_CLONED = 0x200
TABLE_MAIN, _TABLE_LOCAL = 254, 255
_PROTO_REDIRECT, PROTO_KERNEL, PROTO_BOOT, PROTO_STATIC, PROTO_RA, PROTO_DHCP = 1, 2, 3, 4, 9, 16
LEARNED = (_PROTO_REDIRECT, PROTO_RA)  # an ICMP redirect, a router's advertisement
BY_THEMSELVES = (*LEARNED, PROTO_KERNEL, PROTO_DHCP)
_RTN_UNICAST, _RTN_LOCAL = 1, 2
_FRA_IIFNAME, _FRA_OIFNAME = 3, 17
# that a device is missing just now is the kernel's finding, and no part of the rule
_FIB_RULE_DETACHED = 0x08 | 0x10
# family, dst length, src length, tos, table, protocol, scope, type, flags
_ROUTE = struct.Struct("=BBBBBBBBI")
HEADER = _ROUTE.size
# family, dst length, src length, tos, table, 2 reserved, action, flags
_RULE = struct.Struct("=BBBBBBBBI")
_NEXTHOP = struct.Struct("=HBBi")  # length, flags, hops, index
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}


@dataclass(frozen=True)
class Hop:
    """One way out: C(dev), C(gateway) (None: directly connected), C(weight) from 1, C(onlink)."""

    dev: str | None
    gateway: str | None = None
    weight: int = 1
    onlink: bool = False


@dataclass(frozen=True)
class Route:
    """A route. C(dst) is "default" or a prefix; two routes with the same C(key) are alternatives of which the first counts.

    C(heard) says that the kernel has it of a router, whose advertisements it follows by it (heard.py).
    """

    family: int
    dst: str
    table: int
    metric: int
    tos: int
    kind: int
    scope: int
    protocol: int
    hops: tuple[Hop, ...]
    src: str | None = None
    nexthop_id: int = 0
    raw: bytes = field(default=b"", compare=False, repr=False)
    heard: bool = field(default=False, compare=False, repr=False)

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.family, self.table, self.dst, self.tos, self.metric)

    @property
    def devs(self) -> set[str | None]:
        return {hop.dev for hop in self.hops}

    @property
    def connected(self) -> bool:
        """Whether it leads to a network that is on the link itself, where later routes' gateways are."""
        return all(hop.gateway is None for hop in self.hops)

    @property
    def promised(self) -> str:
        """What of it a guard promises: of one that the kernel makes for an address not the metric, which is the business of whose address it is."""
        return str(replace(self, metric=0) if self.protocol == PROTO_KERNEL else self)

    def __str__(self) -> str:
        ways = " ".join(
            f"{'via ' + hop.gateway + ' ' if hop.gateway else ''}dev {hop.dev}" for hop in self.hops
        )
        return (
            f"{self.dst} {ways}"
            + (f" metric {self.metric}" if self.metric else "")
            + (f" table {self.table}" if self.table != TABLE_MAIN else "")
        )


@dataclass(frozen=True)
class Rule:
    """A policy rule that names a device."""

    family: int
    iif: str | None
    oif: str | None
    raw: bytes = field(repr=False)


def lasting(routes: Iterable[Route]) -> list[Route]:
    """Those but for what a router tells beside a way of the host's own: it comes and goes, and by netlink the kernel would make both one route."""
    found = list(routes)
    own = {one.key for one in found if one.protocol not in LEARNED}
    return [one for one in found if one.protocol not in LEARNED or one.key not in own]


def decode_routes(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[Route, ...]:
    """RTM_NEWROUTE bodies as routes, without what the kernel makes by itself from addresses (table local, cached clones, multicast).

    C(names) are the names of devices by their numbers; a hop by another device has None.
    """
    routes = []
    for body in messages:
        family, dst_length, _src, tos, table, protocol, scope, kind, flags = _ROUTE.unpack_from(
            body
        )
        found = walk(body, _ROUTE.size)
        table = number(found.get(_RTA_TABLE)) or table
        if (
            family not in (AF_INET, AF_INET6)
            or flags & _RTM_F_CLONED
            or (table == _TABLE_LOCAL and protocol == PROTO_KERNEL)
        ):
            continue
        hops = _hops(family, flags, found, names)
        dst = (
            f"{_names.inet_ntop(family, found[_RTA_DST])}/{dst_length}"
            if _RTA_DST in found
            else "default"
        )
        src = _names.inet_ntop(family, found[_RTA_PREFSRC]) if _RTA_PREFSRC in found else None
        metric = number(found.get(_RTA_PRIORITY))
        by_ioctl = (protocol, dst, table) == (PROTO_BOOT, "default", TABLE_MAIN)
        if by_ioctl and _by_a_router(hops, found):
            protocol, body = PROTO_RA, by_protocol(body, PROTO_RA)
        routes.append(
            Route(
                family,
                dst,
                table,
                metric,
                tos,
                kind,
                scope,
                protocol,
                hops,
                src,
                number(found.get(_RTA_NH_ID)),
                body,
            )
        )
    return tuple(routes)


def _by_a_router(hops: Sequence[Hop], found: Mapping[int, bytes]) -> bool:
    """Whether a default route is what a router said of itself, although its protocol is boot: so the kernel calls what is added by ioctl (heard.py)."""
    gateways = [hop.gateway or "" for hop in hops]
    return _expires(found.get(_RTA_CACHEINFO, b"")) > 0 and all(
        one.startswith("fe80:") for one in gateways
    )


def lifetime(route: Route) -> int:
    """How long a route stands yet, in hundredths of a second; 0 for one that stands for good."""
    return _expires(walk(route.raw, _ROUTE.size).get(_RTA_CACHEINFO, b""))


def _expires(info: bytes) -> int:
    """The lifetime that is left of a route, in hundredths of a second, 0 for one without; C(info) is its struct rta_cacheinfo."""
    return int(struct.unpack_from("=IIi", info)[2]) if info else 0


def plain(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The same, with what a manager made of a router's advertisement by a nexthop object as the plain route that it stands for: that one can move.

    networkd makes them so, in order that one stands beside a static route to the same place with the same metric, where the kernel would make one route of
    both. A plain one would be that too, so it is left out: it is its manager's, who makes and removes it.
    """
    routes = tuple(routes)
    others = {one.key for one in routes if not one.nexthop_id}
    return tuple(
        _without_object(one) if _advertised_by_object(one) else one
        for one in routes
        if not (_advertised_by_object(one) and one.key in others)
    )


def _advertised_by_object(route: Route) -> bool:
    return bool(route.nexthop_id) and route.protocol == PROTO_RA and bool(route.hops)


def _without_object(route: Route) -> Route:
    parts = [
        attribute(kind, payload)
        for kind, payload in walk(route.raw, _ROUTE.size).items()
        if kind != _RTA_NH_ID
    ]
    return replace(route, nexthop_id=0, raw=route.raw[: _ROUTE.size] + b"".join(parts))


def ways(routes: Iterable[Route]) -> dict[str, frozenset[int]]:
    """The devices that routes lead out of which somebody made, a router's advertisement included, with the families of those."""
    found: dict[str, frozenset[int]] = {}
    for route in routes:
        if route.protocol != PROTO_KERNEL:
            for dev in route.devs:
                if dev is not None and dev != "lo":
                    found[dev] = found.get(dev, frozenset()) | {route.family}
    return found


def local_addresses(messages: Iterable[bytes]) -> set[tuple[int, str]]:
    """Device numbers and addresses of the local IPv6 routes in RTM_NEWROUTE bodies: what the host takes as its own there."""
    local = set()
    for body in messages:
        family, dst_length, _src, _tos, table, _protocol, _scope, kind, _flags = _ROUTE.unpack_from(
            body
        )
        if (family, dst_length, table, kind) == (AF_INET6, 128, _TABLE_LOCAL, _RTN_LOCAL):
            found = walk(body, _ROUTE.size)
            local.add((number(found.get(_RTA_OIF)), _names.inet_ntop(family, found[_RTA_DST])))
    return local


def _hops(
    family: int, flags: int, found: Mapping[int, bytes], names: Mapping[int, str]
) -> tuple[Hop, ...]:
    if _RTA_MULTIPATH not in found:
        return (
            Hop(
                names.get(number(found.get(_RTA_OIF))),
                _gateway(family, found),
                1,
                bool(flags & _RTNH_F_ONLINK),
            ),
        )
    hops = []
    for flags, weight, index, attributes in _nexthops(found[_RTA_MULTIPATH]):
        hops.append(
            Hop(
                names.get(index),
                _gateway(family, walk(attributes)),
                weight + 1,
                bool(flags & _RTNH_F_ONLINK),
            )
        )
    return tuple(hops)


def _nexthops(data: bytes) -> Iterable[tuple[int, int, int, bytes]]:
    offset = 0
    while offset + _NEXTHOP.size <= len(data):
        length, flags, weight, index = _NEXTHOP.unpack_from(data, offset)
        yield flags, weight, index, data[offset + _NEXTHOP.size : offset + length]
        offset += (length + 3) & ~3


def _gateway(family: int, found: Mapping[int, bytes]) -> str | None:
    if _RTA_GATEWAY in found:
        return _names.inet_ntop(family, found[_RTA_GATEWAY])
    if _RTA_VIA in found:  # an IPv6 gateway of an IPv4 route
        return _names.inet_ntop(struct.unpack_from("=H", found[_RTA_VIA])[0], found[_RTA_VIA][2:])
    return None


def reroute(body: bytes, indexes: Sequence[int]) -> bytes:
    """The same route over other devices, as the body of RTM_NEWROUTE. What a dump adds for its readers is left out.

    C(indexes) are the numbers of devices, one for each hop in their order. A lifetime stays, in seconds.
    """
    header = list(_ROUTE.unpack_from(body))
    header[-1] &= _RTNH_F_ONLINK
    parts = [_ROUTE.pack(*header)]
    for kind, payload in walk(body, _ROUTE.size).items():
        if kind == _RTA_CACHEINFO:
            expires = _expires(payload)
            if header[0] == AF_INET6 and expires > 0:
                parts.append(attribute(_RTA_EXPIRES, struct.pack("=I", max(1, expires // 100))))
            continue
        if kind == _RTA_OIF:
            payload = struct.pack("=I", indexes[0])
        elif kind == _RTA_MULTIPATH:
            hops = []
            for index, (flags, weight, _old, attributes) in zip(indexes, _nexthops(payload)):
                hops.append(
                    _NEXTHOP.pack(
                        _NEXTHOP.size + len(attributes), flags & _RTNH_F_ONLINK, weight, index
                    )
                    + attributes
                )
            payload = b"".join(hops)
        parts.append(attribute(kind, payload))
    return b"".join(parts)


def by_any_protocol(body: bytes) -> bytes:
    """The same route, whoever made it, for its removal."""
    return by_protocol(body, 0)


def by_protocol(body: bytes, protocol: int) -> bytes:
    """The same route, said to be made by another protocol: one that replaces it is news to who listens, an equal one is none."""
    header = list(_ROUTE.unpack_from(body))
    header[5] = protocol
    return _ROUTE.pack(*header) + body[_ROUTE.size :]


def decode_rules(messages: Iterable[bytes]) -> tuple[Rule, ...]:
    """The policy rules of RTM_NEWRULE bodies that name a device; the others do not care which device an address is on, and are left out."""
    rules = []
    for body in messages:
        found = walk(body, _RULE.size)
        if _FRA_IIFNAME in found or _FRA_OIFNAME in found:
            names = [
                text(found[kind]) if kind in found else None
                for kind in (_FRA_IIFNAME, _FRA_OIFNAME)
            ]
            header = list(_RULE.unpack_from(body))
            header[-1] &= ~_FIB_RULE_DETACHED
            rules.append(
                Rule(body[0], names[0], names[1], _RULE.pack(*header) + body[_RULE.size :])
            )
    return tuple(rules)


def rename_rule(rule: Rule, new: Mapping[str, str]) -> Rule:
    """The same rule for other devices."""
    parts = [rule.raw[: _RULE.size]]
    for kind, payload in walk(rule.raw, _RULE.size).items():
        if kind in (_FRA_IIFNAME, _FRA_OIFNAME):
            payload = new.get(text(payload), text(payload)).encode() + b"\0"
        parts.append(attribute(kind, payload))
    return Rule(
        rule.family,
        new.get(rule.iif or "", rule.iif),
        new.get(rule.oif or "", rule.oif),
        b"".join(parts),
    )
