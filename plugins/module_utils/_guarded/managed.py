# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC in the hands of a manager that has an adapter: what is asked of it before a conversion, and its steps, with what each of them loses put back.

Whatever a manager has not made itself is foreign to it, and some of its steps remove that: routes and policy rules of the administrator, of a VPN, of a
container's network. So these are read before each step, and those that are gone after it are sent again.
"""

from __future__ import annotations

import contextlib
import os
from typing import Callable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers import read as owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers import rules, stages
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Managed,
    Manager,
    Owner,
    Uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist.table import ADAPTERS
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_APPEND,
    NLM_F_CREATE,
)

_FOREIGN = (rules.PROTO_BOOT, rules.PROTO_STATIC)


def is_the_hosts_network() -> bool:
    """Whether this is the network that the host's managers are in, and no namespace beside it."""
    try:
        return os.stat("/proc/self/ns/net").st_ino == os.stat("/proc/1/ns/net").st_ino
    except OSError:
        return False


class ManagedUplink:
    """A NIC, None for one that nobody with an adapter manages, and its bridge."""

    def __init__(
        self,
        bridge: str,
        nic: Link | None,
        owner: Callable[[str, int], Owner | None] = owners.owner,
        adapters: Mapping[str, Manager] = ADAPTERS,
    ) -> None:
        self._bridge = bridge
        self._owner = owner
        found = None if nic is None else owner(nic.name, nic.index)
        self._nic = found if found is not None and found.manager in adapters else None
        if self._nic is not None:
            self._adapter = adapters[self._nic.manager]
            self._known = self._adapter.look(self._nic)

    @property
    def programs(self) -> Sequence[str]:
        """The files of the manager's programs."""
        return () if self._nic is None else self._adapter.programs

    def read(self) -> Managed | None:
        """The NIC as it is with its manager now."""
        if self._nic is None:
            return None
        now = self._now()
        return Managed(
            self._nic,
            self._known,
            self._adapter.stage(now, self._bridge),
            self._adapter.objection(self._nic, self._known),
            self._adapter.unknown(self._known),
            self._adapter.watches,
        )

    def _now(self) -> Owner:
        """The NIC with what its manager says by now; as at first where it says nothing."""
        assert self._nic is not None
        return self._owner(self._nic.dev, self._nic.index) or self._nic

    def carry_out(self, change: Change, netlink: Netlink) -> None:
        """Take a step of stages.py. Raises Refused."""
        with _foreign_kept(netlink), netlink.turn():
            if change.action == stages.HOLD:
                self._adapter.hold(self._now(), self._bridge)
            elif change.action == stages.RELEASE:
                self._adapter.release(self._now(), self._bridge)
            else:
                self._adapter.hand_over(self._uplink(netlink))

    def _uplink(self, netlink: Netlink) -> Uplink:
        assert self._nic is not None
        links = netlink.snapshot(vlans=True).links
        routes = rtnl_route.decode_routes(netlink.dump(rtnl_route.RTM_GETROUTE), names_of(links))
        filtering = self._bridge in links and links[self._bridge].options.get("vlan_filtering")
        return Uplink(
            self._now(),
            self._bridge,
            links[self._bridge].mac,
            self._known,
            [one for one in routes if self._bridge in one.devs],
            rules.policies(netlink.dump(rtnl_route.RTM_GETRULE)),
            {dev: links[dev].vlans for dev in (self._nic.dev, self._bridge)} if filtering else {},
            links[self._bridge].options,
        )


@contextlib.contextmanager
def _foreign_kept(netlink: Netlink) -> Iterator[None]:
    """What of routes and rules was added by others is there afterwards too."""
    routes, policies = _routes(netlink), _rules(netlink)
    try:
        yield
    finally:
        links = netlink.snapshot().links
        there = _routes(netlink)
        for route, body in routes.items():
            if route not in there and route.devs <= set(links):
                indexes = [index_of(hop.dev, links) if hop.dev else 0 for hop in route.hops]
                again = rtnl_route.reroute(body, indexes)
                flags = NLM_F_CREATE | NLM_F_APPEND
                _sent(netlink, rtnl_route.RTM_NEWROUTE, flags, again, f"add the route {route}")
        still = _rules(netlink)
        for policy, body in policies.items():
            if policy not in still:
                _sent(netlink, rtnl_route.RTM_NEWRULE, NLM_F_CREATE, body, f"add the rule {policy}")


def _routes(netlink: Netlink) -> dict[rtnl_route.Route, bytes]:
    names = names_of(netlink.snapshot().links)
    found = rtnl_route.decode_routes(netlink.dump(rtnl_route.RTM_GETROUTE), names)
    return {one: one.raw for one in found if one.protocol in _FOREIGN}


def _rules(netlink: Netlink) -> dict[rules.Policy, bytes]:
    """Policy rules whatever their protocol: networkd puts its own in the place of the same rule of somebody else's."""
    bodies = netlink.dump(rtnl_route.RTM_GETRULE)
    return {rules.anybodys(one): one.raw for one in rules.policies(bodies)}


def _sent(netlink: Netlink, kind: int, flags: int, body: bytes, what: str) -> None:
    """What can't be added again is gone with what it needed, such as a device."""
    with contextlib.suppress(KernelError):
        netlink.send(kind, flags, body, what)
