# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes that the kernel made of a device's addresses, told once more to whoever listens.

networkd takes two routes to one network, by two devices, for one: while addresses move it forgets the second with the first (seen with systemd 257). Then
it knows of no way to a gateway, so that it waits with its own routes for ever, and is never at rest.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import (
    PROTO_BOOT,
    PROTO_KERNEL,
    RTM_GETROUTE,
    RTM_NEWROUTE,
    Route,
    by_protocol,
    decode_routes,
    reroute,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
)

_LINK_LOCAL = ("fe80", "ff00")  # every device has those, and no gateway of a route is found by them


def tell(netlink: Netlink, dev: str) -> None:
    """Tell the device's connected routes again, each replaced in place: there is no moment without one."""
    links = netlink.snapshot().links
    for route in _connected(decode_routes(netlink.dump(RTM_GETROUTE), names_of(links)), dev):
        body = reroute(route.raw, [index_of(dev, links)])
        with contextlib.suppress(KernelError):  # it is gone meanwhile: nothing to tell
            for protocol in (PROTO_BOOT, route.protocol):
                netlink.send(
                    RTM_NEWROUTE,
                    NLM_F_CREATE | NLM_F_REPLACE,
                    by_protocol(body, protocol),
                    f"replace the route {route}",
                )


def _connected(routes: tuple[Route, ...], dev: str) -> Iterator[Route]:
    """Those of the device alone: of two with one key, the kernel would replace the first."""
    count = Counter(one.key for one in routes)
    for one in routes:
        if (
            one.protocol == PROTO_KERNEL
            and one.devs == {dev}
            and one.connected
            and one.dst[:4] not in _LINK_LOCAL
            and count[one.key] == 1
        ):
            yield one
