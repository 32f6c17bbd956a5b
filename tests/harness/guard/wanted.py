# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must look like once eth0 is a port of br0: computed from iproute2's dump of before, not by our planner."""

from __future__ import annotations

import copy
from typing import Any

NIC = "eth0"
BRIDGE = "br0"
# How an address came to be, not what it is: staged addresses carry these flags, and the kernel keeps them.
_STAGING = ("noprefixroute", "nodad")


def moved(before: dict[str, Any], nic: str = NIC, bridge: str = BRIDGE) -> dict[str, Any]:
    """The part of a dump that a conversion decides, as it is wanted after it."""
    wanted = comparable(before, nic)
    wanted["addresses"] = {name: held for name, held in wanted["addresses"].items() if name != nic}
    wanted["addresses"][bridge] = _renamed(comparable(before, nic)["addresses"][nic], nic, bridge)
    wanted["addresses"][nic] = []
    for part in ("routes4", "routes6", "rules4", "rules6", "neighbours"):
        wanted[part] = _renamed(wanted[part], nic, bridge)
    for part in ("routes4", "routes6", "neighbours"):
        wanted[part].sort(key=str)
    return wanted


def comparable(dump: dict[str, Any], nic: str = NIC) -> dict[str, Any]:
    """The addresses, routes, rules and neighbours of a dump, without what the kernel keeps for a NIC that is up."""
    part = copy.deepcopy(
        {
            key: dump[key]
            for key in ("addresses", "routes4", "routes6", "rules4", "rules6", "neighbours")
        }
    )
    for addresses in part["addresses"].values():
        for address in addresses:
            for flag in _STAGING:
                address.pop(flag, None)
    part["routes6"] = [route for route in part["routes6"] if route.get("dst") != "ff00::/8"]
    return part


def _renamed(value: Any, nic: str, bridge: str) -> Any:
    """The value with each device name and each address label of the NIC replaced by the bridge's."""
    if isinstance(value, list):
        return [_renamed(item, nic, bridge) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item, nic, bridge) for key, item in value.items()}
    if isinstance(value, str) and (value == nic or value.startswith(f"{nic}:")):
        return bridge + value[len(nic) :]
    return value


def without(dump: dict[str, Any], device: str) -> dict[str, Any]:
    """A dump without a device and what the kernel keeps for it: to compare where one of both has the device."""
    part = copy.deepcopy(dump)
    for kind in ("links", "addresses"):
        part[kind].pop(device, None)
    for family in ("ipv4", "ipv6"):
        part["sysctls"].pop(f"{family}/{device}", None)
    by_itself = ("ff00::/8", "fe80::")
    part["routes6"] = [
        one
        for one in part["routes6"]
        if not (one.get("dev") == device and one["dst"].startswith(by_itself))
    ]
    return part
