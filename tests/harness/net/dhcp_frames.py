# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DHCP as clients and servers say it, with a checksum that is right, absent or wrong. No code of the collection."""

from __future__ import annotations

import socket
import struct

KINDS = {"discover": 1, "offer": 2, "request": 3, "decline": 4, "ack": 5, "nak": 6}
SERVER, OFFERED = "192.0.2.1", "192.0.2.50"
_ANSWERS = ("offer", "ack", "nak")


def message(kind: str, mac: str, number: int = 7) -> bytes:
    """What is in the datagram; C(number) is the transaction's."""
    answer = kind in _ANSWERS
    given = socket.inet_aton(OFFERED if answer else "0.0.0.0")
    head = struct.pack("!BBBBIHH", 2 if answer else 1, 1, 6, 0, number, 0, 0x8000)
    who = bytes.fromhex(mac.replace(":", "")).ljust(16, b"\0")
    server = b"\x36\x04" + socket.inet_aton(SERVER) if answer else b""
    options = b"\x63\x82\x53\x63\x35\x01" + bytes([KINDS[kind]]) + server + b"\xff"
    return (head + bytes(4) + given + bytes(8) + who + bytes(192) + options).ljust(300, b"\0")


def frame(kind: str, mac: str, checksum: str = "right", tag: bytes = b"", number: int = 7) -> bytes:
    """Sent to everybody; C(checksum) is right, wrong or none, C(tag) what stands before the type."""
    answer = kind in _ANSWERS
    ports = (67, 68) if answer else (68, 67)
    addresses = socket.inet_aton(SERVER if answer else "0.0.0.0") + b"\xff" * 4
    body = message(kind, mac, number)
    length = 8 + len(body)
    pseudo = addresses + struct.pack("!HH", 17, length)
    made = _sum(pseudo + struct.pack("!HHHH", *ports, length, 0) + body) or 0xFFFF
    said = {"right": made, "wrong": made ^ 0x0101, "none": 0}[checksum]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, 17, 0) + addresses
    head = head[:10] + struct.pack("!H", _sum(head)) + head[12:]
    source = "02:00:00:00:00:fe" if answer else mac
    ethernet = b"\xff" * 6 + bytes.fromhex(source.replace(":", "")) + tag + b"\x08\0"
    return ethernet + head + struct.pack("!HHHH", *ports, length, said) + body


def _sum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
