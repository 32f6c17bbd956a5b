# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding entries as a noun: the planner of _fdb, and its changes as messages. Layouts: Linux' include/uapi/linux/neighbour.h."""

from __future__ import annotations

import errno
import struct
import time
from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import Guard
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Lazily
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import alone
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    OnASocket,
    index_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    Message,
)

_NLM_F_BULK = 0x200
_NLA_F_NESTED = 0x8000
_NDA_IFINDEX, _NDA_NDM_STATE_MASK, _NDA_NDM_FLAGS_MASK = 8, 16, 17
_STATES = {
    "static": rtnl_neigh.NUD_NOARP,
    "permanent": rtnl_neigh.NUD_PERMANENT,
    "dynamic": rtnl_neigh.NUD_REACHABLE,
}
# what kernels before 5.19 answer, which want an address
_BEFORE_BULK = (errno.EINVAL, errno.EOPNOTSUPP)


class FdbNoun(OnASocket):
    """See C(_core/reconcile.Noun). C(clock) gives seconds, to tell what was learned since this run began to write."""

    KINDS = (fdb_plan.KIND,)

    def __init__(
        self,
        netlink: Netlink,
        clock: Callable[[], float] = time.monotonic,
        guard: Guard | None = None,
    ) -> None:
        self.netlink = netlink
        self._clock = clock
        self._begun: float | None = None
        self.guard = guard
        self.alone = alone

    def read(self) -> fdb_plan.Table:
        host = self.netlink.snapshot(addresses=True, vlans=True)
        entries = self.netlink.fdb(host.links)
        host = replace(
            host,
            ways=Lazily(lambda: self.netlink.ways(host.links)),
            peers=rtnl_neigh.peers(self.netlink.neighbours(host.links), entries),
        )
        # looked at last: what is younger than this was learned after the first write
        since = None if self._begun is None else self._clock() - self._begun
        return fdb_plan.Table(host, entries, since)

    def prepare(self, before: fdb_plan.Table) -> None:
        self.netlink.ready()

    def plan(self, now: fdb_plan.Table, wish: Mapping[str, Any]) -> Plan:
        return fdb_plan.plan(now, wish)

    def wish_back(self, before: fdb_plan.Table, changes: Plan) -> dict[str, Any]:
        return fdb_plan.wish_back(before, changes)

    def apply(self, changes: Plan, now: fdb_plan.Table) -> None:
        self._begun = self._clock()
        indexes = {name: link.index for name, link in now.host.links.items()}
        # a name may be another device's by now
        for name in sorted({one for change in changes for one in _devices(change.payload)}):
            self.netlink.still(name, indexes.get(name))
        flush = next(
            (change.payload.flush for change in changes if change.payload.flush is not None), None
        )
        flushed = flush is not None and self._flush(flush, now)
        left = [change for change in changes if change.payload.flush is None or not flushed]
        self.netlink.send_all([message for change in left for message in messages(change, indexes)])

    def _flush(self, flush: Mapping[str, Any], now: fdb_plan.Table) -> bool:
        """Everything that the filter means in one message; False where this kernel has none for that."""
        try:
            body = flush_message(flush, {name: link.index for name, link in now.host.links.items()})
            self.netlink.send(
                rtnl_neigh.RTM_DELNEIGH,
                _NLM_F_BULK,
                body,
                f"flush {flush['type']} entries of {flush['bridge']}",
            )
        except KernelError as error:
            if error.errno not in _BEFORE_BULK:
                raise
            return False
        return True


def _devices(step: fdb_plan.Step) -> set[str]:
    """The devices that a change writes to."""
    return {step.bridge, step.port, (step.after or {}).get("port")} - {None}


def messages(change: Change, indexes: Mapping[str, int]) -> Iterator[Message]:
    """A change in the kernel's words."""
    step = change.payload
    who = _address(step)
    if change.action in ("delete", "recreate"):
        header = _header(step.port, step.bridge, indexes, 0, 0)
        # one that aged out meanwhile, or that somebody else has deleted, is gone and fine
        yield Message(
            rtnl_neigh.RTM_DELNEIGH,
            0,
            header + who,
            f"delete the entry {change.name}",
            (errno.ENOENT,),
        )
    if step.after is None:
        return
    after = step.after
    what = f"set the {after['type']} entry {change.name} to {after['port']}"
    flags = rtnl_neigh.NTF_STICKY if after["sticky"] else 0
    # never EXCL: that the bridge has learned the address meanwhile is no conflict
    how = NLM_F_CREATE | NLM_F_REPLACE
    if after["extern_learn"]:
        # of a message with this mark the kernel takes no other, so what was put together in two messages comes back in two
        header = _header(
            after["port"],
            step.bridge,
            indexes,
            rtnl_neigh.NUD_REACHABLE,
            rtnl_neigh.NTF_EXT_LEARNED,
        )
        yield Message(rtnl_neigh.RTM_NEWNEIGH, how, header + who, what)
    if (
        not after["extern_learn"]
        or flags
        or after["type"] != "dynamic"
        or after.get("activity_notify")
    ):
        header = _header(after["port"], step.bridge, indexes, _STATES[after["type"]], flags)
        if after.get("activity_notify") and (change.before or {}).get("inactive"):
            # who is watched anew is active
            yield Message(rtnl_neigh.RTM_NEWNEIGH, how, header + who + _notify({}, step), what)
        yield Message(rtnl_neigh.RTM_NEWNEIGH, how, header + who + _notify(after, step), what)


def _notify(after: Mapping[str, Any], step: fdb_plan.Step) -> bytes:
    """NDA_FDB_EXT_ATTRS; without it the kernel ends the watch on an entry."""
    bits = rtnl_neigh.FDB_NOTIFY_BIT * bool(after.get("activity_notify"))
    bits |= rtnl_neigh.FDB_NOTIFY_INACTIVE_BIT * bool(after.get("inactive"))
    inner = attribute(rtnl_neigh.NFEA_ACTIVITY_NOTIFY, bytes([bits])) if bits else b""
    if step.norefresh:
        inner += attribute(rtnl_neigh.NFEA_DONT_REFRESH, b"")
    return attribute(rtnl_neigh.NDA_FDB_EXT_ATTRS | _NLA_F_NESTED, inner) if inner else b""


def flush_message(flush: Mapping[str, Any], indexes: Mapping[str, int]) -> bytes:
    """A filter as the body of a bulk deletion, RTM_DELNEIGH: of state and flags the kernel compares the bits in the masks.

    C(flush) has all keys of bridge_fdb's C(flush), None where not given; C(indexes) are the numbers of devices by name.
    """
    flags = mask = 0
    for key, bit in (
        ("sticky", rtnl_neigh.NTF_STICKY),
        ("extern_learn", rtnl_neigh.NTF_EXT_LEARNED),
    ):
        if flush[key] is not None:
            flags, mask = flags | bit * flush[key], mask | bit
    state = rtnl_neigh.NUD_NOARP if flush["type"] == "static" else 0
    body = rtnl_neigh.NEIGHBOUR.pack(
        rtnl_address.AF_BRIDGE, indexes[flush["bridge"]], state, flags | rtnl_neigh.NTF_SELF, 0
    )
    body += attribute(
        _NDA_NDM_STATE_MASK, struct.pack("=H", rtnl_neigh.NUD_NOARP | rtnl_neigh.NUD_PERMANENT)
    )
    body += attribute(_NDA_NDM_FLAGS_MASK, bytes([mask]))
    if flush["port"] is not None:
        body += attribute(_NDA_IFINDEX, struct.pack("=i", indexes[flush["port"]]))
    return body + _vlan(flush["vlan"])


def _header(port: str, bridge: str, indexes: Mapping[str, int], state: int, flags: int) -> bytes:
    index = indexes[port] if port in indexes else index_of(port, {})
    return rtnl_neigh.NEIGHBOUR.pack(
        rtnl_address.AF_BRIDGE,
        index,
        state,
        flags | (rtnl_neigh.NTF_SELF if port == bridge else rtnl_neigh.NTF_MASTER),
        0,
    )


def _address(step: fdb_plan.Step) -> bytes:
    return attribute(rtnl_neigh.NDA_LLADDR, bytes.fromhex(step.mac.replace(":", ""))) + _vlan(
        step.vlan
    )


def _vlan(vlan: int | None) -> bytes:
    return b"" if vlan is None else attribute(rtnl_neigh.NDA_VLAN, struct.pack("=H", vlan))
