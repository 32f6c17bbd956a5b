# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What shall be where: a Layout says it of a NIC and its bridge, and is the wish of every conversion and of every way back.

C(bridged) and C(unbridged) turn what stands now into a Layout, C(layout_of) an earlier snapshot. How to get there is _uplink's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_UP,
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Managed
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route, Rule
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import Traces


@dataclass(frozen=True)
class Inet(Snapshot):
    """A snapshot with everything that an address brings along.

    C(sysctls) maps "ipv4/conf/eth0/rp_filter" to its text; C(hooks) are (device, kind) of qdiscs that see frames before a bridge does.
    C(traces) are what other managers of networks left, C(forwards_dropped) are the chains of the host's packet filter that keep guests apart, and
    C(filter_rules) are those of it that name the NIC; C(listeners) are programs that listen on the NIC alone, and C(pretenders) tell of processes
    that only look like a DHCP client. C(managed) is the NIC in the hands of a manager that has an adapter, None for nobody's.
    """

    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[Client, ...] = ()
    hooks: tuple[tuple[str, str], ...] = ()
    traces: Traces = field(default_factory=Traces)
    forwards_dropped: tuple[str, ...] = ()
    filter_rules: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()
    pretenders: tuple[str, ...] = ()
    managed: Managed | None = None


@dataclass(frozen=True)
class Layout:
    """Where the things of a NIC and its bridge shall be. C(bridge_link) is None where the bridge shall not exist.

    C(membership) holds the options and VLANs of a NIC that is a port already: they are lost when it leaves, and come back with it. Of one that shall
    join it holds the VLANs, where they are not those that the kernel gives it.
    C(made) is what a conversion aimed at that this is the way back from: of what stands neither here nor there, others are the owners. None where
    everything else on the two devices is surplus. C(mtu) is the bridge's where somebody asked for one, rather than for the NIC's.
    """

    nic: str
    bridge: str
    master: str | None
    bridge_link: Mapping[str, Any] | None
    addresses: tuple[Address, ...]
    routes: tuple[Route, ...]
    rules: tuple[Rule, ...]
    neighbours: tuple[Neighbour, ...]
    sysctls: Mapping[str, str]
    clients: tuple[Client, ...]
    nic_up: bool = True
    membership: Mapping[str, Any] = field(default_factory=dict)
    made: Layout | None = None
    mtu: int | None = None

    @property
    def home(self) -> str:
        """The device that is a host's."""
        return self.master or self.nic


# Per device, and copied from the NIC to the bridge: what decides how the host answers and what it believes.
_SYSCTLS4 = (
    "rp_filter", "arp_ignore", "arp_announce", "arp_filter", "arp_accept", "arp_notify", "forwarding", "accept_redirects", "secure_redirects",
    "shared_media", "send_redirects", "accept_source_route", "accept_local", "log_martians", "proxy_arp", "route_localnet",
    "promote_secondaries", "src_valid_mark",
)  # fmt: skip
_SYSCTLS6 = (
    "disable_ipv6", "forwarding", "accept_ra", "accept_ra_defrtr", "accept_ra_pinfo", "accept_ra_rtr_pref", "accept_ra_rt_info_max_plen",
    "accept_ra_mtu", "accept_redirects", "accept_source_route", "autoconf", "accept_dad", "dad_transmits", "optimistic_dad", "use_tempaddr",
    "temp_valid_lft", "temp_prefered_lft", "router_solicitations", "max_addresses", "hop_limit", "ndisc_notify", "proxy_ndp",
    "stable_secret", "addr_gen_mode",  # in this order: without a secret the mode that needs one is refused
)  # fmt: skip
COPIED_SYSCTLS = tuple(
    [f"ipv4/conf/{{dev}}/{key}" for key in _SYSCTLS4]
    + [f"ipv6/conf/{{dev}}/{key}" for key in _SYSCTLS6]
)
# 1: no link-local address by itself
_PORT_SYSCTLS = {"ipv6/conf/{dev}/accept_ra": "0", "ipv6/conf/{dev}/addr_gen_mode": "1"}
_HOST_SYSCTLS = {"ipv6/conf/{dev}/accept_ra": "1", "ipv6/conf/{dev}/addr_gen_mode": "0"}
# What the kernel finds out by itself: secondary, tentative, permanent, failed, deprecated
OBSERVED = 0x01 | 0x40 | 0x80 | 0x08 | 0x20
_SCOPE_LINK = 253


def layout_of(now: Inet, nic: str, bridge: str) -> Layout:
    """What stands now, as a wish."""
    link = now.links.get(bridge)
    own = {nic, bridge}
    return Layout(
        nic=nic,
        bridge=bridge,
        master=now.links[nic].master,
        bridge_link=None if link is None else {"mac": link.mac, "mtu": link.mtu, "up": link.up},
        addresses=tuple(one for one in now.addresses if one.dev in own),
        routes=tuple(one for one in now.routes if one.devs & own and not by_itself(one)),
        rules=tuple(one for one in now.rules if {one.iif, one.oif} & own),
        neighbours=tuple(one for one in now.neighbours if one.dev in own and one.lasting),
        sysctls={key: value for key, value in now.sysctls.items() if dev_of(key) in own},
        clients=tuple(_with_metric(one, now.routes) for one in now.clients if one.dev in own),
        nic_up=now.links[nic].up,
        membership={
            key: value
            for key, value in port_planner.membership(now, nic).items()
            if key not in ("bridge", "up")
        },
    )


def bridged(
    now: Inet,
    nic: str,
    bridge: str,
    mac: str | None = None,
    mtu: int | None = None,
    accept_ra: bool | None = None,
) -> Layout:
    """What shall stand: the bridge has everything that the NIC has, and the NIC only carries frames.

    C(mac), C(mtu) and C(accept_ra) are the bridge's own where they are given.
    """
    was = layout_of(now, nic, bridge)
    moved = _moved(now, was, nic, bridge)
    link = now.links[nic]
    sysctls = dict(was.sysctls)
    if link.master != bridge:
        for pattern in COPIED_SYSCTLS:
            if pattern.format(dev=nic) in was.sysctls:
                sysctls[pattern.format(dev=bridge)] = was.sysctls[pattern.format(dev=nic)]
    sysctls.update(
        {
            pattern.format(dev=nic): value
            for pattern, value in _PORT_SYSCTLS.items()
            if pattern.format(dev=nic) in was.sysctls
        }
    )
    believes = f"ipv6/conf/{bridge}/accept_ra"
    if accept_ra is not None and believes in sysctls:
        # a host that forwards listens to routers only where it is told twice
        routes = sysctls.get(f"ipv6/conf/{bridge}/forwarding") not in ("0", None)
        sysctls[believes] = ("2" if routes else "1") if accept_ra else "0"
    own = {"mac": link.mac, "mtu": link.mtu} if link.master != bridge else {}
    own.update({key: one for key, one in (("mac", mac), ("mtu", mtu)) if one is not None})
    pinned = {**own, "up": True}
    return replace(
        moved,
        master=bridge,
        bridge_link=pinned,
        sysctls=sysctls,
        nic_up=True,
        mtu=mtu,
        membership=was.membership if link.master == bridge else vlans_to_get(now.links.get(bridge)),
    )


def vlans_to_get(bridge: Link | None) -> dict[str, Any]:
    """What a NIC is given when it joins: the VLANs of the host on a bridge that filters them, where the kernel gives it others."""
    if bridge is None or bridge.vlans is None or not bridge.options.get("vlan_filtering"):
        return {}
    begins = vlan_words.of_a_new_port(bridge)
    carries = vlan_words.of_an_uplink(bridge.vlans, begins or {})
    return {} if carries == begins else {"vlans": carries}


def unbridged(now: Inet, nic: str, bridge: str) -> Layout:
    """The way back: the NIC has everything that the bridge has; the bridge stays, for its other ports."""
    was = layout_of(now, nic, bridge)
    if was.master != bridge:
        return was
    moved = _moved(now, was, bridge, nic)
    sysctls = dict(was.sysctls)
    for pattern, value in _HOST_SYSCTLS.items():
        if pattern.format(dev=nic) in was.sysctls:
            sysctls[pattern.format(dev=nic)] = was.sysctls.get(pattern.format(dev=bridge), value)
    return replace(moved, master=None, sysctls=sysctls)


def reached(now: Inet, wish: Layout) -> Inet:
    """The host as it will be when the layout stands."""
    own = {wish.nic, wish.bridge}
    made = dict(wish.bridge_link or {})
    flags = IFF_UP if made.pop("up", False) else 0
    bridge = now.links.get(wish.bridge, Link(wish.bridge, kind="bridge"))
    links = {
        **now.links,
        wish.bridge: replace(bridge, **made, flags=bridge.flags | flags),
        wish.nic: replace(
            now.links[wish.nic],
            master=wish.master,
            port={} if wish.master else None,
            vlans=_vlans_of_a_port(bridge, wish) if wish.master == wish.bridge else None,
        ),
    }
    return replace(
        now,
        links=links,
        addresses=(*(one for one in now.addresses if one.dev not in own), *wish.addresses),
        routes=(*(one for one in now.routes if not one.devs & own or by_itself(one)), *wish.routes),
        rules=(*(one for one in now.rules if not {one.iif, one.oif} & own), *wish.rules),
        neighbours=(*(one for one in now.neighbours if one.dev not in own), *wish.neighbours),
        sysctls={**now.sysctls, **wish.sysctls},
        clients=(*(one for one in now.clients if one.dev not in own), *wish.clients),
    )


def _vlans_of_a_port(bridge: Link, wish: Layout) -> Mapping[str, str] | None:
    return wish.membership.get("vlans", vlan_words.of_a_new_port(bridge))


def _moved(now: Inet, was: Layout, source: str, target: str) -> Layout:
    """Everything of C(source) on C(target)."""
    there = {(one.text, one.peer) for one in was.addresses if one.dev == target}
    addresses = [one for one in was.addresses if one.dev == target or link_local(one, now)]
    for one in was.addresses:
        if one.dev != source or link_local(one, now) or (one.text, one.peer) in there:
            continue
        if rtnl_address.temporary(one) or rtnl_address.stands_in(one):
            if target != was.bridge:
                continue  # the NIC's are made by the kernel, and by nobody else
            one = rtnl_address.standing_in(one)
        addresses.append(replace(one, dev=target, flags=one.flags & ~OBSERVED))
    if target == was.bridge:
        # the NIC keeps no link-local address: as a port it would answer for a network it is no host of
        addresses = [one for one in addresses if one.dev != source]
    names = {source: target}
    routes: dict[tuple[Any, ...], Route] = {}
    for route in was.routes:
        hops = tuple(replace(hop, dev=names.get(hop.dev or "", hop.dev)) for hop in route.hops)
        # of two addresses in one network each may have its own: NetworkManager gives them so
        preferred = route.src if route.family == rtnl_address.AF_INET else None
        routes.setdefault((route.key, hops, preferred), replace(route, hops=hops))
    return replace(
        was,
        addresses=tuple(addresses),
        routes=tuple(routes.values()),
        rules=tuple(dict.fromkeys(rtnl_route.rename_rule(rule, names) for rule in was.rules)),
        neighbours=tuple(dict.fromkeys(replace(one, dev=target) for one in was.neighbours)),
        clients=tuple(client_for(one, target) if one.dev == source else one for one in was.clients),
    )


def subnet_of(address: Address) -> str:
    """The network that an address is in; an IPv4 address with a peer is in its peer's."""
    local, _slash, length = address.text.partition("/")
    near = address.peer if address.peer and address.family == rtnl_address.AF_INET else local
    return rtnl_address.network_of(near, int(length), address.family)


def connected_of(address: Address) -> tuple[str, ...]:
    """The networks to which the kernel makes a route of an address by itself (Linux: fib_add_ifaddr, addrconf_prefix_route)."""
    own = subnet_of(address)
    if address.family == rtnl_address.AF_INET6 and address.scope == _SCOPE_LINK:
        return ()  # fe80::/64 comes with the device
    if address.family == rtnl_address.AF_INET:
        silent = (
            address.flags & (rtnl_address.IFA_F_NOPREFIXROUTE | rtnl_address.IFA_F_SECONDARY)
            or own == f"{address.text.partition('/')[0]}/32"
        )
        return () if silent else (own,)
    peer = (f"{address.peer}/128",) if address.peer else ()
    return peer if address.flags & rtnl_address.IFA_F_NOPREFIXROUTE else (own, *peer)


def made_by(route: Route, address: Address) -> bool:
    """Whether a route is one that the kernel makes of an address."""
    if (
        route.protocol != rtnl_route.PROTO_KERNEL
        or route.family != address.family
        or route.hops != (Hop(address.dev),)
    ):
        return False
    source = route.src in (None, address.text.partition("/")[0])
    return (
        source
        and route.metric == rtnl_address.metric_of(address)
        and route.dst in connected_of(address)
    )


def link_local(address: Address, now: Snapshot) -> bool:
    """Whether it is the IPv6 link-local address that the kernel gives and takes by itself."""
    if address.family != rtnl_address.AF_INET6 or address.scope != _SCOPE_LINK:
        return False
    link = now.links.get(address.dev)
    return rtnl_address.by_kernel(address, link.mac if link else None)


def kernels_own(address: Address, now: Snapshot, managed: Iterable[Address]) -> bool:
    """Whether the kernel gives and takes it by itself: a device's link-local address, and temporary ones of an address of C(managed)."""
    if rtnl_address.temporary(address):
        subnet = subnet_of(address)
        return any(
            one.dev == address.dev
            and one.flags & rtnl_address.IFA_F_MANAGETEMPADDR
            and subnet_of(one) == subnet
            for one in managed
        )
    return link_local(address, now)


def by_itself(route: Route) -> bool:
    """What the kernel makes and removes with a device: fe80::/64 and multicast."""
    return (
        route.family == rtnl_address.AF_INET6
        and route.protocol == rtnl_route.PROTO_KERNEL
        and route.dst.startswith(("fe80:", "ff00:"))
    )


def dev_of(sysctl: str) -> str:
    """The device in "ipv4/conf/eth0/rp_filter"."""
    return sysctl.split("/")[2]


def client_for(client: Client, dev: str) -> Client:
    """The same client for another device: its name as an argument, and in the names of its files."""
    exact = {f"{option}{client.dev}": f"{option}{dev}" for option in ("", "-i", "--interface=")}
    argv = [
        part.replace(f".{client.dev}.", f".{dev}.") if "/" in part else exact.get(part, part)
        for part in client.argv
    ]
    return replace(client, dev=dev, argv=tuple(argv), pid=0)


def _with_metric(client: Client, routes: Iterable[Route]) -> Client:
    found = [
        one.metric
        for one in routes
        if one.protocol == rtnl_route.PROTO_DHCP and one.devs == {client.dev}
    ]
    return replace(client, metric=found[0] if found else None)
