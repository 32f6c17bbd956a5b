# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The way back of a change of links, of their tables, and of what they carry, as commands."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded import typed
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


def of_an_uplink(before: Snapshot, back: Plan) -> list[str]:
    """The way back of a conversion: a NIC that becomes a port again has the options and VLANs that it had."""
    return by_hand.commands([step for change in back for step in _with_its_own(before, change)])


def _with_its_own(before: Snapshot, change: Change) -> Iterator[Change]:
    yield change
    if change.action == "attach":
        yield from _port(before, before.links[change.name], change)


def _whatever_stands(back: Plan) -> Iterator[Change]:
    """A route that may be there still is replaced by itself; of several to one place the others are added behind the first."""
    seen = set()
    for change in back:
        if change.kind == "route" and change.payload.key not in seen:
            seen.add(change.payload.key)
            change = replace(change, before=change.after)
        yield change


def _inverse(before: Snapshot, change: Change) -> Iterator[Change]:
    if change.kind in _TABLES:
        yield _typed(_TABLES[change.kind](change))
        return
    link = before.links.get(change.name)
    if change.kind == "port":
        if link is not None:
            yield Change("update", "port", link.name, None, {"bridge": link.master})
            yield Change("update", "link", link.name, None, {"up": link.up})
            yield from _port(before, link, change)
        return
    if link is None:
        yield Change("delete", change.kind, change.name)
        return
    after = change.after or {}
    had = {"mac": link.mac, "mtu": link.mtu, "up": link.up}
    if change.action != "update":
        yield Change("create", change.kind, link.name, None, had)
        ports = before.ports_of(link.name)
    else:
        touched = {key: value for key, value in had.items() if key in after}
        yield Change("update", change.kind, link.name, None, touched)
        ports = []
        if after.get("mac") not in (None, link.mac) and link.up and link.addr_gen_mode == _EUI64:
            yield from _link_local(link, after["mac"])
    if change.kind == "bridge":
        yield from _bridge(link, change)
    for port in ports:
        yield Change("update", "port", port.name, None, {"bridge": link.name})
        yield from _port(before, port, change)


def _typed(lines: list[str]) -> Change:
    return Change("update", by_hand.TYPED, "", payload=lines)


def _bridge(link: Link, change: Change) -> Iterator[Change]:
    """The options and the VLANs that a bridge had."""
    after = change.after or {}
    same = change.action == "update"
    yield _typed(typed.bridge(link.name, link.options, after if same else None))
    if link.vlans is not None and (not same or "self_vlans" in after):
        has = after.get("self_vlans") if same else vlan_words.of_a_new_port(link)
        yield _typed(typed.vlans(link.name, link.vlans, has or {}, "self"))


def _port(before: Snapshot, link: Link, change: Change) -> Iterator[Change]:
    """What a device had as a port; one that joins its bridge again gets from the kernel what every new port does."""
    if link.port is None:
        return
    same = change.kind == "port" and change.action == "update"
    after = change.after or {}
    yield _typed(typed.port(link.name, link.port, after if same else None))
    if link.vlans is not None and (not same or "vlans" in after):
        bridge = before.links.get(link.master or "")
        has = after.get("vlans") if same else vlan_words.of_a_new_port(bridge)
        yield _typed(typed.vlans(link.name, link.vlans, has or {}))


_TABLES: Mapping[str, Callable[[Change], list[str]]] = {"entry": typed.entry, "group": typed.group}


def _link_local(link: Link, other: str) -> Iterator[Change]:
    """The kernel makes the address of a running device anew when it is told to; the one of the C(other) MAC goes."""
    for mode in ("1", "0"):  # none, and eui64 again
        yield changes_of.sysctl(f"ipv6/conf/{link.name}/addr_gen_mode", None, mode)
    text = f"{rtnl_address.eui64(other)}/64"
    old = Address(link.name, text, rtnl_address.AF_INET6)
    yield Change("remove", "address", text, payload=old)
