# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connected routes that a kernel makes with an address, for simulated.py."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route

V4, V6 = 2, 10
SECONDARY, NOPREFIXROUTE = 0x01, 0x200
MAIN = 254


def subnet_of(one: Address) -> Any:
    """The network that an address is in."""
    base = f"{one.peer}/{one.text.partition('/')[2]}" if one.peer else one.text
    return ipaddress.ip_interface(base).network


def made_by(one: Address) -> list[Route]:
    """The connected routes of an address."""
    metric = 0
    for kind, payload in _attributes(one.raw):
        if kind == 9:
            (metric,) = struct.unpack("=I", payload)
    if one.family == V4:
        subnet = subnet_of(one)
        local = one.text.partition("/")[0]
        lone = str(subnet) == f"{local}/32"
        if lone or one.flags & (SECONDARY | NOPREFIXROUTE):
            return []
        return [Route(V4, str(subnet), MAIN, metric, 0, 1, 253, 2, (Hop(one.dev),), local)]
    dsts = [] if one.flags & NOPREFIXROUTE else [str(ipaddress.ip_interface(one.text).network)]
    dsts += [f"{one.peer}/128"] if one.peer else []
    return [
        Route(V6, dst, MAIN, metric or 256, 0, 1, 0, 2, (Hop(one.dev),))
        for dst in dsts
        if not dst.startswith("fe80:")
    ]


def _attributes(raw: bytes) -> list[tuple[int, bytes]]:
    found, offset = [], 8
    while offset < len(raw):
        length, kind = struct.unpack_from("=HH", raw, offset)
        found.append((kind, raw[offset + 4 : offset + length]))
        offset += length + -length % 4
    return found
