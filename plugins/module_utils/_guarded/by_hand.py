# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The way back of a change of links, and of what they carry, as commands; the options of a bridge or a port are not among them."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import by_hand, layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    changes as changes_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet

_EUI64 = "eui64"


def commands(before: Snapshot, changes: Plan, carried: Mapping[str, Inet]) -> list[str]:
    """From after C(changes) to C(before); C(carried) is what each device had that they may cost its network."""
    back = [step for change in reversed(changes) for step in _inverse(before, change)]
    for dev, inet in carried.items():
        bare = replace(
            inet,
            addresses=tuple(one for one in inet.addresses if one.dev != dev),
            routes=tuple(one for one in inet.routes if dev not in one.devs),
        )
        back += uplink_plan.plan(bare, layout.layout_of(inet, dev, dev))
    return by_hand.commands(_whatever_stands(back))


def _whatever_stands(back: Plan) -> Iterator[Change]:
    """A route that may be there still is replaced by itself; of several to one place the others are added behind the first."""
    seen = set()
    for change in back:
        if change.kind == "route" and change.payload.key not in seen:
            seen.add(change.payload.key)
            change = replace(change, before=change.after)
        yield change


def _inverse(before: Snapshot, change: Change) -> Iterator[Change]:
    link = before.links.get(change.name)
    if change.kind == "port":
        if link is not None:
            yield Change("update", "port", link.name, None, {"bridge": link.master})
            yield Change("update", "link", link.name, None, {"up": link.up})
        return
    if link is None:
        yield Change("delete", change.kind, change.name)
        return
    had = {"mac": link.mac, "mtu": link.mtu, "up": link.up}
    if change.action != "update":
        yield Change("create", change.kind, link.name, None, had)
        ports = before.ports_of(link.name)
    else:
        touched = {key: value for key, value in had.items() if key in (change.after or {})}
        yield Change("update", change.kind, link.name, None, touched)
        ports = []
        if "mac" in touched and link.up and link.addr_gen_mode == _EUI64:
            yield from _link_local(link, (change.after or {})["mac"])
    for port in ports:
        yield Change("update", "port", port.name, None, {"bridge": link.name})


def _link_local(link: Link, other: str) -> Iterator[Change]:
    """The kernel makes the address of a running device anew when it is told to; the one of the C(other) MAC goes."""
    for mode in ("1", "0"):  # none, and eui64 again
        yield changes_of.sysctl(f"ipv6/conf/{link.name}/addr_gen_mode", None, mode)
    text = f"{rtnl_address.eui64(other)}/64"
    old = Address(link.name, text, rtnl_address.AF_INET6)
    yield Change("remove", "address", text, payload=old)
