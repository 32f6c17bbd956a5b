# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What others have added while a conversion waited for its confirmation: the way back leaves it, or puts it where it works.

What a Layout to go back to wishes, and what the conversion aimed at, is ours; the kernel's and the DHCP clients' own comes and goes with the
devices. The rest on the NIC and on the bridge belongs to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import (
    OBSERVED,
    Inet,
    Layout,
    by_itself,
    kernels_own,
    made_by,
    subnet_of,
)


@dataclass(frozen=True)
class Others:
    """What belongs to others, as it shall stand, and the IPv4 addresses that have to come again behind those they have come before."""

    things: tuple[Any, ...] = ()
    again: tuple[Address, ...] = ()

    def own(self, thing: Any) -> bool:
        """Whether it is one of them; how an address comes is no part of what it is."""
        return any(_plain(one) == _plain(thing) for one in self.things)


def _plain(thing: Any) -> Any:
    return replace(thing, flags=0) if isinstance(thing, Address) else thing


def with_others(now: Inet, wish: Layout) -> tuple[Layout, Others]:
    """The layout with what others have added, each where it works."""
    made = wish.made
    if made is None:
        return wish, Others()
    wish = _with_the_bridge(now, wish)
    theirs = [one for one in now.addresses if _is_theirs(one, now, wish, made)]
    addresses: dict[Address, Address] = {}
    for one in theirs:
        dev = _home_of(one, wish)
        moved = one if dev == one.dev else replace(one, dev=dev, flags=one.flags & ~OBSERVED)
        if not any((moved.dev, moved.text) == (own.dev, own.text) for own in wish.addresses):
            addresses[one] = moved
    more = replace(wish, addresses=(*wish.addresses, *addresses.values()))
    connected = [
        replace(route, hops=(Hop(moved.dev),))
        for one, moved in addresses.items()
        for route in now.routes
        if made_by(route, one) and not _crowded(moved, wish)
    ]
    routes = [
        _moved(one, more)
        for one in now.routes
        if one.devs & {wish.nic, wish.bridge}
        and one.protocol not in rtnl_route.BY_THEMSELVES
        and not by_itself(one)
        and not _known(one, wish, made)
    ]
    standing = {_way_out(one) for one in wish.routes}
    new = [one for one in (*connected, *routes) if _way_out(one) not in standing]
    rules, neighbours = _rules(now, wish, made), _neighbours(now, wish, made)
    again = _again(now, wish, addresses)
    return replace(
        more,
        routes=tuple(dict.fromkeys((*wish.routes, *new))),
        rules=(*wish.rules, *rules),
        neighbours=(*wish.neighbours, *neighbours),
    ), Others((*addresses.values(), *new, *rules, *neighbours), again)


def _with_the_bridge(now: Inet, wish: Layout) -> Layout:
    """A bridge that somebody else's port is on by now stays."""
    link = now.links.get(wish.bridge)
    if wish.bridge_link is not None or link is None:
        return wish
    if all(one.name == wish.nic for one in now.ports_of(wish.bridge)):
        return wish
    return replace(wish, bridge_link={"mac": link.mac, "mtu": link.mtu, "up": link.up})


def _is_theirs(one: Address, now: Inet, wish: Layout, made: Layout) -> bool:
    if one.dev not in (wish.nic, wish.bridge):
        return False
    if any(
        (one.dev, one.text, one.peer) == (own.dev, own.text, own.peer)
        for own in (*wish.addresses, *made.addresses)
    ):
        return False
    if kernels_own(one, now, now.addresses) or rtnl_address.temporary(one):
        return False
    leased = not one.flags & rtnl_address.IFA_F_PERMANENT and any(
        client.dev in (wish.nic, wish.bridge) for client in (*wish.clients, *now.clients)
    )
    return not (leased or rtnl_address.advertised(one))


def _home_of(one: Address, wish: Layout) -> str:
    """The device on which somebody else's address works: its own where that stays what it is, the host's new one otherwise."""
    home = wish.home
    if one.dev == home:
        return home
    near = {subnet_of(own) for own in wish.addresses if own.dev == one.dev}
    stays = one.dev == wish.bridge and wish.bridge_link is not None and subnet_of(one) in near
    return one.dev if stays else home


def _crowded(one: Address, wish: Layout) -> bool:
    """Whether an IPv4 address will be a secondary one, which has no route of its own."""
    return one.family == rtnl_address.AF_INET and any(
        own.dev == one.dev and subnet_of(own) == subnet_of(one) for own in wish.addresses
    )


def _known(route: Route, wish: Layout, made: Layout) -> bool:
    ways = {_way_out(one) for one in (*wish.routes, *made.routes)}
    return _way_out(route) in ways


def _way_out(route: Route) -> tuple[Any, ...]:
    """What makes it the same way: ifup adds onlink to a gateway's, which IPv6 takes for the same and will not have beside it."""
    return route.key, tuple(replace(hop, onlink=False) for hop in route.hops)


def _moved(route: Route, wish: Layout) -> Route:
    """The route over the devices by which its gateways are reached."""
    return replace(
        route,
        hops=tuple(
            replace(hop, dev=_way(hop, wish)) if hop.dev in (wish.nic, wish.bridge) else hop
            for hop in route.hops
        ),
    )


def _way(hop: Hop, wish: Layout) -> str:
    home = wish.home
    if hop.dev == wish.bridge and wish.bridge_link is None:
        return home
    own = [one for one in wish.addresses if one.dev == hop.dev]
    if hop.gateway is None:
        return str(hop.dev) if own else home
    return str(hop.dev) if any(_reaches(one, hop.gateway) for one in own) else home


def _reaches(one: Address, gateway: str) -> bool:
    if (":" in gateway) != (one.family == rtnl_address.AF_INET6):
        return False
    length = int(one.text.partition("/")[2])
    return rtnl_address.network_of(gateway, length, one.family) == subnet_of(one)


def _rules(now: Inet, wish: Layout, made: Layout) -> list[rtnl_route.Rule]:
    own = {wish.nic, wish.bridge}
    known = {*wish.rules, *made.rules}
    gone = {wish.bridge: wish.nic} if wish.bridge_link is None else {}
    theirs = [one for one in now.rules if {one.iif, one.oif} & own and one not in known]
    moved = dict.fromkeys(rtnl_route.rename_rule(one, gone) for one in theirs)
    return [one for one in moved if one not in known]


def _neighbours(now: Inet, wish: Layout, made: Layout) -> list[Any]:
    known = {one.key for one in (*wish.neighbours, *made.neighbours)}
    home = wish.home
    stays = wish.bridge_link is not None and any(one.dev == wish.bridge for one in wish.addresses)
    theirs = [
        one
        for one in now.neighbours
        if one.dev in (wish.nic, wish.bridge) and one.lasting and one.key not in known
    ]
    return [one if one.dev == wish.bridge and stays else replace(one, dev=home) for one in theirs]


def _again(now: Inet, wish: Layout, theirs: dict[Address, Address]) -> tuple[Address, ...]:
    """An IPv4 address comes behind those that are there: who was first shall be first again."""
    standing = {(one.dev, one.text, one.peer) for one in now.addresses}
    coming = {
        one.dev
        for one in wish.addresses
        if one.family == rtnl_address.AF_INET and (one.dev, one.text, one.peer) not in standing
    }
    return tuple(
        one
        for one, moved in theirs.items()
        if one.family == rtnl_address.AF_INET and one.dev in coming and moved.dev == one.dev
    )
