# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Parts of the messages by which links are changed, the order that changes come in, and which of them another MAC comes with."""

from __future__ import annotations

import struct
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla

_ORDER = {"create": 0, "recreate": 0, "update": 1, "detach": 2, "attach": 3, "add": 4, "delete": 5}


def with_another_mac(change: Change) -> set[str]:
    """The devices whose MAC a change may change: the one that is told so, and a bridge, which follows its ports unless it is pinned."""
    if change.kind == port_planner.KIND:
        sides = (change.before or {}, change.after or {})
        return {side["bridge"] for side in sides if side.get("bridge")}
    return {change.name} if change.action == "update" and "mac" in (change.after or {}) else set()


def in_order(change: Change) -> tuple[int, bool]:
    """A port's backup has to be a port of the bridge before."""
    if (change.after or {}).get("backup_port"):
        return (max(_ORDER[change.action], _ORDER["attach"]), True)
    return (_ORDER[change.action], False)


def listed(after: Mapping[str, Any], table: Iterable[option_tables.Attribute]) -> str:
    return ", ".join(
        f"{one.option} {after[one.option]}" for one in table if after.get(one.option) is not None
    )


def name(name: str) -> bytes:
    return nla.attribute(rtnl_link.IFLA_IFNAME, name.encode() + b"\0")


def mac(mac: str) -> bytes:
    return nla.attribute(rtnl_link.IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))


def alias(alias: str) -> bytes:
    return nla.attribute(rtnl_link.IFLA_IFALIAS, alias.encode("utf-8", "surrogateescape"))


def u32(kind: int, value: int) -> bytes:
    return nla.attribute(kind, struct.pack("=I", value))
