# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a frame of DHCP says that was overheard: who asks or is answered, and whether its checksum is right. Sources: RFC 2131, RFC 768."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from ansible_collections.hypervisor.network.plugins.module_utils._isolation import frames

# The words of option 53 that say how far a client has come
KINDS = {1: "discover", 2: "offer", 3: "request", 5: "ack", 6: "nak"}
ASKS, ANSWERS = ("discover", "request"), ("offer", "ack", "nak")
_IP, _UDP = b"\x08\0", 17  # the ethertype, and the protocol in it
_SERVER, _CLIENT = 67, 68
_REQUEST, _REPLY = 1, 2  # BOOTP's own words
_LEAST_BOOTP = 240  # bytes, with the cookie
_LEAST = 14 + 20 + 8 + _LEAST_BOOTP
# The checksum: right, wrong, or left to whoever takes the frame next (CHECKSUM_PARTIAL of Linux' skbuff.h)
RIGHT, WRONG, LEFT = "right", "wrong", "left"


@dataclass(frozen=True)
class Said:
    """C(kind) is one of KINDS, C(mac) the client's; C(server) whose answer it is, empty where not told."""

    kind: str
    mac: str
    checksum: str = RIGHT
    server: str = ""


@dataclass(frozen=True)
class Sighting:
    """A frame at a device: C(leaving) where it went out of it, and not in; C(at) are seconds since the listening began.

    The same there C(times) over is one sighting, C(until) its last.
    """

    at: float
    dev: str
    leaving: bool
    said: Said
    times: int = 1
    until: float = 0.0


def read(data: bytes, left: bool = False) -> Said | None:
    """What a frame says; None where it is no DHCP for IPv4. C(left): the kernel says that its checksum is still to be made."""
    if len(data) < _LEAST:
        return None
    vid = frames.tag(data)
    packet = data[14 if vid is None else 18 :]
    if data[12 if vid is None else 16 :][:2] != _IP or packet[9] != _UDP:
        return None
    udp = packet[(packet[0] & 0xF) * 4 :]
    if len(udp) < 8 + _LEAST_BOOTP:
        return None
    source, target, length, given = struct.unpack_from("!HHHH", udp)
    bootp = udp[8:length]
    ways = {(_CLIENT, _SERVER): _REQUEST, (_SERVER, _CLIENT): _REPLY}
    if len(bootp) < _LEAST_BOOTP or ways.get((source, target)) != bootp[0]:
        return None
    options = frames.dhcp_options(bootp[_LEAST_BOOTP:])
    kind = KINDS.get((options.get(53) or b"\0")[0])
    if kind is None or (kind in ASKS) != (bootp[0] == _REQUEST):
        return None
    state = LEFT if left else RIGHT
    if not left and given and len(udp) >= length:
        pseudo = packet[12:20] + struct.pack("!BBH", 0, _UDP, length)
        state = WRONG if frames.checksum(pseudo + udp[:length]) else RIGHT
    answer = kind in ANSWERS
    return Said(
        kind, bootp[28:34].hex(":"), state,
        str(IPv4Address((options.get(54) or b"").ljust(4, b"\0")[:4])) if answer and options.get(54) else "",
    )  # fmt: skip
