# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The MAC of a bridge for which nobody says one: networkd makes it, and else udev, of the machine's id and the bridge's name, so that it is the same
at each boot.

Sources: systemd's netdev_generate_hw_addr, its net_get_unique_predictable_data (MACAddressPolicy=persistent), and SipHash-2-4 (Aumasson and Bernstein,
2012). Seen with systemd 252 and 257.
"""

from __future__ import annotations

import re
import struct

BY_NETWORKD = bytes.fromhex("52e145bd006f299621c6306d83710448")
BY_UDEV = bytes.fromhex("d31e48fa90fe4b4c9dafd5d7a1b12e8a")
_MACHINE_ID = re.compile(r"[0-9a-f]{32}")
_WORD = (1 << 64) - 1
_BEGIN = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def persistent_mac(machine_id: str, name: str, key: bytes) -> str | None:
    """The MAC by whom the key says; None where the machine has no id."""
    if not _MACHINE_ID.fullmatch(machine_id.strip()):
        return None
    data = bytes.fromhex(machine_id.strip()) + name.encode("utf-8", "surrogateescape")
    found = bytearray(struct.pack("<Q", siphash(key, data))[:6])
    found[0] = found[0] & 0xFE | 0x02
    return ":".join(f"{one:02x}" for one in found)


def siphash(key: bytes, data: bytes) -> int:
    """SipHash-2-4 of some bytes, with a key of 16."""
    own = struct.unpack("<QQ", key)
    state = tuple(word ^ own[number % 2] for number, word in enumerate(_BEGIN))
    whole = data + b"\0" * (7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", whole):
        a, b, c, d = state
        a, b, c, d = _rounds((a, b, c, d ^ word), 2)
        state = (a ^ word, b, c, d)
    a, b, c, d = state
    a, b, c, d = _rounds((a, b, c ^ 0xFF, d), 4)
    return a ^ b ^ c ^ d


def _rounds(state: tuple[int, ...], count: int) -> tuple[int, ...]:
    a, b, c, d = state
    for _round in range(count):
        a, c = (a + b) & _WORD, (c + d) & _WORD
        b, d = _turned(b, 13) ^ a, _turned(d, 16) ^ c
        a = _turned(a, 32)
        c, a = (c + b) & _WORD, (a + d) & _WORD
        b, d = _turned(b, 17) ^ c, _turned(d, 21) ^ a
        c = _turned(c, 32)
    return a, b, c, d


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & _WORD
