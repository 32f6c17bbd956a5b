# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The default routes that the kernel has of a router's advertisement: which they are, and the request by which it takes another device's for its own.

Netlink has no word for that. A default route that is made by it, protocol ra or not, keeps the kernel from making its own, and without one it hears the
advertisement no further: the addresses by it are not renewed, and expire; Linux 6.1 has the route itself expire there and then. Sources: Linux'
ndisc_router_discovery, rt6_get_dflt_router, rt6_add_dflt_router; include/uapi/linux/ipv6_route.h (struct in6_rtmsg, RTF_), /proc/net/ipv6_route.
"""

from __future__ import annotations

import socket as _names  # only inet_ntop and inet_pton: no socket is opened here
import struct
from dataclasses import replace
from typing import Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import AF_INET6
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import walk

TABLE = "/proc/net/ipv6_route"
SIOCADDRT = 0x890B
_UP, _GATEWAY, _DEFAULT, _ADDRCONF, _EXPIRES = 0x1, 0x2, 0x10000, 0x40000, 0x400000
_PREFERENCE = 27  # where the two bits of RFC 4191 are among the flags
# destination, source, gateway, type, their lengths, metric, lifetime, flags, index
_REQUEST = struct.Struct("@16s16s16sIHHILIi")
_NOWHERE = "0" * 32
_COLUMNS = 10


def possible(route: rtnl_route.Route) -> bool:
    """Whether a route may be such a one: whoever asks the kernel's table for the rest asks it for these alone."""
    return (
        route.family == AF_INET6
        and route.protocol == rtnl_route.PROTO_RA
        and (route.dst, route.table, route.nexthop_id) == ("default", rtnl_route.TABLE_MAIN, 0)
        and len(route.hops) == 1
        and route.hops[0].gateway is not None
        and rtnl_route.lifetime(route) > 0
    )


def marked(routes: Iterable[rtnl_route.Route], table: str) -> tuple[rtnl_route.Route, ...]:
    """The same routes, C(heard) where the kernel's C(table), the text of TABLE, says that it is of a router."""
    known = set(_known(table))
    return tuple(
        replace(one, heard=True)
        if possible(one) and (one.hops[0].gateway, one.metric, one.hops[0].dev) in known
        else one
        for one in routes
    )


def request(route: rtnl_route.Route, index: int) -> bytes:
    """The struct in6_rtmsg, for SIOCADDRT, of a route that is C(heard) over the device of that number. It keeps its lifetime and preference."""
    preference = sum(walk(route.raw, rtnl_route.HEADER).get(rtnl_route.RTA_PREF, b""))
    flags = _UP | _GATEWAY | _DEFAULT | _ADDRCONF | _EXPIRES | preference << _PREFERENCE
    gateway = _names.inet_pton(AF_INET6, route.hops[0].gateway or "::")
    lifetime = rtnl_route.lifetime(route)
    return _REQUEST.pack(b"", b"", gateway, 0, 0, 0, route.metric, lifetime, flags, index)


def _known(table: str) -> Iterable[tuple[str, int, str]]:
    """Gateway, metric and device of each of them."""
    for line in table.splitlines():
        words = line.split()
        if len(words) == _COLUMNS and words[:2] == [_NOWHERE, "00"]:
            if int(words[8], 16) & (_DEFAULT | _ADDRCONF) == _DEFAULT | _ADDRCONF:
                gateway = _names.inet_ntop(AF_INET6, bytes.fromhex(words[4]))
                yield gateway, int(words[5], 16), words[9]
