# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Addresses as rtnetlink's bytes: decoded for planners, and encoded again for another device with all that they carry.

Layouts: Linux' include/uapi/linux/if_addr.h.
"""

from __future__ import annotations

import socket as _names  # AF_ numbers and inet_ntop: no socket is opened
import struct
from dataclasses import replace
from typing import Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    number,
    text,
    walk,
)

RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS = 1, 2, 8
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
AF_INET, AF_INET6, AF_BRIDGE = int(_names.AF_INET), int(_names.AF_INET6), 7
IFA_F_NODAD, IFA_F_NOPREFIXROUTE, IFA_F_SECONDARY, IFA_F_MANAGETEMPADDR = 0x02, 0x200, 0x01, 0x100
IFA_F_PERMANENT = 0x80
_IFA_F_OPTIMISTIC, _IFA_F_TENTATIVE, _RT_SCOPE_LINK = 0x04, 0x40, 253
_IFA_F_TEMPORARY = IFA_F_SECONDARY  # the same bit, by family
# what a sender may say; the rest (secondary, tentative, permanent ...) is the kernel's own finding
_IFA_F_SETTABLE = IFA_F_NODAD | 0x04 | 0x10 | 0x100 | IFA_F_NOPREFIXROUTE | 0x400
_IFA_LABEL, _IFA_BROADCAST, _IFA_FLAGS, _IFA_RT_PRIORITY, _IFA_PROTO = 3, 4, 8, 9, 11
_IFAPROT_KERNEL_RA, _IFAPROT_KERNEL_LL = 2, 3
_STANDING_IN = 0x48  # a number of our own: the kernel's are small (linux/if_addr.h)


def decode_addresses(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[Address, ...]:
    """The IPv4 and IPv6 addresses in RTM_NEWADDR bodies. C(names) are the names of devices by their numbers; another is called by its number."""
    addresses = []
    for body in messages:
        family, length, flags, scope, index = _ADDRESS.unpack_from(body)
        if family not in (_names.AF_INET, _names.AF_INET6):
            continue
        found = walk(body, _ADDRESS.size)
        local = found.get(IFA_LOCAL, found.get(IFA_ADDRESS, b""))
        peer = found.get(IFA_ADDRESS, local)
        addresses.append(
            Address(
                dev=names.get(index, str(index)),
                text=f"{_names.inet_ntop(family, local)}/{length}",
                family=family,
                scope=scope,
                flags=number(found.get(IFA_FLAGS)) or flags,
                peer=None if peer == local else _names.inet_ntop(family, peer),
                raw=body,
            )
        )
    return tuple(addresses)


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


def new_address(dev: str, text: str) -> Address:
    """An address that nobody has yet, as ifupdown gives it: of IPv4 with the broadcast address of its network."""
    own, _slash, length = text.partition("/")
    family = AF_INET6 if ":" in own else AF_INET
    packed = _names.inet_pton(family, own)
    parts = [attribute(IFA_LOCAL, packed), attribute(IFA_ADDRESS, packed)]
    if family == AF_INET and int(length) < 31:
        hosts = (1 << (32 - int(length))) - 1
        parts.append(attribute(_IFA_BROADCAST, struct.pack("!I", int.from_bytes(packed, "big") | hosts)))  # fmt: skip
    raw = _ADDRESS.pack(family, int(length), 0, 0, 0) + b"".join(parts)
    return Address(dev, text, family, raw=raw)


def is_link_local_to_bind(address: Address) -> bool:
    """Whether a program can bind it: not as long as the kernel looks for it on the LAN, unless it is an optimistic one (inet6_bind)."""
    looks = address.flags & (_IFA_F_TENTATIVE | _IFA_F_OPTIMISTIC) == _IFA_F_TENTATIVE
    return address.family == AF_INET6 and address.scope == _RT_SCOPE_LINK and not looks


def metric_of(address: Address) -> int:
    """The metric of the connected route that the kernel makes of an address."""
    given = number(walk(address.raw, _ADDRESS.size).get(_IFA_RT_PRIORITY)) if address.raw else 0
    return given or (256 if address.family == AF_INET6 else 0)


def temporary(address: Address) -> bool:
    """Whether it is an IPv6 privacy address (RFC 8981): only the kernel makes one, of an address that has MANAGETEMPADDR."""
    return address.family == AF_INET6 and bool(address.flags & _IFA_F_TEMPORARY)


def standing_in(address: Address) -> Address:
    """The same for another device, where it keeps the sessions of a temporary address alive, as an ordinary one that is known again."""
    mark = attribute(_IFA_PROTO, bytes([_STANDING_IN]))
    parts = [attribute(kind, one) for kind, one in walk(address.raw, _ADDRESS.size).items() if kind != _IFA_PROTO]  # fmt: skip
    return replace(address, raw=address.raw[: _ADDRESS.size] + b"".join(parts) + mark)


def stands_in(address: Address) -> bool:
    """Whether it is one of C(standing_in); before Linux 5.18 nothing tells."""
    return _protocol(address) == _STANDING_IN


def advertised(address: Address) -> bool:
    """Whether the kernel made it of a router's advertisement; before Linux 5.18 nothing tells."""
    return _protocol(address) == _IFAPROT_KERNEL_RA


def _protocol(address: Address) -> int:
    return sum(walk(address.raw, _ADDRESS.size).get(_IFA_PROTO, b"")) if address.raw else 0


def by_kernel(address: Address, mac: str | None) -> bool:
    """Whether an IPv6 link-local address is the one that the kernel gave a device of that MAC; before Linux 5.18 only its form (RFC 4291) tells."""
    if _protocol(address):
        return _protocol(address) == _IFAPROT_KERNEL_LL
    # of a bridge to come nobody knows the MAC yet, and that of InfiniBand is no Ethernet one: they make no address that could be told by its form
    return mac is not None and mac.count(":") == 5 and address.text.partition("/")[0] == eui64(mac)


def eui64(mac: str) -> str:
    """The link-local address that the kernel makes of a MAC (RFC 4291)."""
    parts = bytes.fromhex(mac.replace(":", ""))
    own = bytes([parts[0] ^ 2]) + parts[1:3] + b"\xff\xfe" + parts[3:]
    return _names.inet_ntop(AF_INET6, b"\xfe\x80" + b"\0" * 6 + own)


def network_of(address: str, length: int, family: int) -> str:
    """The prefix of an address, as a connected route writes it: 10.0.0.5/24 is 10.0.0.0/24."""
    packed = _names.inet_pton(family, address)
    bits = len(packed) * 8
    masked = int.from_bytes(packed, "big") >> (bits - length) << (bits - length)
    return f"{_names.inet_ntop(family, masked.to_bytes(len(packed), 'big'))}/{length}"
