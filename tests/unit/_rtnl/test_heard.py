# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel has of a router, laid out by hand; that it hears the router on by it is seen in tests/integration/test_conversion_slaac.py."""

from __future__ import annotations

import ctypes
import ipaddress
import struct
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import heard
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute

GATEWAY = ipaddress.IPv6Address("fe80::ff:fe77:1")
INDEX, AF_INET6, BOOT, RA = 7, 10, 3, 9
# as Linux 6.18 prints them: one of a router, one by netlink, a network, what rejects
TABLE = """\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000fffe770001 00000400 00000001 00000000 00450003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000fffe770002 00000400 00000001 00000000 00400003     eth0
fd770000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00440001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
"""


def route(
    protocol: int = RA,
    gateway: Any = GATEWAY,
    expires: int = 179_000,
    more: bytes = b"",
    table: int = 254,
) -> rtnl_route.Route:
    body = (
        struct.pack("=BBBBBBBBI", AF_INET6, 0, 0, 0, table, protocol, 0, 1, 0)
        + attribute(4, struct.pack("=I", INDEX))
        + attribute(5, gateway.packed)
        + attribute(6, struct.pack("=I", 1024))
        + attribute(12, struct.pack("=IIiIIIII", 0, 0, expires, 0, 0, 0, 0, 0))
        + more
    )
    (found,) = rtnl_route.decode_routes([body], {INDEX: "eth0"})
    return found


def test_it_is_known_by_the_flags_of_the_kernels_table() -> None:
    other = ipaddress.IPv6Address("fe80::ff:fe77:2")
    routes = [route(), route(gateway=other), replace(route(), metric=512)]
    assert [one.heard for one in heard.marked(routes, TABLE)] == [True, False, False]
    assert [one.heard for one in heard.marked(routes, "cut off")] == [False] * 3


@pytest.mark.parametrize(
    "other",
    [
        replace(route(), family=2),
        replace(route(), protocol=16),
        replace(route(), dst="fd77::/64"),
        replace(route(), table=100),
        replace(route(), nexthop_id=7),
        replace(route(), hops=()),
        replace(route(), hops=(rtnl_route.Hop("eth0"),)),
        route(expires=0),
    ],
)
def test_whoever_else_made_a_route_the_table_is_not_asked_for_it(other: rtnl_route.Route) -> None:
    assert heard.possible(route()) and not heard.possible(other)


class Asked(ctypes.Structure):
    """struct in6_rtmsg, as a C compiler of this machine lays it out."""

    _fields_ = [
        ("dst", ctypes.c_uint8 * 16),
        ("src", ctypes.c_uint8 * 16),
        ("gateway", ctypes.c_uint8 * 16),
        ("type", ctypes.c_uint32),
        ("dst_len", ctypes.c_uint16),
        ("src_len", ctypes.c_uint16),
        ("metric", ctypes.c_uint32),
        ("info", ctypes.c_ulong),
        ("flags", ctypes.c_uint32),
        ("ifindex", ctypes.c_int),
    ]


@pytest.mark.parametrize(("preference", "bits"), [(0, 0), (1, 0x0800_0000), (3, 0x1800_0000)])
def test_it_is_asked_for_with_its_lifetime_and_preference(preference: int, bits: int) -> None:
    asked = Asked.from_buffer_copy(heard.request(route(more=attribute(20, bytes([preference]))), 9))
    assert bytes(asked.gateway) == GATEWAY.packed
    assert bytes(asked.dst) == bytes(asked.src) == bytes(16)
    assert (asked.type, asked.dst_len, asked.src_len) == (0, 0, 0)
    assert (asked.metric, asked.info, asked.ifindex) == (1024, 179_000, 9)
    assert asked.flags == 0x0045_0003 | bits


def test_what_the_kernel_calls_boot_is_a_routers_where_only_that_can_be() -> None:
    """So it calls each route that is added by ioctl; the bytes say so too, since they are what is sent again."""
    moved = route(protocol=BOOT)
    assert moved == route() and moved.raw[5] == RA
    assert route(protocol=BOOT, expires=0).protocol == BOOT
    assert route(protocol=BOOT, gateway=ipaddress.IPv6Address("fd77::1")).protocol == BOOT
    # its ioctl knows no other table, so there it is somebody's own
    assert route(protocol=BOOT, table=100).protocol == BOOT
    assert rtnl_route.by_any_protocol(moved.raw)[5] == 0
