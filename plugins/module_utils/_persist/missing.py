# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a manager took when it read its files: ports from their bridges, addresses, routes. And what of that a server or a router gives again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Standing
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import (
    LEARNED,
    Route,
)

_LINK_LOCAL = ("fe80", "ff00")  # the kernel makes and removes those with a device
_KERNEL, _DHCP = 2, 16


@dataclass(frozen=True)
class Missing:
    """Words for what is gone, and whether it is of those that are C(given) by a server or a router, which are asked anew."""

    what: str
    given: bool = False

    def __str__(self) -> str:
        return self.what


def missing(before: Standing, after: Standing, names: Sequence[str]) -> list[Missing]:
    """What the devices of these names had, and have no more."""
    there = [name for name in names if name in before.links]
    return [
        *_ports(before, after, there),
        *_addresses(before, after, there),
        *_routes(before, after, there),
    ]


def _ports(before: Standing, after: Standing, names: Sequence[str]) -> Iterator[Missing]:
    for name in names:
        master = before.links[name].master
        if name not in after.links or after.links[name].master != master:
            yield Missing(f"{name} from {master}")


def _addresses(before: Standing, after: Standing, names: Sequence[str]) -> Iterator[Missing]:
    for name in names:
        has = {one.text for one in after.addresses_of(name)}
        for one in before.addresses_of(name):
            if one.text not in has:
                yield Missing(f"{one.text} from {name}", not one.lasts)


def _routes(before: Standing, after: Standing, names: Sequence[str]) -> Iterator[Missing]:
    exact = {(_key(one), one.hops) for one in after.routes}
    # beside a route of the host's own, a router's comes and goes with its advertisements: by which of them it goes is theirs
    ways = {(one.key, dev) for one in after.routes for dev in one.devs}
    for one in before.routes:
        if not one.devs & set(names) or one.dst[:4] in _LINK_LOCAL:
            continue
        advertised = one.protocol in LEARNED
        if advertised and all((one.key, dev) in ways for dev in one.devs):
            continue
        if (_key(one), one.hops) not in exact:
            yield Missing(f"the route {one}", advertised or one.protocol == _DHCP)


def _key(route: Route) -> object:
    """What tells a route; of one that the kernel made of an address, the metric is the address's, which its manager says anew."""
    return (route.family, route.table, route.dst) if route.protocol == _KERNEL else route.key
