# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Making a NIC the uplink of a bridge: in which order to get from what stands to a Layout.

C(plan) is the difference between what stands now and any Layout, in an order of which every prefix leaves the host reachable; so it is
the conversion, the way back, the undo after a failure, and the restoring of an earlier snapshot whatever state the host was left in.

The order, and why: an address is on its new device before it leaves the old one (both answer meanwhile); a route is replaced, never
deleted and added; connected routes come before those whose gateways need them; the NIC joins the bridge before the routes move to
it, and leaves it after they moved back, because a port still transmits what is routed to it, while a bridge without a port loses everything.
Of a device's addresses the first ones come first and go last, so that who is primary, and which one is a sender's choice, stays as it was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import own_mtu, reach
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import HELD
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    changes as changes_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import (
    Inet,
    Layout,
    by_itself,
    connected_of,
    dev_of,
    kernels_own,
    link_local,
    made_by,
    subnet_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.others import with_others

# While things move: loose reverse path on the bridge, where frames arrive whose answers are routed to the NIC for an instant;
# no duplicate address detection on the device that takes over, which would mute IPv6 for a second
_STAGED_SYSCTLS = {"ipv4/conf/{bridge}/rp_filter": "2", "ipv6/conf/{target}/accept_dad": "0"}
# Before the mode that needs it, which it sets by itself
_SECRET, _BY_SECRET = "/stable_secret", "2"
# What a client takes from the kernel on the device that it serves: dhcpcd hears routers and makes addresses by itself, a link-local one among them.
# Source: dhcpcd(8), its ipv6rs, and since version 10 its if_setup_inet for the first
_TAKEN_SYSCTLS = {
    "dhcpcd": {
        "ipv4/conf/{dev}/promote_secondaries": "1",
        "ipv6/conf/{dev}/accept_ra": "0",
        "ipv6/conf/{dev}/autoconf": "0",
        "ipv6/conf/{dev}/addr_gen_mode": "1",
    }
}


def plan(now: Inet, wish: Layout) -> list[Change]:
    """The changes from what stands now to the layout, in the safe order; what others have added is kept."""
    wish, others = with_others(now, wish)
    first = [changes_of.address("remove", one) for one in reversed(others.again)]
    if first:
        now = replace(
            now,
            addresses=tuple(one for one in now.addresses if one not in others.again),
            routes=tuple(
                way for way in now.routes if not any(made_by(way, one) for one in others.again)
            ),
        )
    changes = [
        replace(one, action=changes_of.KEEP)
        if one.action in ("add", "replace") and others.own(one.payload)
        else one
        for one in (*first, *_plan(now, wish))
    ]
    return reach.judged(now, changes, moving=True)


def without_the_nic(now: Inet, wish: Layout) -> list[Change]:
    """The way back of a NIC that is gone: only a bridge that was made for it goes as well, where nobody else is on it."""
    here = now.links.get(wish.bridge)
    made = wish.made.bridge_link if wish.made is not None else None
    if here is None or here.kind != "bridge" or made is None or wish.bridge_link is not None:
        return []
    if here.mac != made.get("mac") or now.ports_of(wish.bridge):
        return []
    return reach.judged(now, [_deleted(here)], moving=True)


def _deleted(bridge: Link) -> Change:
    return Change("delete", "bridge", bridge.name, {"mac": bridge.mac}, None)


def _plan(now: Inet, wish: Layout) -> list[Change]:
    nic, bridge = wish.nic, wish.bridge
    moving = now.links[nic].master != wish.master
    here = now.links.get(bridge)
    changes = [
        changes_of.client("stop", one)
        for one in now.clients
        if one.dev in (nic, bridge) and one not in wish.clients
    ]
    bridge_made = _bridge_made(now, here, wish)
    early, late = _sysctls(now, wish, moving)
    coming_up = bridge_made if wish.master is not None else []
    # one that is there is told first how to make addresses, which it does when it goes up or gets another MAC
    changes += [*coming_up, *early] if here is None else [*early, *coming_up]
    if wish.nic_up and not now.links[nic].up:
        changes.append(Change("update", "link", nic, {"up": False}, {"up": True}))
    coming = _addresses_to_add(now, wish)
    changes += [changes_of.address("add", one) for one in coming]
    changes += [changes_of.neighbour("add", one) for one in _neighbours_to_copy(now, wish, moving)]
    changes += [changes_of.rule("add", one) for one in wish.rules if one not in now.rules]
    before, after = {"bridge": now.links[nic].master}, {"bridge": wish.master}
    if moving and wish.master is not None:
        given = vlan_words.of_a_new_port(here)
        changes.append(
            Change("attach", "port", nic, before, {**after, **wish.membership}, payload=given)
        )
    changes += _vlans(now, wish, moving)
    changes += _routes(now, wish, coming)
    if moving and wish.master is None:
        changes.append(Change("detach", "port", nic, before, after))
    # before the addresses go: a port that may make itself a link-local address does so again
    changes += late
    changes += [changes_of.address("remove", one) for one in _addresses_to_remove(now, wish)]
    changes += [changes_of.neighbour("remove", one) for one in _neighbours_to_remove(now, wish)]
    changes += [
        changes_of.rule("remove", one)
        for one in now.rules
        if {one.iif, one.oif} & {nic, bridge} and one not in wish.rules
    ]
    changes += [] if wish.master is not None else bridge_made
    if wish.bridge_link is None and here is not None:
        changes.append(_deleted(here))
    if not wish.nic_up and now.links[nic].up:
        changes.append(Change("update", "link", nic, {"up": True}, {"up": False}))
    changes += [changes_of.client("start", one) for one in wish.clients if one not in now.clients]
    return changes


def _vlans(now: Inet, wish: Layout, moving: bool) -> list[Change]:
    """Those that a NIC was to get as it joined, where it has not got them. On the way back a port's VLANs are its own again, or somebody else's by now."""
    wanted, has = wish.membership.get("vlans"), dict(now.links[wish.nic].vlans or {})
    if moving or wish.master is None or wish.made is not None or wanted in (None, has):
        return []
    return [Change("update", "port", wish.nic, {"vlans": has}, {"vlans": wanted})]


def _bridge_made(now: Inet, here: Any, wish: Layout) -> list[Change]:
    if wish.bridge_link is None:
        return []
    options = dict(wish.bridge_link)
    if here is None:
        return [
            Change(
                "create",
                "bridge",
                wish.bridge,
                None,
                {**options, "stp_state": False, "forward_delay": 0.0},
                payload={} if wish.mtu is None else {"mtu": wish.mtu},
            )
        ]
    has = {"mac": here.mac, "mtu": here.mtu, "up": here.up}
    after = {key: value for key, value in options.items() if has[key] != value}
    if wish.master == wish.bridge and own_mtu.may_move(now, here, wish.mtu, {wish.nic: None}):
        after, has = {**after, "mtu": wish.mtu}, {**has, "mtu": None}  # nobody has given it
    before = {key: has[key] for key in after}
    return [Change("update", "bridge", wish.bridge, before, after)] if after else []


def _sysctls(now: Inet, wish: Layout, moving: bool) -> tuple[list[Change], list[Change]]:
    """What a device needs before anything comes to it, or before it goes up, and what waits until nothing moves any more."""
    first = {wish.home} | (set() if now.links[wish.nic].up else {wish.nic})
    staged = {}
    if moving:  # a bridge that does not exist yet has no value to read
        staged = {
            _staged_key(one, wish): value
            for one, value in _STAGED_SYSCTLS.items()
            if one.format(bridge=wish.nic, target=wish.nic) in now.sysctls
        }
    early = [
        changes_of.sysctl(key, now.sysctls.get(key), value)
        for key, value in staged.items()
        if now.sysctls.get(key) != value
    ]
    late = []
    taken = {
        pattern.format(dev=one.dev): value
        for one in now.clients
        for pattern, value in _TAKEN_SYSCTLS.get(one.program, {}).items()
    }
    for key in sorted(wish.sysctls, key=lambda one: not one.endswith(_SECRET)):
        value = wish.sysctls[key]
        if wish.bridge_link is None and dev_of(key) == wish.bridge:
            continue
        present = staged.get(key, now.sysctls.get(key))
        secret = key.replace("/addr_gen_mode", _SECRET)
        if secret != key and wish.sysctls.get(secret, now.sysctls.get(secret)) != now.sysctls.get(secret):  # fmt: skip
            present = _BY_SECRET  # the kernel's own doing when it is given one
        if present not in (value, taken.get(key, value)):
            (early if dev_of(key) in first and key not in staged else late).append(
                changes_of.sysctl(key, present, value)
            )
    return early, late


def _staged_key(pattern: str, wish: Layout) -> str:
    return pattern.format(bridge=wish.bridge, target=wish.home)


def _addresses_to_add(now: Inet, wish: Layout) -> list[Address]:
    missing = [
        one
        for one in wish.addresses
        if not _standing(now.addresses, one)
        and not (one.dev == wish.bridge and link_local(one, now))
        and not rtnl_address.temporary(one)  # nobody but the kernel makes those
    ]
    primary = {
        (one.dev, subnet_of(one))
        for one in now.addresses
        if one.family == rtnl_address.AF_INET and not one.flags & rtnl_address.IFA_F_SECONDARY
    }
    foreign = {
        (one.table, one.dst, one.metric)
        for one in now.routes
        if not (one.devs <= {wish.nic, wish.bridge} or by_itself(one))
    }
    kernels = [one for one in wish.routes if one.protocol == rtnl_route.PROTO_KERNEL]
    coming = []
    for one in missing:
        if one.family == rtnl_address.AF_INET:
            place = (one.dev, subnet_of(one))
            one = replace(
                one,
                flags=one.flags | rtnl_address.IFA_F_SECONDARY
                if place in primary
                else one.flags & ~rtnl_address.IFA_F_SECONDARY,
            )
            primary.add(place)
        behind = any(
            (rtnl_route.TABLE_MAIN, dst, rtnl_address.metric_of(one)) in foreign
            for dst in connected_of(one)
        )
        if behind or (connected_of(one) and not any(made_by(route, one) for route in kernels)):
            # The kernel would make a route that nobody wishes, or put it behind another device's, where replacing the old one keeps who comes first.
            one = replace(one, flags=one.flags | rtnl_address.IFA_F_NOPREFIXROUTE)
        coming.append(one)
    return [one for one in coming if one.family == rtnl_address.AF_INET] + _newest_last(coming)


def _addresses_to_remove(now: Inet, wish: Layout) -> list[Address]:
    surplus = [
        one
        for one in now.addresses
        if one.dev in (wish.nic, wish.bridge) and not _standing(wish.addresses, one)
    ]
    # a host's device makes its own link-local and temporary addresses; a port shall have none
    surplus = [
        one
        for one in surplus
        if not kernels_own(one, now, wish.addresses)
        or (one.dev == wish.nic and wish.master is not None)
    ]
    # nor is what a server or a router gives it meanwhile, by a manager's client, or a client of its own makes there
    surplus = [
        one
        for one in surplus
        if one.dev != wish.home
        or not _made_by_a_client(one, now)
        and (now.managed is None or one.lasts)
    ]
    return [one for one in reversed(surplus) if one.family == rtnl_address.AF_INET] + [
        one for one in surplus if one.family == rtnl_address.AF_INET6
    ]


def _made_by_a_client(address: Address, now: Inet) -> bool:
    if address.family != rtnl_address.AF_INET6 or not address.text.startswith("fe80:"):
        return False
    return any(one.dev == address.dev and one.program in _TAKEN_SYSCTLS for one in now.clients)


def _newest_last(addresses: Iterable[Address]) -> list[Address]:
    """The kernel puts an IPv4 address behind its like, and an IPv6 address before."""
    return [one for one in addresses if one.family == rtnl_address.AF_INET6][::-1]


def _routes(now: Inet, wish: Layout, coming: Iterable[Address]) -> list[Change]:
    """Replace in place where the kernel can tell the route, add and remove where several share one key."""
    own = {wish.nic, wish.bridge}
    mine = [one for one in now.routes if one.devs & own and not by_itself(one)]
    standing = set(mine)
    wished = dict.fromkeys(
        _by_their_manager(route, now, mine) for route in rtnl_route.lasting(wish.routes)
    )
    asked = {(one.key, one.hops) for one in wished if one.protocol in rtnl_route.LEARNED}
    surplus: dict[tuple[Any, ...], list[Route]] = {}
    # one may stand there twice: moved by us, and learned again from a router's advertisement
    for route in mine:
        # what a router tells meanwhile to the device that is a host's is news, and no difference
        news = (
            route.protocol in rtnl_route.LEARNED
            and route.devs == {wish.home}
            and (route.key, route.hops) not in asked
        )
        if route not in wished and not news:
            surplus.setdefault(route.key, []).append(route)
    first: dict[tuple[Any, ...], Route] = {}
    for route in now.routes:
        first.setdefault(route.key, route)
    shared = Counter(one.key for one in now.routes)
    changes = []
    # several ways to one place keep their order among each other
    through = {one.key for one in wished if not one.connected}
    for route in sorted(
        (one for one in wished if one not in standing), key=lambda one: one.key in through
    ):
        old = next(iter(surplus.get(route.key, ())), None)
        if any(made_by(route, one) for one in coming):
            # it stands since its address came, behind the old one, which only has to go
            if old is not None:
                surplus[route.key].remove(old)
                changes.append(changes_of.route("remove", old))
        elif (
            old is None
            or route.heard  # netlink, which could replace the old one, makes none of that kind
            or shared[route.key] > 1
            and (route.family == rtnl_address.AF_INET6 or first[route.key] != old)
        ):
            changes.append(changes_of.route("add", route))
        else:
            surplus[route.key].remove(old)
            changes.append(changes_of.route("replace", route, old))
    return changes + [
        changes_of.route("remove", one) for group in surplus.values() for one in group
    ]


def _by_their_manager(route: Route, now: Inet, mine: Iterable[Route]) -> Route:
    """The same, or what stands in its place with another metric: networkd 252 gives an address that it takes over none, and so the kernel its route."""
    if (
        now.managed is None
        or now.managed.stage == HELD
        or route.protocol != rtnl_route.PROTO_KERNEL
    ):
        return route
    alike = (one for one in mine if replace(one, metric=route.metric, raw=route.raw) == route)
    return next(alike, route)


def _neighbours_to_copy(now: Inet, wish: Layout, moving: bool) -> list[Neighbour]:
    """Permanent and proxy ones always; while moving also what is known, so that no packet waits for an answer."""
    standing = {one.key for one in now.neighbours}
    copies = [one for one in wish.neighbours if one.key not in standing]
    if moving:
        source, target = (wish.nic, wish.bridge) if wish.master else (wish.bridge, wish.nic)
        have = {one.key for one in copies} | standing
        known = [
            replace(one, dev=target)
            for one in now.neighbours
            if one.dev == source and not one.lasting
        ]
        copies += [one for one in known if one.key not in have]
    return copies


def _neighbours_to_remove(now: Inet, wish: Layout) -> list[Neighbour]:
    """Permanent and proxy entries of a device that is a host's no more; what was learned there ages by itself."""
    kept = {one.key for one in wish.neighbours}
    own = (wish.nic, wish.bridge)
    return [one for one in now.neighbours if one.dev in own and one.lasting and one.key not in kept]


def _standing(addresses: Iterable[Address], wanted: Address) -> bool:
    return any(
        one.dev == wanted.dev and one.text == wanted.text and one.peer == wanted.peer
        for one in addresses
    )
