# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Neighbours and forwarding entries, which are one kind of message: decoded, and encoded again for another device.

Layouts: Linux' include/uapi/linux/neighbour.h.
"""

from __future__ import annotations

import socket as _names  # only AF_ numbers and inet_ntop: no socket is opened here
import struct
from dataclasses import dataclass, field
from typing import Iterable, Mapping, NamedTuple

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    AF_INET,
    AF_INET6,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    number,
    walk,
)

RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
_NDA_DST, NDA_LLADDR, _NDA_CACHEINFO, NDA_VLAN, _NDA_MASTER, _NDA_PROTOCOL = 1, 2, 3, 5, 9, 12
_NUD_INCOMPLETE, NUD_REACHABLE, NUD_STALE, NUD_PROBE, _NUD_FAILED, NUD_NOARP, NUD_PERMANENT = (
    0x01,
    0x02,
    0x04,
    0x10,
    0x20,
    0x40,
    0x80,
)
NDA_FDB_EXT_ATTRS, _NDA_FLAGS_EXT = 14, 15
NFEA_ACTIVITY_NOTIFY, NFEA_DONT_REFRESH = 1, 2
FDB_NOTIFY_BIT, FDB_NOTIFY_INACTIVE_BIT = 1, 2
_NTF_EXT_LOCKED = 0x02
NTF_SELF, NTF_MASTER, NTF_PROXY, NTF_EXT_LEARNED, NTF_STICKY = 0x02, 0x04, 0x08, 0x10, 0x40
NEIGHBOUR = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type
# what asks a dump for the addresses that are answered for, and for nothing else
PROXIES = NEIGHBOUR.pack(0, 0, 0, NTF_PROXY, 0)


@dataclass(frozen=True)
class Neighbour:
    """An ARP or ND entry: C(state) is NUD_*. A C(proxy) is an address that the host answers for; it has no MAC, and stays until it is removed."""

    dev: str
    address: str
    family: int
    mac: str | None
    state: int
    raw: bytes = field(default=b"", compare=False, repr=False)
    proxy: bool = False

    @property
    def key(self) -> tuple[str, str, bool]:
        """What the kernel tells it from others by."""
        return (self.dev, self.address, self.proxy)

    @property
    def lasting(self) -> bool:
        """Whether somebody has set it, as opposed to what the kernel has heard."""
        return self.proxy or bool(self.state & NUD_PERMANENT)


class Forwarding(NamedTuple):
    """An entry of a bridge's forwarding database; C(age) in seconds since the last frame from C(mac).

    C(locked) is one that a locked port with mab noted: nobody may come in with it. C(activity_notify): the kernel tells when its device falls
    silent, and it is C(inactive) since then.
    """

    bridge: str
    port: str
    mac: str
    vlan: int | None
    local: bool
    static: bool
    age: float
    flags: int = 0
    locked: bool = False
    activity_notify: bool = False
    inactive: bool = False

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


def decode_neighbours(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[Neighbour, ...]:
    """RTM_NEWNEIGH bodies of IPv4 and IPv6 that have a MAC and may be told to another device, and those that are answered for."""
    found_all = []
    for body in messages:
        family, index, state, flags, _type = NEIGHBOUR.unpack_from(body)
        found = walk(body, NEIGHBOUR.size)
        if family in (AF_INET, AF_INET6) and flags & NTF_PROXY and _NDA_DST in found:
            address = _names.inet_ntop(family, found[_NDA_DST])
            found_all.append(
                Neighbour(names.get(index, ""), address, family, None, 0, body, proxy=True)
            )
            continue
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
    """What takes those neighbours out again that the kernel asks for and has not heard of: C({(device, address): RTM_DELNEIGH body}).

    C(messages) are RTM_NEWNEIGH bodies, C(names) the names of devices by their numbers, "" for one without.
    """
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
    if neighbour.proxy:
        return NEIGHBOUR.pack(family, index, 0, flags, kind) + b"".join(
            attribute(one, found[one]) for one in (_NDA_DST, _NDA_PROTOCOL) if one in found
        )
    state = NUD_PERMANENT if state & NUD_PERMANENT else known
    return NEIGHBOUR.pack(family, index, state, flags & 0x80, kind) + b"".join(
        attribute(one, found[one]) for one in (_NDA_DST, NDA_LLADDR) if one in found
    )


def decode_fdb(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[Forwarding, ...]:
    """RTM_NEWNEIGH bodies of family AF_BRIDGE: the entries that belong to a bridge, not to a NIC's own filter.

    C(names) are the names of devices by their numbers. Ages come in seconds, of which the kernel tells hundredths; a static entry has none, 0.0.
    """
    entries = []
    for body in messages:
        _family, index, state, flags, _type = NEIGHBOUR.unpack_from(body)
        found = walk(body, NEIGHBOUR.size)
        bridge = names.get(number(found.get(_NDA_MASTER)))
        if bridge is None or NDA_LLADDR not in found or names.get(index) is None:
            continue
        age = (
            struct.unpack_from("=III", found[_NDA_CACHEINFO])[2] / 100
            if _NDA_CACHEINFO in found
            else 0.0
        )
        vlan = struct.unpack("=H", found[NDA_VLAN])[0] if NDA_VLAN in found else None
        notify = walk(found.get(NDA_FDB_EXT_ATTRS, b""), 0).get(NFEA_ACTIVITY_NOTIFY, b"\0")[0]
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
                bool(number(found.get(_NDA_FLAGS_EXT)) & _NTF_EXT_LOCKED),
                bool(notify & FDB_NOTIFY_BIT),
                bool(notify & FDB_NOTIFY_INACTIVE_BIT),
            )
        )
    return tuple(entries)


def peers(
    neighbours: Iterable[Neighbour], entries: Iterable[Forwarding]
) -> dict[str, tuple[str, ...]]:
    """The MACs that the host itself talks to, each with the bridge ports behind which it was seen: C({MAC: (port, ...)}), C(()) where behind none."""
    found: dict[str, tuple[str, ...]] = {one.mac: () for one in neighbours if one.mac is not None}
    for entry in entries:
        if entry.mac in found and not entry.local:
            found[entry.mac] += (entry.port,)
    return found
