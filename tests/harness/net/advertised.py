# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's advertisement (RFC 4861), of one that is nobody's router and tells of no prefix."""

from __future__ import annotations

import contextlib
import socket
import struct

from .netns import inside

_NOTHING = struct.pack("!BBHBBHII", 134, 0, 0, 0, 0, 0, 0, 0)  # the kernel adds the checksum
_NODES = "ff02::1"


def advertise_nothing(netns: str, dev: str) -> None:
    """Say it to all that listen on a device of a namespace; nothing is said while that device has no address of its link."""

    def say() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            with contextlib.suppress(OSError):
                sock.sendto(_NOTHING, (_NODES, 0, 0, socket.if_nametoindex(dev)))

    inside(netns, say)
