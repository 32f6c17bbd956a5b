# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Which device is meant: a name may be another device's by now, an interface index is one device's for as long as it lives.

Before a conversion a device that is called otherwise is refused; the way back follows it, because what was taken from it is its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import (
    Layout,
    client_for,
    dev_of,
)


def objection(meant: Link, there: Link | None, by_name: int | None) -> str:
    """Why a device is not the one that was meant, as a sentence; empty where it is.

    C(there) is what the index of C(meant) is now, None where it is gone; C(by_name) is the index of what has the name.
    """
    again = "nothing more was done to it; run the task again"
    if there is None:
        other = ", and another device has its name" if by_name is not None else ""
        return f"{meant.name} was deleted while it was looked at{other}; {again}."
    if there.name != meant.name:
        return f"{meant.name} was renamed to {there.name} while it was looked at; {again} with the name it shall have."
    if meant.mac is not None and there.mac != meant.mac:
        return f"{meant.name} got the MAC {there.mac} while it was looked at, and had {meant.mac}; {again}."
    return ""


def renamed(before: Mapping[int, str], now: Mapping[int, str]) -> dict[str, str]:
    """The devices that have another name by now, C({old name: new name}). Both arguments are C({number of the device: name})."""
    return {
        name: now[index] for index, name in before.items() if index in now and now[index] != name
    }


def follow(wish: Layout, names: Mapping[str, str]) -> Layout:
    """The layout with devices by their new names. Rules keep the names that they were written with: the kernel does not rename them either."""

    def called(dev: str) -> str:
        return names.get(dev, dev)

    def key(sysctl: str) -> str:
        family, conf, _dev, name = sysctl.split("/")
        return f"{family}/{conf}/{called(dev_of(sysctl))}/{name}"

    return replace(
        wish,
        nic=called(wish.nic),
        bridge=called(wish.bridge),
        master=None if wish.master is None else called(wish.master),
        addresses=tuple(replace(one, dev=called(one.dev)) for one in wish.addresses),
        routes=tuple(_over(one, names) for one in wish.routes),
        neighbours=tuple(replace(one, dev=called(one.dev)) for one in wish.neighbours),
        sysctls={key(one): value for one, value in wish.sysctls.items()},
        clients=tuple(client_for(one, called(one.dev)) for one in wish.clients),
        made=None if wish.made is None else follow(wish.made, names),
    )


def _over(route: rtnl_route.Route, names: Mapping[str, str]) -> rtnl_route.Route:
    hops = tuple(replace(hop, dev=names.get(hop.dev or "", hop.dev)) for hop in route.hops)
    return replace(route, hops=hops)
