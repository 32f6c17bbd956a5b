# SPDX-License-Identifier: GPL-3.0-or-later
"""One read of the kernel, of the guests and of what other managers left; nothing is sent, started or written."""

from __future__ import annotations

from typing import Callable, Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import surroundings, takers
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Host
from ansible_collections.hypervisor.network.plugins.module_utils._link.read import read as links
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    macvlan,
    virtual_functions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import mdb as rtnl_mdb
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    forwarding,
    manager_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    managers as network_managers,
)


def guests(netns: str | None, status: Status) -> list[Guest]:
    """The guests that were started in a network namespace, as they are now."""
    return [guest for guest in status.there() if guest.spec.get("netns") == netns]


def host(
    netlink: Netlink,
    found: Iterable[Guest],
    dropping: Callable[..., Iterable[str]] = forwarding.dropping,
    traces: Callable[[str, int], network_managers.Traces] = manager_files.read,
) -> Host:
    """The host as it is. Raises KernelError."""
    now = links(netlink)
    routes = rtnl_route.decode_routes(netlink.dump(rtnl_route.RTM_GETROUTE), names_of(now.links))
    gateways: dict[str, list[str]] = {}
    for route in routes:
        for hop in route.hops if route.dst == "default" else ():
            if hop.gateway and hop.dev:
                gateways.setdefault(hop.dev, []).append(hop.gateway)
    bridges = [link for link in now.links.values() if link.kind == "bridge"]
    bare = Host(now)
    groups = netlink.dump_where_known(rtnl_mdb.RTM_GETMDB, rtnl_mdb.DUMP)
    routers = {} if groups is None else rtnl_mdb.decode(groups, names_of(now.links)).routers
    wires = [wire for bridge in bridges for wire in bare.uplinks(bridge.name)]
    return Host(
        # who holds a tap is looked up now, while nothing else has changed
        Snapshot(now.links, now.addresses, dict(now.holders)),
        list(found),
        netlink.fdb(now.links),
        netlink.neighbours(now.links),
        gateways,
        {bridge.name: tuple(dropping(bridge.name, bridge)) for bridge in bridges},
        {
            wire.name: [
                sentence
                for _override, sentence in network_managers.objections(
                    wire.name, traces(wire.name, wire.index)
                )
            ]
            for wire in wires
        },
        takers.of_links(link for link in now.links.values() if link.kind == "tun"),
        routes,
        surroundings.strict(link.name for link in bridges),
        frozenset(bridge for bridge, ports in routers.items() if ports),
        surroundings.wires(
            wires,
            lambda: macvlan.passed_through(netlink.dump(rtnl_link.RTM_GETLINK)),
            lambda: virtual_functions.decode(
                netlink.dump(rtnl_link.RTM_GETLINK, virtual_functions.DUMP)
            ),
        ),
        surroundings.cloud(),
    )
