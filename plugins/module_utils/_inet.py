# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Routes, rules and neighbours: decoded for planners, and re-encoded for another device without losing an attribute.

A planner compares the fields; the adapter sends the kernel's own bytes again, with only the device changed. So whatever a route carries
(metrics, preferences, encapsulations of kernels to come) moves with it. Layouts: Linux' include/uapi/linux/{rtnetlink,if_addr,neighbour,fib_rules}.h.
"""

from __future__ import annotations

import socket as _names  # only AF_ numbers and inet_ntop: no socket is opened here
import struct
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, NamedTuple, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import Address
from ansible_collections.hypervisor.network.plugins.module_utils._wire import attribute, text, walk

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_GETQDISC = 38
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34

AF_INET, AF_INET6, AF_BRIDGE = int(_names.AF_INET), int(_names.AF_INET6), 7

IFA_F_NODAD, IFA_F_NOPREFIXROUTE, IFA_F_SECONDARY = 0x02, 0x200, 0x01
# what a sender may say; the rest (secondary, tentative, permanent ...) is the kernel's own finding
_IFA_F_SETTABLE = IFA_F_NODAD | 0x04 | 0x10 | 0x100 | IFA_F_NOPREFIXROUTE | 0x400
_IFA_LABEL, _IFA_FLAGS, _IFA_RT_PRIORITY, _IFA_PROTO = 3, 8, 9, 11
_IFAPROT_KERNEL_LL = 3

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
_RTNH_F_ONLINK = 4
_RTM_F_CLONED = 0x200
TABLE_MAIN, _TABLE_LOCAL = 254, 255
_PROTO_KERNEL = 2
_RTN_UNICAST, _RTN_LOCAL = 1, 2

_NDA_DST, NDA_LLADDR, _NDA_CACHEINFO, NDA_VLAN, _NDA_MASTER = 1, 2, 3, 5, 9
_NUD_INCOMPLETE, NUD_REACHABLE, NUD_STALE, NUD_PROBE, _NUD_FAILED, NUD_NOARP, NUD_PERMANENT = (
    0x01,
    0x02,
    0x04,
    0x10,
    0x20,
    0x40,
    0x80,
)
NTF_SELF, NTF_MASTER, NTF_EXT_LEARNED, NTF_STICKY = 0x02, 0x04, 0x10, 0x40

_FRA_IIFNAME, _FRA_OIFNAME = 3, 17
# that a device is missing just now is the kernel's finding, and no part of the rule
_FIB_RULE_DETACHED = 0x08 | 0x10

# family, dst length, src length, tos, table, protocol, scope, type, flags
_ROUTE = struct.Struct("=BBBBBBBBI")
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
NEIGHBOUR = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type
# family, dst length, src length, tos, table, 2 reserved, action, flags
_RULE = struct.Struct("=BBBBBBBBI")
_QDISC = struct.Struct("=BxxxiIII")  # family, index, handle, parent, info
_TCA_KIND = 1
QDISC_HEADER = b"\0" * _QDISC.size
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
    """A route. C(dst) is "default" or a prefix; two routes with the same C(key) are alternatives of which the first counts."""

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


@dataclass(frozen=True)
class Neighbour:
    """An ARP or ND entry: C(state) is NUD_*."""

    dev: str
    address: str
    family: int
    mac: str | None
    state: int
    raw: bytes = field(default=b"", compare=False, repr=False)


class Forwarding(NamedTuple):
    """An entry of a bridge's forwarding database; C(age) in seconds since the last frame from C(mac)."""

    bridge: str
    port: str
    mac: str
    vlan: int | None
    local: bool
    static: bool
    age: float
    flags: int = 0

    @property
    def type(self) -> str:
        """In iproute2's words: "permanent" is the host's own, "static" stays, "dynamic" was learned, or told as if it were."""
        return "permanent" if self.local else "static" if self.static else "dynamic"

    @property
    def sticky(self) -> bool:
        return bool(self.flags & NTF_STICKY)

    @property
    def extern_learn(self) -> bool:
        return bool(self.flags & NTF_EXT_LEARNED)


def decode_routes(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[Route, ...]:
    """RTM_NEWROUTE bodies, without what the kernel makes by itself from addresses (table local, cached clones, multicast)."""
    routes = []
    for body in messages:
        family, dst_length, _src, tos, table, protocol, scope, kind, flags = _ROUTE.unpack_from(
            body
        )
        found = walk(body, _ROUTE.size)
        table = _number(found.get(_RTA_TABLE)) or table
        if (
            family not in (AF_INET, AF_INET6)
            or flags & _RTM_F_CLONED
            or (table == _TABLE_LOCAL and protocol == _PROTO_KERNEL)
        ):
            continue
        hops = _hops(family, flags, found, names)
        dst = (
            f"{_names.inet_ntop(family, found[_RTA_DST])}/{dst_length}"
            if _RTA_DST in found
            else "default"
        )
        src = _names.inet_ntop(family, found[_RTA_PREFSRC]) if _RTA_PREFSRC in found else None
        metric = _number(found.get(_RTA_PRIORITY))
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
                _number(found.get(_RTA_NH_ID)),
                body,
            )
        )
    return tuple(routes)


def local_addresses(messages: Iterable[bytes]) -> set[tuple[int, str]]:
    """Device numbers and addresses of the local IPv6 routes in RTM_NEWROUTE bodies: what the host takes as its own there."""
    local = set()
    for body in messages:
        family, dst_length, _src, _tos, table, _protocol, _scope, kind, _flags = _ROUTE.unpack_from(
            body
        )
        if (family, dst_length, table, kind) == (AF_INET6, 128, _TABLE_LOCAL, _RTN_LOCAL):
            found = walk(body, _ROUTE.size)
            local.add((_number(found.get(_RTA_OIF)), _names.inet_ntop(family, found[_RTA_DST])))
    return local


def _hops(
    family: int, flags: int, found: Mapping[int, bytes], names: Mapping[int, str]
) -> tuple[Hop, ...]:
    if _RTA_MULTIPATH not in found:
        return (
            Hop(
                names.get(_number(found.get(_RTA_OIF))),
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
    """The same route over other devices, one number for each hop. What a dump adds for its readers is left out."""
    header = list(_ROUTE.unpack_from(body))
    header[-1] &= _RTNH_F_ONLINK
    parts = [_ROUTE.pack(*header)]
    for kind, payload in walk(body, _ROUTE.size).items():
        if kind == _RTA_CACHEINFO:
            expires = struct.unpack_from("=IIi", payload)[2]
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


def readdress(address: Address, index: int, dev: str, flags: int) -> bytes:
    """The same address on another device: label renamed, lifetimes and everything else as they were."""
    family, length, _flags, scope, _index = _ADDRESS.unpack_from(address.raw)
    flags &= _IFA_F_SETTABLE
    parts = [
        _ADDRESS.pack(family, length, flags & 0xFF, scope, index),
        attribute(_IFA_FLAGS, struct.pack("=I", flags)),
    ]
    for kind, payload in walk(address.raw, _ADDRESS.size).items():
        if kind == _IFA_LABEL:
            payload = (dev + "".join(text(payload).partition(":")[1:])).encode()[:15] + b"\0"
        if kind != _IFA_FLAGS:
            parts.append(attribute(kind, payload))
    return b"".join(parts)


def metric_of(address: Address) -> int:
    """The metric of the connected route that the kernel makes of an address."""
    given = _number(walk(address.raw, _ADDRESS.size).get(_IFA_RT_PRIORITY)) if address.raw else 0
    return given or (256 if address.family == AF_INET6 else 0)


def by_kernel(address: Address, mac: str | None) -> bool:
    """Whether an IPv6 link-local address is the one that the kernel gave a device of that MAC; before Linux 5.18 only its form (RFC 4291) tells."""
    found = walk(address.raw, _ADDRESS.size) if address.raw else {}
    if _IFA_PROTO in found:
        return found[_IFA_PROTO][:1] == bytes([_IFAPROT_KERNEL_LL])
    if mac is None:
        return False
    parts = bytes.fromhex(mac.replace(":", ""))
    eui64 = bytes([parts[0] ^ 2]) + parts[1:3] + b"\xff\xfe" + parts[3:]
    return (
        _names.inet_pton(AF_INET6, address.text.partition("/")[0])
        == b"\xfe\x80" + b"\0" * 6 + eui64
    )


def decode_rules(messages: Iterable[bytes]) -> tuple[Rule, ...]:
    """RTM_NEWRULE bodies that name a device; the others do not care which device an address is on."""
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


def decode_neighbours(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[Neighbour, ...]:
    """RTM_NEWNEIGH bodies of IPv4 and IPv6 that have a MAC and may be told to another device."""
    found_all = []
    for body in messages:
        family, index, state, _flags, _type = NEIGHBOUR.unpack_from(body)
        found = walk(body, NEIGHBOUR.size)
        if (
            family not in (AF_INET, AF_INET6)
            or NDA_LLADDR not in found
            or not state & (NUD_REACHABLE | NUD_STALE | NUD_PERMANENT | 0x18)
        ):
            continue
        address = _names.inet_ntop(family, found[_NDA_DST])
        found_all.append(
            Neighbour(
                names.get(index, ""), address, family, found[NDA_LLADDR].hex(":"), state, body
            )
        )
    return tuple(found_all)


def asked_in_vain(
    messages: Iterable[bytes], names: Mapping[int, str]
) -> dict[tuple[str, str], bytes]:
    """Of the same bodies, what takes those out again that the kernel asks for and has not heard of, by device and address: RTM_DELNEIGH bodies."""
    found_all = {}
    for body in messages:
        family, index, state, _flags, kind = NEIGHBOUR.unpack_from(body)
        found = walk(body, NEIGHBOUR.size)
        if (
            family in (AF_INET, AF_INET6)
            and state & (_NUD_INCOMPLETE | _NUD_FAILED)
            and _NDA_DST in found
        ):
            gone = NEIGHBOUR.pack(family, index, 0, 0, kind) + attribute(_NDA_DST, found[_NDA_DST])
            found_all[names.get(index, ""), _names.inet_ntop(family, found[_NDA_DST])] = gone
    return found_all


def reneighbour(neighbour: Neighbour, index: int, known: int = NUD_STALE) -> bytes:
    """The same neighbour on another device: permanent stays permanent, what was known is told as C(known), to be asked for again."""
    family, _index, state, flags, kind = NEIGHBOUR.unpack_from(neighbour.raw)
    found = walk(neighbour.raw, NEIGHBOUR.size)
    state = NUD_PERMANENT if state & NUD_PERMANENT else known
    return NEIGHBOUR.pack(family, index, state, flags & 0x80, kind) + b"".join(
        attribute(one, found[one]) for one in (_NDA_DST, NDA_LLADDR) if one in found
    )


def decode_hooks(
    messages: Iterable[bytes], names: Mapping[int, str]
) -> tuple[tuple[str, str], ...]:
    """RTM_NEWQDISC bodies: (device, kind) where programs or filters see each frame before a bridge does."""
    found = []
    for body in messages:
        kind = text(walk(body, _QDISC.size).get(_TCA_KIND, b""))
        if kind in ("clsact", "ingress"):
            found.append((names.get(_QDISC.unpack_from(body)[1], ""), kind))
    return tuple(found)


def decode_fdb(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[Forwarding, ...]:
    """RTM_NEWNEIGH bodies of family AF_BRIDGE: the entries that belong to a bridge, not to a NIC's own filter."""
    entries = []
    for body in messages:
        _family, index, state, flags, _type = NEIGHBOUR.unpack_from(body)
        found = walk(body, NEIGHBOUR.size)
        bridge = names.get(_number(found.get(_NDA_MASTER)))
        if bridge is None or NDA_LLADDR not in found or names.get(index) is None:
            continue
        age = (
            struct.unpack_from("=III", found[_NDA_CACHEINFO])[2] / 100
            if _NDA_CACHEINFO in found
            else 0.0
        )
        vlan = struct.unpack("=H", found[NDA_VLAN])[0] if NDA_VLAN in found else None
        local = bool(state & NUD_PERMANENT)
        static = local or bool(state & NUD_NOARP)
        entries.append(
            Forwarding(
                bridge,
                names[index],
                found[NDA_LLADDR].hex(":"),
                vlan,
                local,
                static,
                0.0 if static else age,
                flags,
            )
        )
    return tuple(entries)


def _number(payload: bytes | None) -> int:
    return struct.unpack("=I", payload)[0] if payload else 0


def network_of(address: str, length: int, family: int) -> str:
    """The prefix of an address, as a connected route writes it: 10.0.0.5/24 is 10.0.0.0/24."""
    packed = _names.inet_pton(family, address)
    bits = len(packed) * 8
    masked = int.from_bytes(packed, "big") >> (bits - length) << (bits - length)
    return f"{_names.inet_ntop(family, masked.to_bytes(len(packed), 'big'))}/{length}"
