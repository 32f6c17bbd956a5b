# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Netlink attributes, in and out. Source: Linux' include/uapi/linux/netlink.h (struct nlattr)."""

from __future__ import annotations

import struct
from typing import Iterator

_ATTRIBUTE = struct.Struct("=HH")  # length with this header, type
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER


def walk(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes in C(data) from C(offset) on: {type: payload}; where a type stands twice, the last one; what is cut off is left out."""
    found = {}
    end = len(data)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4 or offset + length > end:
            break
        found[kind & _TYPE_MASK] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def each(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes in C(data) in their order, for where a type stands more than once; what is cut off is left out."""
    offset = 0
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4 or offset + length > len(data):
            break
        yield kind & _TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute of netlink: its length and kind, 2 bytes each, and the payload, padded to 4 bytes."""
    return _ATTRIBUTE.pack(len(payload) + 4, kind) + payload + b"\0" * (-len(payload) % 4)


def text(payload: bytes) -> str:
    """The text of a payload without the NUL at its end; bytes that are no UTF-8 come as surrogates."""
    return payload.rstrip(b"\0").decode("utf-8", "surrogateescape")


def number(payload: bytes | None) -> int:
    return struct.unpack("=I", payload)[0] if payload else 0
