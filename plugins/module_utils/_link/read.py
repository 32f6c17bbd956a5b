# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of a host, and whom it talks to over them: what planners and the judgement of risks look at."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Lazily,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import tuntap
from ansible_collections.hypervisor.network.plugins.module_utils._link.ageing import with_own_times
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    mac_given,
    wireless,
)


def read(netlink: Netlink) -> Snapshot:
    """Links, VLANs and addresses at once; holders, routes and neighbours when a planner asks for them. Raises KernelError."""
    snapshot = netlink.snapshot(addresses=True, vlans=True)
    stations = wireless(name for name, link in snapshot.links.items() if not link.kind)
    links = dict(snapshot.links)
    for name, link in snapshot.links.items():
        if name in stations:
            links[name] = replace(link, wireless=True)
        elif link.kind == "bridge":
            links[name] = replace(with_own_times(link), mac_given=mac_given(link))
    return Snapshot(
        links,
        snapshot.addresses,
        Lazily(tuntap.holders),
        Lazily(lambda: netlink.ways(links)),
        Lazily(lambda: rtnl_neigh.peers(netlink.neighbours(links), netlink.fdb(links))),
    )
