# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of the doctor, and one look that answers it: for the module that only looks, and for the one that sends frames too."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import diagnose, read, way
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Host, Way
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import NETNS
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

# whose way is meant: one of them at most
WHOSE = ("guest", "mac", "address", "bridge")
SPEC: Mapping[str, Any] = {**{name: {"type": "str"} for name in WHOSE}, **NETNS}
# what the module that only looks leaves to the other one
ON_THE_WIRE: Mapping[str, Any] = {
    "probe": {"type": "bool", "default": False},
    "listen": {"type": "float", "default": 0},
}
_LONGEST = 600.0  # seconds


def asked(
    params: Mapping[str, Any],
    status: Callable[[], Status] = Status,
    netlink: Callable[[], Netlink] = Netlink,
    enter: Callable[[str | None], None] = enter_netns,
    before: Callable[[list[Way]], Any] | None = None,
) -> tuple[Host, list[Way], dict[str, Any]]:
    """The host, the ways that are meant, and what C(diagnose) says of them. This process is in the network namespace afterwards.

    C(before) is done there with the ways that are meant, before the look that counts, and only where there are such.

    Raises Refused for what nobody on the host knows, KernelError.
    """
    meant = {name: params[name] for name in WHOSE if params[name] is not None}
    if "mac" in meant:
        meant["mac"] = units.mac(meant["mac"])
    found = read.guests(params["netns"], status())
    enter(params["netns"])
    host = read.host(netlink(), found)
    ways = way.ways(host, **meant)
    if before is not None:
        before(ways)
        host = read.host(netlink(), found)
        ways = way.ways(host, **meant)
    also = [link.name for link in host.now.links.values() if link.kind == "bridge"]
    if "bridge" in meant:
        also = [meant["bridge"]]
    elif meant:
        also = []
    return host, ways, diagnose.diagnose(host, ways, also)


def seconds(given: float) -> float:
    """For how long to listen. Raises BadInput."""
    if not 0 <= given <= _LONGEST:
        raise BadInput(
            f"listen {given:g} is no time to listen for; give seconds, {_LONGEST:g} at most, or 0 for not at all."
        )
    return given


def check_alone(params: Mapping[str, Any]) -> None:
    """Raises BadInput where more than a look is asked for, or what no module takes."""
    if params["probe"] or seconds(params["listen"]):
        raise BadInput(
            "A look alone neither listens nor sends frames: with listen or probe bridge_doctor is to be called as a task, whose action runs what does."
        )
