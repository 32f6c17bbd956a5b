# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The MACs that NICs were made with, which no change of their addresses touches. A virtual device has none."""

from __future__ import annotations

from typing import Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.link import (
    IFLA_IFNAME,
    link_header,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import text, walk

IFLA_PERM_ADDRESS = 54
_ETHERNET = 6  # bytes of a MAC


def permanent_macs(messages: Iterable[bytes]) -> dict[str, str]:
    """The MACs that NICs were made with, by device: C({"eth0": "02:00:00:00:00:01"}), from RTM_NEWLINK bodies."""
    found = {}
    for body in messages:
        said = walk(body, len(link_header()))
        mac = said.get(IFLA_PERM_ADDRESS, b"")
        if len(mac) == _ETHERNET and any(mac):
            found[text(said[IFLA_IFNAME])] = mac.hex(":")
    return found
