# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Macvlans in rtnetlink's messages about links (linux/if_link.h)."""

from __future__ import annotations

from typing import Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    number,
    text,
    walk,
)

_HEADER = len(rtnl_link.link_header())
_MODE, _PASSTHRU = 1, 8


def passed_through(messages: Iterable[bytes]) -> frozenset[str]:
    """The names of those of mode passthru, which take every frame of the device below them, from RTM_NEWLINK bodies."""
    found = set()
    for body in messages:
        link = walk(body, _HEADER)
        info = walk(link.get(rtnl_link.IFLA_LINKINFO, b""))
        if text(info.get(rtnl_link.IFLA_INFO_KIND, b"")) == "macvlan":
            if number(walk(info.get(rtnl_link.IFLA_INFO_DATA, b"")).get(_MODE)) == _PASSTHRU:
                found.add(text(link[rtnl_link.IFLA_IFNAME]))
    return frozenset(found)
