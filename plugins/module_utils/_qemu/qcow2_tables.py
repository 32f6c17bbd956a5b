# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a qcow2 image says of its internal snapshots, and whether anything was written since: docs/interop/qcow2.txt of QEMU.

An image maps its clusters by a table of tables (L1). A snapshot is a copy of that, and the first write below an entry gives the image
another one: where the two are alike, nothing was written since. Every number is bytes from outside, and has a bound.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable

# C(read(offset, length)): the bytes of the image there, fewer at its end
Read = Callable[[int, int], bytes]

_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")  # up to the offset of the snapshots
_INCOMPATIBLE_AT, _EXTENDED_L2 = 72, 1 << 4
_SNAPSHOT = struct.Struct(">QIHHIIQII")
_COPIED = 1 << 63  # of an entry: that nobody else uses the cluster
_MOST_SNAPSHOTS = 65536
_MOST_ENTRIES = 4 * 2**20  # an L1 of 32 MiB, QEMU's own bound
_LONGEST_EXTRA = 1024


@dataclass(frozen=True)
class Saved:
    """An internal snapshot. C(seconds) since the epoch; C(memory): of a running machine; C(untouched): the image holds now what it held then."""

    name: str
    seconds: int = 0
    memory: bool = False
    untouched: bool = False


@dataclass(frozen=True)
class Tables:
    """What is in an image: its snapshots, and C(empty) where it holds nothing but what is below it."""

    snapshots: tuple[Saved, ...] = ()
    empty: bool = False


def parse(read: Read) -> Tables:
    """The tables of an image. Raises ValueError where they are none."""
    try:
        return _parsed(read)
    except struct.error:
        raise ValueError("its tables are cut off") from None


def _parsed(read: Read) -> Tables:
    head = read(0, 104)
    magic, version, _at, _length, bits, size, _crypt, _l1_size, l1_at, _refs, _ref, number, at = (
        _HEADER.unpack_from(head)
    )
    if magic != b"QFI\xfb" or version not in (2, 3) or not 9 <= bits <= 21:
        raise ValueError("it is no qcow2 header of version 2 or 3")
    if number > _MOST_SNAPSHOTS:
        raise ValueError(f"it says that it has {number} snapshots")
    wide = version == 3 and struct.unpack_from(">Q", head, _INCOMPATIBLE_AT)[0] & _EXTENDED_L2
    below = (1 << bits) * ((1 << bits) // (16 if wide else 8))  # what one entry maps
    entries = -(-size // below)
    if entries > _MOST_ENTRIES:
        raise ValueError("its table is longer than QEMU allows")
    now = _table(read, l1_at, entries)
    found = []
    for _one in range(number):
        saved, at = _snapshot(read, at, entries, now)
        found.append(saved)
    return Tables(tuple(found), not any(now))


def _snapshot(read: Read, at: int, entries: int, now: tuple[int, ...]) -> tuple[Saved, int]:
    """One snapshot, and where the next one is."""
    fixed = read(at, _SNAPSHOT.size)
    l1_at, l1_size, id_length, name_length, seconds, _nano, _clock, short_state, extra_length = (
        _SNAPSHOT.unpack_from(fixed)
    )
    if extra_length > _LONGEST_EXTRA:
        raise ValueError("a snapshot of it says more than there is to say")
    rest = read(at + _SNAPSHOT.size, extra_length + id_length + name_length)
    if len(rest) != extra_length + id_length + name_length:
        raise ValueError("its tables are cut off")
    state = struct.unpack_from(">Q", rest)[0] if extra_length >= 8 else short_state
    name = rest[extra_length + id_length :].decode("utf-8", "replace")
    then = _table(read, l1_at, min(l1_size, entries))
    untouched = (*then, *[0] * (entries - len(then))) == now
    length = _SNAPSHOT.size + len(rest)
    return Saved(name, seconds, bool(state), untouched), at + (length + 7) // 8 * 8


def _table(read: Read, at: int, entries: int) -> tuple[int, ...]:
    return tuple(entry & ~_COPIED for entry in struct.unpack(f">{entries}Q", read(at, 8 * entries)))
