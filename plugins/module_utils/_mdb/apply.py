# SPDX-License-Identifier: GPL-3.0-or-later
"""Multicast groups as a noun: the planner of _mdb, and its changes as messages. Layouts: Linux' include/uapi/linux/if_bridge.h."""

from __future__ import annotations

import errno
import time
from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import Guard
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Lazily
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import alone
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import plan as mdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import mdb as rtnl_mdb
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    OnASocket,
    index_of,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
)

_NO_DEVICE = 0x7FFFFFFF  # an index that none has
_ANY_GROUP = "239.0.0.1"


class MdbNoun(OnASocket):
    """See C(_core/reconcile.Noun). C(with_lists) are the bridges for which lists of senders are asked for; C(clock) gives seconds."""

    KINDS = (mdb_plan.KIND,)

    def __init__(
        self,
        netlink: Netlink,
        with_lists: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
        guard: Guard | None = None,
    ) -> None:
        self.netlink = netlink
        self._with_lists = tuple(with_lists)
        self._clock = clock
        self._begun: float | None = None
        self.guard = guard
        self.alone = alone

    def read(self) -> mdb_plan.Table:
        host = self.netlink.snapshot(addresses=True, vlans=True)
        host = replace(host, ways=Lazily(lambda: self.netlink.ways(host.links)))
        groups = self.netlink.dump_where_known(rtnl_mdb.RTM_GETMDB, rtnl_mdb.DUMP)
        names = names_of(host.links)
        found = None if groups is None else rtnl_mdb.decode(groups, names).groups
        since = None if self._begun is None else self._clock() - self._begun
        return mdb_plan.Table(host, found, since)

    def prepare(self, before: mdb_plan.Table) -> None:
        self.netlink.ready()
        for bridge in self._with_lists:
            self._check_lists(before.host.links[bridge].index)

    def _check_lists(self, bridge: int) -> None:
        """Asked with a port that does not exist, so that nothing can come of it. Raises Unsupported."""
        body = rtnl_mdb.entry(bridge, _NO_DEVICE, _ANY_GROUP, None, None, True, "exclude")
        try:
            self.netlink.send(rtnl_mdb.RTM_NEWMDB, NLM_F_CREATE, body, "ask for lists of senders")
        except KernelError as error:
            mdb_plan.check_lists(error.errno)

    def plan(self, now: mdb_plan.Table, wish: Iterable[Mapping[str, Any]]) -> Plan:
        return mdb_plan.plan(now, wish)

    def wish_back(self, before: mdb_plan.Table, changes: Plan) -> list[dict[str, Any]]:
        return mdb_plan.wish_back(before, changes)

    def apply(self, changes: Plan, now: mdb_plan.Table) -> None:
        if self._begun is None:
            self._begun = self._clock()
        indexes = {name: link.index for name, link in now.host.links.items()}
        for change in changes:
            # a name may be another device's by now
            for name in (change.payload.bridge, change.payload.port):
                self.netlink.still(name, indexes.get(name))
            if change.after is None:
                self._delete(change, indexes)
                continue
            try:
                self._set(change, indexes)
            except KernelError as error:
                # kernels before 6.2 replace nothing
                if error.errno != errno.EEXIST:
                    raise
                self._delete(change, indexes)
                self._set(change, indexes)

    def _set(self, change: Change, indexes: Mapping[str, int]) -> None:
        after = change.payload.after
        # what the kernel has to be told of the bridge itself is nothing
        own = change.payload.port == change.payload.bridge
        self.netlink.send(
            rtnl_mdb.RTM_NEWMDB,
            NLM_F_CREATE | NLM_F_REPLACE,
            _body(
                change,
                indexes,
                permanent=after["type"] == "permanent",
                filter_mode=None if own or change.payload.source else after["filter_mode"],
                source_list=after["source_list"],
            ),
            f"set the {after['type']} group {change.name}",
        )

    def _delete(self, change: Change, indexes: Mapping[str, int]) -> None:
        try:
            self.netlink.send(
                rtnl_mdb.RTM_DELMDB, 0, _body(change, indexes), f"delete the group {change.name}"
            )
        except KernelError as error:
            # the kernel says that also of one that is gone meanwhile
            left = {mdb_plan.key_of(one) for one in self.read().groups or ()}
            if error.errno != errno.EINVAL or mdb_plan.key_of(change.payload) in left:
                raise


def _body(change: Change, indexes: Mapping[str, int], **says: Any) -> bytes:
    step = change.payload
    bridge, port = (
        indexes[one] if one in indexes else index_of(one, {}) for one in (step.bridge, step.port)
    )
    return rtnl_mdb.entry(bridge, port, step.group, step.vlan, step.source, **says)
