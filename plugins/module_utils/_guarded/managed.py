# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC in the hands of a manager that has an adapter: what is asked of it before a conversion, and its steps, with what each of them loses put back."""

from __future__ import annotations

from typing import Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    connected,
    foreign,
    rules,
    stages,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import read as owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Managed,
    Manager,
    Owner,
    Uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist import given
from ansible_collections.hypervisor.network.plugins.module_utils._persist.table import ADAPTERS
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
)


class ManagedUplink:
    """A NIC, None for one that nobody with an adapter manages, and its bridge."""

    def __init__(
        self,
        bridge: str,
        nic: Link | None,
        owner: Callable[[str, int], Owner | None] = owners.owner,
        adapters: Mapping[str, Manager] | None = None,
    ) -> None:
        adapters = ADAPTERS if adapters is None else adapters
        self._bridge = bridge
        self._owner = owner
        found = None if nic is None else owner(nic.name, nic.index)
        self._nic = found if found is not None and found.manager in adapters else None
        if self._nic is not None:
            self._adapter = adapters[self._nic.manager]
            self._known = self._adapter.look(self._nic, bridge)

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
            getattr(self._known, "theirs", False),
        )

    def _now(self) -> Owner:
        """The NIC with what its manager says by now; as at first where it says nothing."""
        return self._owner(self._nic.dev, self._nic.index) or self._nic

    def carry_out(self, change: Change, netlink: Netlink) -> None:
        """Take a step of stages.py. Raises Refused."""
        dev = self._bridge if change.action == stages.HAND_OVER else self._nic.dev
        before = given.standing(netlink)
        with foreign.kept(netlink), netlink.turn():
            if change.action != stages.HOLD and self._adapter.watches:
                connected.tell(netlink, dev)
            if change.action == stages.HOLD:
                self._adapter.hold(self._now(), self._bridge)
            elif change.action == stages.RELEASE:
                self._adapter.release(self._now(), self._bridge)
            else:
                self._adapter.hand_over(self._uplink(netlink))
        given.wait(netlink, before, (dev,))

    def _uplink(self, netlink: Netlink) -> Uplink:
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
