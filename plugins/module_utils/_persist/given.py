# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manager's step takes for a moment, and a server or a router gives again, is waited for: nobody tells when they have answered.

networkd asks for a lease by DHCPv6, and for routers, anew when it reads its files: seen to take 4 s on an emulated machine, and a tenth of one elsewhere.
"""

from __future__ import annotations

import time
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._link.ageing import with_own_times
from ansible_collections.hypervisor.network.plugins.module_utils._managers import rules
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Standing
from ansible_collections.hypervisor.network.plugins.module_utils._persist.missing import missing
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
)

PATIENCE = 20.0
_TICK = 0.2


def standing(netlink: Netlink, links: Snapshot | None = None) -> Standing:
    """What the kernel has of it; C(links) is a snapshot with addresses and VLANs where there is one already."""
    if links is None:
        links = netlink.snapshot(addresses=True, vlans=True)
    own = {
        name: with_own_times(link) if link.kind == "bridge" else link
        for name, link in links.links.items()
    }
    return Standing(
        own,
        links.addresses,
        routes=rtnl_route.decode_routes(
            netlink.dump(rtnl_route.RTM_GETROUTE), names_of(links.links)
        ),
        rules=rules.policies(netlink.dump(rtnl_route.RTM_GETRULE)),
    )


def wait(
    netlink: Netlink, before: Standing, names: Sequence[str], patience: float = PATIENCE
) -> None:
    """Until nothing is missing of C(names) that is given again; in vain where something else is, or where nobody answers."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        gone = missing(before, standing(netlink), names)
        if not gone or not all(one.given for one in gone):
            return
        time.sleep(_TICK)
