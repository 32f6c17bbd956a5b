# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversion as it is foreseen: with who manages the NIC, what the packet filter says, and what the LAN answers. Nothing of it is carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import Elsewhere
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.managed import (
    ManagedUplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import stages
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import (
    is_the_hosts_network,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import surroundings
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.noun import Uplink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec


class Surrounded(Uplink):
    """An uplink with what is beside it. C(seconds) are the guard's, 0 for none."""

    def __init__(self, netlink: Netlink, spec: Spec, seconds: float) -> None:
        super().__init__(netlink, spec)
        self._seconds = seconds
        self._others: dict[str, Any] | None = None
        self._manager = ManagedUplink(spec.bridge, None)

    def read(self) -> Inet:
        """With other managers of the NIC, and what the packet filter says: read once, because no way back asks for it."""
        now = super().read()
        if self._others is None:
            self._manager = self._managed(now.links)
            self._others = surroundings.beside_us(self._spec, now.links, self._manager.programs)
        return replace(now, **self._others, managed=self._manager.read())

    def _managed(self, links: Mapping[str, Link]) -> ManagedUplink:
        nic = links.get(self._spec.nic)
        ours = self._spec.own_network and is_the_hosts_network()
        return ManagedUplink(self._spec.bridge, nic if ours else None)

    def plan(self, now: Inet, wish: Any) -> Plan:
        return self._framed(super().plan(now, wish), now, wish)

    def _framed(self, changes: Plan, now: Inet, wish: Any) -> list[Change]:
        """The changes, with the steps of the NIC's manager."""
        return stages.asked(changes, now.managed, self._spec.bridge, wish.present)

    def prepare(self, before: Inet) -> None:
        """Raises Refused where another host has an address of the NIC, and where the guard's time is shorter than the switch may be mute."""
        surroundings.ask_the_lan(before, self._spec, self._seconds or None)


class ForeseenUplink(Surrounded):
    """One that is foreseen, and carried out elsewhere: by C(guarded_change), which the task's action runs where anything is to be changed."""

    def __init__(self, netlink: Netlink, spec: Spec, options: Mapping[str, Any]) -> None:
        super().__init__(netlink, spec, options["guard_timeout"])
        self.guard = Elsewhere()
