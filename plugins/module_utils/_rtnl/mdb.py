# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The multicast groups of the bridges, as rtnetlink tells and takes them: who listens to which group, and behind which ports multicast routers are.

By hand, because pyroute2 0.7.2 leaves them undecoded, and none encodes sources.
Layouts: Linux' include/uapi/linux/if_bridge.h (MDBA_*, struct br_mdb_entry).
"""

from __future__ import annotations

import socket as _names  # only inet_ntop and inet_pton: no socket is opened here
import struct
from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.units import TICKS
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    each,
    walk,
)

RTM_NEWMDB, RTM_DELMDB, RTM_GETMDB = 84, 85, 86
DUMP = struct.pack("=Bxxxi", AF_BRIDGE, 0)  # struct br_port_msg: of all bridges

_MDB, _ROUTER = 1, 2
_TIMER, _SRC_LIST, _GROUP_MODE, _SOURCE, _RTPROT = 1, 2, 3, 4, 5
_ADDRESS = 1  # of a source in a list
_SET_ENTRY, _SET_ATTRS = 1, 2
_SET_SOURCE, _SET_SRC_LIST, _SET_GROUP_MODE, _LISTED = 1, 2, 3, 1
_NESTED = 0x8000
_BY_KERNEL = 2  # RTPROT_KERNEL
_PROTOCOLS = {AF_INET: b"\x08\x00", AF_INET6: b"\x86\xdd"}
_ENTRY = struct.Struct("=IBBH16s2sxx")  # port, state, flags, VID, address, EtherType
_PERMANENT = 1
_MODES = {0: "exclude", 1: "include"}  # MCAST_EXCLUDE, MCAST_INCLUDE


@dataclass(frozen=True)
class Group:
    """A port, or the bridge itself, that listens to a group: an IPv4 or IPv6 address, or a MAC.

    C(source) is the one sender it is about (None: any), C(filter_mode) include or exclude (None: the kernel says nothing), C(source_list) whom that is
    about. C(seconds_left) are 0.0 for a permanent one. C(learned): the kernel heard of it by itself.
    """

    bridge: str
    port: str
    group: str
    vlan: int | None
    permanent: bool
    source: str | None
    filter_mode: str | None
    seconds_left: float
    source_list: tuple[str, ...] = ()
    learned: bool = False


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
        tuple(_sources(more.get(_SRC_LIST, b""))),
        more.get(_RTPROT, b"\0")[0] == _BY_KERNEL,
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


def _sources(listed: bytes) -> Iterator[str]:
    for _kind, one in each(listed):
        source = _source(walk(one, 0).get(_ADDRESS))
        if source is not None:
            yield source


def entry(
    bridge: int,
    port: int,
    group: str,
    vlan: int | None,
    source: str | None,
    permanent: bool = False,
    filter_mode: str | None = None,
    source_list: Iterable[str] = (),
) -> bytes:
    """The body of RTM_NEWMDB or RTM_DELMDB; C(bridge) and C(port) are indexes. With a C(filter_mode) it is for Linux 6.2 and later."""
    family, address = _binary(group)
    body = _ENTRY.pack(
        port,
        _PERMANENT if permanent else 0,
        0,
        vlan or 0,
        address.ljust(16, b"\0"),
        _PROTOCOLS.get(family, b"\0\0"),
    )
    more = b"" if source is None else attribute(_SET_SOURCE, _binary(source)[1])
    if filter_mode is not None:
        listed = b"".join(
            attribute(_LISTED | _NESTED, attribute(_ADDRESS, _binary(one)[1]))
            for one in source_list
        )
        more += attribute(_SET_SRC_LIST | _NESTED, listed) if listed else b""
        more += attribute(_SET_GROUP_MODE, bytes([filter_mode == _MODES[1]]))
    return (
        struct.pack("=Bxxxi", AF_BRIDGE, bridge)
        + attribute(_SET_ENTRY, body)
        + (attribute(_SET_ATTRS | _NESTED, more) if more else b"")
    )


def _binary(address: str) -> tuple[int, bytes]:
    """An address as its family and bytes; a MAC's family is 0."""
    if "." in address:
        return AF_INET, _names.inet_pton(AF_INET, address)
    if address.count(":") == 5 and "::" not in address:
        return 0, bytes.fromhex(address.replace(":", ""))
    return AF_INET6, _names.inet_pton(AF_INET6, address)
