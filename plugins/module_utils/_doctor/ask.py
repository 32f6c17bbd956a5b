# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of the doctor, and one look that answers it: for the module that only looks, and for the one that sends frames too."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import diagnose, read, way
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Host, Way
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import NETNS
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

# whose way is meant: one of them at most
WHOSE = ("guest", "mac", "address", "bridge")
SPEC: Mapping[str, Any] = {**{name: {"type": "str"} for name in WHOSE}, **NETNS}


def asked(
    params: Mapping[str, Any],
    status: Callable[[], Status] = Status,
    netlink: Callable[[], Netlink] = Netlink,
    enter: Callable[[str | None], None] = enter_netns,
) -> tuple[Host, list[Way], dict[str, Any]]:
    """The host, the ways that are meant, and what C(diagnose) says of them. This process is in the network namespace afterwards.

    Raises Refused for what nobody on the host knows, KernelError.
    """
    meant = {name: params[name] for name in WHOSE if params[name] is not None}
    if "mac" in meant:
        meant["mac"] = units.mac(meant["mac"])
    found = read.guests(params["netns"], status())
    enter(params["netns"])
    host = read.host(netlink(), found)
    ways = way.ways(host, **meant)
    also = [link.name for link in host.now.links.values() if link.kind == "bridge"]
    if "bridge" in meant:
        also = [meant["bridge"]]
    elif meant:
        also = []
    return host, ways, diagnose.diagnose(host, ways, also)
