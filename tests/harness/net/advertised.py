# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's advertisement (RFC 4861): of one that is nobody's router and tells of no prefix, or of one that is and does."""

from __future__ import annotations

import contextlib
import socket
import struct

from .netns import inside

_NOTHING = struct.pack("!BBHBBHII", 134, 0, 0, 0, 0, 0, 0, 0)  # the kernel adds the checksum
_NODES = "ff02::1"
# type 3, 4 times 8 bytes, on the link and for addresses by it; its lifetimes, and the prefix
_PREFIX = struct.Struct("!BBBBIII16s")


def advertise_nothing(netns: str, dev: str) -> None:
    """Say it to all that listen on a device of a namespace; nothing is said while that device has no address of its link."""

    _say(netns, dev, _NOTHING)


def advertise(netns: str, dev: str, prefix: str, seconds: int) -> None:
    """Be a router for half an hour, and tell of a prefix of 64 bits, whose addresses live for C(seconds)."""
    router = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    network = socket.inet_pton(socket.AF_INET6, prefix)
    _say(netns, dev, router + _PREFIX.pack(3, 4, 64, 0xC0, seconds, seconds, 0, network))


def _say(netns: str, dev: str, message: bytes) -> None:
    def say() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            with contextlib.suppress(OSError):
                sock.sendto(message, (_NODES, 0, 0, socket.if_nametoindex(dev)))

    inside(netns, say)
