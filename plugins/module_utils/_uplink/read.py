# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's links with everything that an address brings along: what a conversion is planned from. Nothing is written."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Container, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import holders
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import heard
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import qdisc as rtnl_qdisc
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet

SYSCTL_ROOT = "/proc/sys/net"


def around(netlink: Netlink, snapshot: Snapshot) -> Inet:
    """The snapshot with the routes, rules, neighbours and hooks of all its links. Raises KernelError."""
    names = names_of(snapshot.links)
    return Inet(
        snapshot.links,
        snapshot.addresses,
        snapshot.holders,
        snapshot.ways,
        snapshot.peers,
        _routes(netlink, names),
        rtnl_route.decode_rules(netlink.dump(rtnl_route.RTM_GETRULE)),
        rtnl_neigh.decode_neighbours(
            [
                *netlink.dump(rtnl_neigh.RTM_GETNEIGH),
                *netlink.dump(rtnl_neigh.RTM_GETNEIGH, rtnl_neigh.PROXIES),
            ],
            names,
        ),
        hooks=_hooks(netlink, names),
    )


def with_own(now: Inet, own: tuple[str, str], there: Container[str]) -> Inet:
    """With the sysctls and DHCP clients of a NIC and its bridge; C(there) are the devices that the kernel has by now.

    One that is yet to be made will start with the defaults.
    """
    dhcp = holders.survey(own)
    sysctls = {
        key: value
        for dev in own
        for key, value in _sysctls(dev, dev if dev in there else "default")
    }
    return replace(now, sysctls=sysctls, clients=dhcp.clients, pretenders=dhcp.pretenders)


def _routes(netlink: Netlink, names: Mapping[int, str]) -> tuple[rtnl_route.Route, ...]:
    """All routes; only of those that a router may have told is asked whether the kernel has them of it."""
    found = rtnl_route.decode_routes(netlink.dump(rtnl_route.RTM_GETROUTE), names)
    if any(map(heard.possible, found)):
        with open(heard.TABLE, encoding="utf-8", errors="surrogateescape") as table:
            found = heard.marked(found, table.read())
    return rtnl_route.plain(found)


def _hooks(netlink: Netlink, names: Mapping[int, str]) -> tuple[tuple[str, str], ...]:
    try:
        return rtnl_qdisc.decode_hooks(
            netlink.dump(rtnl_qdisc.RTM_GETQDISC, rtnl_qdisc.QDISC_HEADER), names
        )
    except KernelError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return ()  # a kernel without qdiscs has none


def _sysctls(dev: str, source: str) -> list[tuple[str, str]]:
    found = []
    for pattern in layout.COPIED_SYSCTLS:
        try:
            with open(f"{SYSCTL_ROOT}/{pattern.format(dev=source)}", encoding="ascii") as stream:
                found.append((pattern.format(dev=dev), stream.read().strip()))
        except FileNotFoundError:
            continue  # no IPv6, or an older kernel
        except OSError as error:
            if error.errno != errno.EIO:  # a secret that nobody has set
                raise
    return found
