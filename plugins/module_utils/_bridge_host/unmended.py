# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What is otherwise than the variables say and no step of the role mends, for an audit: default routes that are gone, and taps that another holds.

A route comes with the boot, or with whoever took it away; a guest takes its tap when it starts.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.items import kept
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.steps import Step
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import STOPPED, Guest
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import (
    TABLE_MAIN,
    Route,
)

Items = Sequence[Mapping[str, Any]]
_DEFAULT = "default"


def gateways(bridges: Items, routes: Iterable[Route]) -> Step:
    """The bridges without a default route by a gateway that they shall have; others beside it may be a router's or a server's."""
    ways: dict[str, list[str]] = {}
    for route in routes:
        if route.dst == _DEFAULT and route.table == TABLE_MAIN:
            for hop in route.hops:
                if hop.dev is not None and hop.gateway is not None:
                    ways.setdefault(hop.dev, []).append(hop.gateway)
    found = []
    for item in filter(kept, bridges):
        wished = [str(ipaddress.ip_address(one)) for one in item.get("gateway") or ()]
        there = ways.get(item["name"], [])
        if not set(wished) <= set(there):
            own = list(dict.fromkeys(there))
            found.append(
                Change("update", "bridge", item["name"], {"gateway": own}, {"gateway": wished})
            )
    return Step("bridges", "present", tuple(found))


def holders(wishes: Items, guests: Iterable[Guest], now: Snapshot) -> Step:
    """The taps of guests that run and shall, which they do not hold."""
    names = {one["name"] for one in wishes if kept(one) and one.get("state") != STOPPED}
    return Step(
        "guests", "present", tuple(_astray([one for one in guests if one.name in names], now))
    )


def _astray(guests: Iterable[Guest], now: Snapshot) -> Iterator[Change]:
    for guest in guests:
        for nic in guest.spec.get("nics") or () if guest.pid is not None else ():
            link = now.links.get(nic["tap"])
            if link is None or not link.up:
                continue  # which is told of the tap itself
            holder = now.holders.get(link.name)
            if not link.running or guest.is_not(holder):  # as the doctor has it
                who = str(holder) if link.running else "nobody"
                yield Change("update", "tap", link.name, {"holder": who}, {"holder": guest.name})
