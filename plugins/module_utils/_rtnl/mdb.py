# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The multicast groups of the bridges, as rtnetlink tells them: who listens to which group, and behind which ports multicast routers are.

By hand, because pyroute2 0.7.2 leaves them undecoded. Layouts: Linux' include/uapi/linux/if_bridge.h (MDBA_*, struct br_mdb_entry).
"""

from __future__ import annotations

import socket as _names  # only inet_ntop: no socket is opened here
import struct
from dataclasses import dataclass
from typing import Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.units import TICKS
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import each, walk

RTM_GETMDB = 86
DUMP = struct.pack("=Bxxxi", AF_BRIDGE, 0)  # struct br_port_msg: of all bridges

_MDB, _ROUTER = 1, 2
_TIMER, _GROUP_MODE, _SOURCE = 1, 3, 4
_ENTRY = struct.Struct("=IBBH16s2sxx")  # port, state, flags, VID, address, EtherType
_PERMANENT = 1
_MODES = {0: "exclude", 1: "include"}  # MCAST_EXCLUDE, MCAST_INCLUDE


@dataclass(frozen=True)
class Group:
    """A port, or the bridge itself, that listens to a group: an IPv4 or IPv6 address, or a MAC.

    C(source) is the one sender it is about (None: any), C(filter_mode) include or exclude (None: the kernel says nothing). C(seconds_left) are
    0.0 for a permanent one.
    """

    bridge: str
    port: str
    group: str
    vlan: int | None
    permanent: bool
    source: str | None
    filter_mode: str | None
    seconds_left: float


@dataclass(frozen=True)
class Table:
    """The groups of all bridges, and the ports of each that lead to multicast routers."""

    groups: tuple[Group, ...]
    routers: Mapping[str, list[str]]


def decode(messages: Iterable[bytes], names: Mapping[int, str]) -> Table:
    """The bodies of a dump."""
    groups: list[Group] = []
    routers: dict[str, list[str]] = {}
    for body in messages:
        bridge = names.get(struct.unpack_from("=i", body, 4)[0])
        if bridge is None:  # gone meanwhile
            continue
        for kind, table in each(body[len(DUMP) :]):
            if kind == _MDB:
                groups += [
                    _group(bridge, info, names)
                    for _kind, entry in each(table)
                    for _info, info in each(entry)
                ]
            elif kind == _ROUTER:
                found = [
                    names.get(struct.unpack_from("=I", port)[0]) for _kind, port in each(table)
                ]
                routers[bridge] = list(dict.fromkeys(name for name in found if name is not None))
    return Table(tuple(groups), routers)


def _group(bridge: str, info: bytes, names: Mapping[int, str]) -> Group:
    port, state, _flags, vid, address, protocol = _ENTRY.unpack_from(info)
    more = walk(info, _ENTRY.size)
    permanent = state == _PERMANENT
    timer = (
        struct.unpack("=I", more[_TIMER])[0] / TICKS if _TIMER in more and not permanent else 0.0
    )
    mode = _MODES.get(more[_GROUP_MODE][0]) if _GROUP_MODE in more else None
    return Group(
        bridge,
        names.get(port, ""),
        _address(address, protocol),
        vid or None,
        permanent,
        _source(more.get(_SOURCE)),
        mode,
        timer,
    )


def _address(address: bytes, protocol: bytes) -> str:
    if protocol == b"\x08\x00":
        return _names.inet_ntop(AF_INET, address[:4])
    if protocol == b"\x86\xdd":
        return _names.inet_ntop(AF_INET6, address)
    return address[:6].hex(":")


def _source(address: bytes | None) -> str | None:
    if address is None:
        return None
    return _names.inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)
