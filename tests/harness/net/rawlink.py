# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link's own bytes from the kernel, for the few attributes that the machine's iproute2 is too old to show. No code of the collection."""

from __future__ import annotations

import socket
import struct

from .netns import inside

_LINKINFO, _INFO_DATA, _INFO_SLAVE_DATA = 18, 2, 5


def attributes_of(netns: str, dev: str, slave: bool = False) -> dict[int, bytes]:
    """The attributes that the device's driver (C(slave): its bridge) reports, by number."""
    return inside(netns, _attributes_of, dev, slave)


def _attributes_of(dev: str, slave: bool) -> dict[int, bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(
            struct.pack("=IHHIIBxHiII", 32, 18, 1, 1, 0, 0, 0, socket.if_nametoindex(dev), 0, 0)
        )
        answer = kernel.recv(1 << 16)
    info = _taken_apart(_taken_apart(answer[32:])[_LINKINFO])
    return _taken_apart(info.get(_INFO_SLAVE_DATA if slave else _INFO_DATA, b""))


def _taken_apart(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found
