# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC and its bridge as a noun that is only looked at: what stands is read, and what a wish changes is planned. Who carries that out is apply.py's."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import alone
from ansible_collections.hypervisor.network.plugins.module_utils._link.read import (
    read as read_links,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    identity,
    preflight,
    read,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet, Layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec


class Uplink:
    """See C(_core/reconcile.Noun). A wish is a Spec.

    It is relative to what stood when it was first planned: the read-back compares with that, so nothing can get lost on the way unseen.
    """

    def __init__(self, netlink: Netlink, spec: Spec) -> None:
        self._netlink = netlink
        self.alone = alone
        self._spec = spec
        self._target: Layout | None = None
        self._names: dict[int, str] = {}  # as they were at the first look
        self._index = 0
        self._called: dict[str, str] = {}
        self._gone = False

    def read(self) -> Inet:
        around = read.around(self._netlink, read_links(self._netlink))
        self._recognise(names_of(around.links), around)
        return read.with_own(around, (self._spec.nic, self._spec.bridge), around.links)

    def _recognise(self, names: dict[int, str], now: Snapshot) -> None:
        """Which device is the NIC: the one that had its name at the first look, whatever it is called by now."""
        if not self._index:
            if self._spec.nic in now.links:
                self._names, self._index = names, now.links[self._spec.nic].index
            return
        self._gone = self._index not in names
        self._called = identity.renamed(self._names, names)
        self._spec = replace(self._spec, nic=names.get(self._index, self._names[self._index]))

    def plan(self, now: Inet, wish: Spec) -> Plan:
        if self._target is None:
            self._target = preflight.target(now, wish)
        return uplink_plan.plan(now, self._target)
