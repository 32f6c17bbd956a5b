# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Policy rules whole, as words: what a manager's file has to say of one. Layout: Linux' include/uapi/linux/fib_rules.h."""

from __future__ import annotations

import socket as _names  # only inet_ntop: no socket is opened here
import struct
from dataclasses import dataclass, field, replace
from typing import Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    AF_INET,
    AF_INET6,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    number,
    text,
    walk,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import PROTO_KERNEL

# family, dst length, src length, tos, table, 2 reserved, action, flags
_HEADER = struct.Struct("=BBBBBBBBI")
_DST, _SRC, _IIF, _PRIORITY, _MARK, _MASK, _OIF = 1, 2, 3, 6, 10, 16, 17
_GROUP, _PREFIX, _TABLE, _UIDS, _PROTOCOL, _IP_PROTO, _SPORT, _DPORT = (
    13,
    14,
    15,
    20,
    21,
    22,
    23,
    24,
)
# L3MDEV, tunnels, realms and goto: no manager of networks has a word for them
_UNSAID = {4: "goto", 11: "realms", 12: "tun_id", 19: "l3mdev"}
_INVERT = 0x2
_NONE = 0xFFFFFFFF  # of both suppressors
_ALL = 0xFFFFFFFF
ACTIONS = {1: "table", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_PAIR = struct.Struct("=HH")


@dataclass(frozen=True)
class Policy:
    """A policy rule. None, 0 and empty where it does not ask; C(unsaid) are parts that only `ip rule` has words for."""

    family: int
    priority: int
    action: str
    table: int
    src: str = ""
    dst: str = ""
    iif: str = ""
    oif: str = ""
    mark: int | None = None
    mask: int | None = None
    tos: int = 0
    suppress_prefix: int | None = None
    suppress_group: int | None = None
    ip_proto: int = 0
    sport: str = ""
    dport: str = ""
    uids: str = ""
    invert: bool = False
    protocol: int = 0
    unsaid: tuple[str, ...] = ()
    raw: bytes = field(default=b"", compare=False, repr=False)

    def __str__(self) -> str:
        ends = [f"{word} {one}" for word, one in (("from", self.src), ("to", self.dst)) if one]
        devs = [f"{word} {one}" for word, one in (("iif", self.iif), ("oif", self.oif)) if one]
        return f"{self.priority}: {' '.join([*ends, *devs]) or 'from all'}"


def policies(messages: Iterable[bytes]) -> tuple[Policy, ...]:
    """The policy rules in RTM_NEWRULE bodies of IPv4 and IPv6, without the kernel's own and those of other families."""
    found = [decode(body) for body in messages if body[0] in (AF_INET, AF_INET6)]
    return tuple(one for one in found if one.protocol != PROTO_KERNEL)


def anybodys(rule: Policy) -> Policy:
    """The same, whoever made it."""
    return replace(rule, protocol=0)


def decode(body: bytes) -> Policy:
    """An RTM_NEWRULE body."""
    family, dst_length, src_length, tos, table, _r1, _r2, action, flags = _HEADER.unpack_from(body)
    found = walk(body, _HEADER.size)
    return Policy(
        family,
        number(found.get(_PRIORITY)),
        ACTIONS.get(action, str(action)),
        number(found.get(_TABLE)) or table,
        _prefix(family, found.get(_SRC), src_length),
        _prefix(family, found.get(_DST), dst_length),
        text(found[_IIF]) if _IIF in found else "",
        text(found[_OIF]) if _OIF in found else "",
        number(found[_MARK]) if _MARK in found else None,
        _mask(found),
        tos,
        _suppressed(found, _PREFIX),
        _suppressed(found, _GROUP),
        _small(found.get(_IP_PROTO)),
        _range(found.get(_SPORT), _PAIR),
        _range(found.get(_DPORT), _PAIR),
        _range(found.get(_UIDS), struct.Struct("=II")),
        bool(flags & _INVERT),
        _small(found.get(_PROTOCOL)),
        tuple(word for kind, word in _UNSAID.items() if kind in found and any(found[kind])),
        body,
    )


def _prefix(family: int, payload: bytes | None, length: int) -> str:
    return f"{_names.inet_ntop(family, payload)}/{length}" if payload else ""


def _mask(found: Mapping[int, bytes]) -> int | None:
    """The mark's mask, None where all of it counts."""
    mask = number(found[_MASK]) if _MASK in found else _ALL
    return None if mask == _ALL else mask


def _small(payload: bytes | None) -> int:
    """A number of one byte."""
    return payload[0] if payload else 0


def _suppressed(found: Mapping[int, bytes], kind: int) -> int | None:
    value = number(found[kind]) if kind in found else _NONE
    return None if value == _NONE else value


def _range(payload: bytes | None, pair: struct.Struct) -> str:
    """ "80", or "1000-2000"; empty for none."""
    if not payload:
        return ""
    low, high = pair.unpack_from(payload)
    return str(low) if low == high else f"{low}-{high}"
