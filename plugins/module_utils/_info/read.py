# SPDX-License-Identifier: GPL-3.0-or-later
"""What bridge_info tells, read over a socket that is open, from links that were read already."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._info import describe
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import mdb as rtnl_mdb
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
    speed,
)


def told(
    netlink: Netlink,
    now: Snapshot,
    routes: Sequence[Route],
    fdb: Sequence[rtnl_neigh.Forwarding],
    name: str | None = None,
    netns: str | None = None,
    lldp: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The host as data: C(bridges) (those of C(name), None for all), C(routes), C(addresses), C(links), C(neighbours) and C(transactions).

    C(lldp): by device what was heard, None where nobody was asked.
    """
    groups = netlink.dump_where_known(rtnl_mdb.RTM_GETMDB, rtnl_mdb.DUMP)
    mdb = None if groups is None else rtnl_mdb.decode(groups, names_of(now.links))
    speeds = {link.name: speed(link) for link in now.links.values() if not link.kind}
    return {
        "bridges": describe.bridges(now, fdb, mdb, name),
        "routes": describe.routes(routes),
        "addresses": describe.addresses(now),
        "links": describe.links(now, speeds, lldp),
        "neighbours": describe.neighbours(netlink.neighbours(now.links)),
        "transactions": transactions.pending(netns),
    }
