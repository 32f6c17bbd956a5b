# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a qcow2 header says of other files: docs/interop/qcow2.txt of QEMU, versions 2 and 3.

A header is bytes from outside: whoever made the image, or a guest that was given the file as a raw disk, wrote them. So it is
read here and not by a program that would open what it names.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"QFI\xfb"
# The whole header with its extensions is in the first cluster, and a cluster has 2 MiB at most
LONGEST = 2 * 2**20
_FIXED = struct.Struct(
    ">4sIQIIQ"
)  # magic, version, offset and length of the backing name, cluster bits, size
_VERSION_2_LENGTH = 72
_V3 = struct.Struct(
    ">QQQII"
)  # incompatible, compatible, autoclear features, refcount order, header length
_EXTENSION = struct.Struct(">II")
_END, _BACKING_FORMAT, _DATA_FILE = 0, 0xE2792ACA, 0x44415441
_EXTERNAL_DATA = 1 << 2
_LONGEST_NAME = 1023


@dataclass(frozen=True)
class Header:
    """The files that an image needs beside itself, as its header names them; None where it needs none.

    C(backing_format) is None too where the header leaves it open: QEMU then looks into the backing file. C(size) is what a guest sees, in bytes.
    """

    backing_file: str | None = None
    backing_format: str | None = None
    data_file: str | None = None
    size: int = 0


def begins(head: bytes) -> bool:
    """Whether these first bytes of a file are those of a qcow2 image."""
    return head[:4] == MAGIC


def parse(head: bytes) -> Header:
    """The header at the begin of C(head), the first LONGEST bytes of an image or all of them. Raises ValueError where it is none."""
    try:
        magic, version, offset, length, bits, size = _FIXED.unpack_from(head)
        if magic != MAGIC or version not in (2, 3) or not 9 <= bits <= 21:
            raise ValueError("it is no qcow2 header of version 2 or 3")
        features, begin = 0, _VERSION_2_LENGTH
        if version == 3:
            features, _compatible, _autoclear, _order, begin = _V3.unpack_from(
                head, _VERSION_2_LENGTH
            )
        backing = None
        if offset:
            if length > _LONGEST_NAME or offset + length > min(len(head), 1 << bits):
                raise ValueError("the name of its backing file is out of place")
            backing = _text(head[offset : offset + length])
        found = _extensions(head[: min(len(head), 1 << bits, offset or len(head))], begin)
    except struct.error:
        raise ValueError("its header is cut off") from None
    data = found.get(_DATA_FILE)
    if features & _EXTERNAL_DATA and not data:
        raise ValueError("it keeps its data in another file, and does not say in which")
    return Header(
        backing or None,
        _text(found[_BACKING_FORMAT]) if found.get(_BACKING_FORMAT) else None,
        _text(data) if features & _EXTERNAL_DATA and data else None,
        size,
    )


def _extensions(head: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at + _EXTENSION.size <= len(head):
        kind, length = _EXTENSION.unpack_from(head, at)
        if kind == _END:
            break
        at += _EXTENSION.size
        if length > len(head) - at:
            raise ValueError("an extension of its header is cut off")
        found[kind] = head[at : at + length]
        at += (length + 7) // 8 * 8
    return found


def _text(name: bytes) -> str:
    text = name.decode("utf-8", "surrogateescape")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("a name in its header holds a control character")
    return text


def names_protocol(name: str) -> bool:
    """Whether QEMU takes a file's name for json:, nbd:// or another of its protocols (path_has_protocol of block.c)."""
    return ":" in name.partition("/")[0]
