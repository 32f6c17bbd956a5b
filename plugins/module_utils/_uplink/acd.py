# SPDX-License-Identifier: GPL-3.0-or-later
"""Hear whether another host of the LAN has an IPv4 address of ours: ARP probes, which no neighbour's table remembers. Source: RFC 5227, 2.1."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Collection, Iterable

LISTEN_SECONDS = 0.3  # an answer takes a millisecond or two; this is spent on each conversion

_ETH_P_ARP = 0x0806
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET, _IPV4, _REQUEST = 1, 0x0800, 1
_BROADCAST, _NOBODY = b"\xff" * 6, b"\0" * 6
_UNSPECIFIED = "0.0.0.0"


def probe(mac: str, address: str) -> bytes:
    """PURE. The ARP packet that asks who has an address, without saying that the asker has it."""
    return _ARP.pack(
        _ETHERNET,
        _IPV4,
        6,
        4,
        _REQUEST,
        bytes.fromhex(mac.replace(":", "")),
        socket.inet_aton(_UNSPECIFIED),
        _NOBODY,
        socket.inet_aton(address),
    )


def sender(packet: bytes) -> tuple[str, str] | None:
    """PURE. The (address, MAC) that an ARP packet says its sender has; None where it is no such packet."""
    if len(packet) < _ARP.size:
        return None
    hardware, protocol, hardware_size, protocol_size, _action, mac, address, _asked, _target = (
        _ARP.unpack_from(packet)
    )
    if (hardware, protocol, hardware_size, protocol_size) != (_ETHERNET, _IPV4, 6, 4):
        return None
    return socket.inet_ntoa(address), mac.hex(":")


def elsewhere(
    dev: str,
    mac: str,
    addresses: Iterable[str],
    own: Collection[str],
    seconds: float = LISTEN_SECONDS,
    open_socket: Callable[..., socket.socket] = socket.socket,
) -> dict[str, str]:
    """Which of our IPv4 addresses (without prefix) others answer for, with the MAC of each.

    C(own) are the MACs of this host: one with two NICs on a LAN answers for both on either. Raises OSError.
    """
    asked = set(addresses)
    found: dict[str, str] = {}
    with open_socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ARP)) as line:
        line.bind((dev, _ETH_P_ARP))
        for address in asked:
            line.sendto(probe(mac, address), (dev, _ETH_P_ARP, 0, _ETHERNET, _BROADCAST))
        end = time.monotonic() + seconds
        while asked - set(found) and (left := end - time.monotonic()) > 0:
            line.settimeout(left)
            try:
                heard = sender(line.recv(2048))
            except socket.timeout:
                break
            if heard is not None and heard[0] in asked and heard[1] not in own:
                found[heard[0]] = heard[1]
    return found
