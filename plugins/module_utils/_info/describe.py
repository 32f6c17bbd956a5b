# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What brctl show, brctl showmacs and route -n tell, as plain data from a snapshot."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import mdb as rtnl_mdb
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route

_FAMILIES = {rtnl_address.AF_INET: "inet", rtnl_address.AF_INET6: "inet6"}
# Who made a route, as iproute2 calls them (linux/rtnetlink.h)
_PROTOCOLS = {1: "redirect", 2: "kernel", 3: "boot", 4: "static", 9: "ra", 16: "dhcp"}
_KINDS = {1: "unicast", 2: "local", 6: "blackhole", 7: "unreachable", 8: "prohibit", 9: "throw"}


def bridges(
    now: Snapshot,
    fdb: Sequence[rtnl_neigh.Forwarding],
    mdb: rtnl_mdb.Table | None,
    name: str | None,
) -> list[dict[str, Any]]:
    """The bridge of that name, or all; C(mdb) is None where the kernel has none. Raises Refused where there is none of that name."""
    found = [
        link for link in now.links.values() if link.kind == "bridge" and name in (None, link.name)
    ]
    if name is not None and not found:
        link = now.links.get(name)
        kind = f"a device of kind '{link.kind or 'hardware'}'" if link else "no device at all"
        raise Refused(f"{name} is {kind}, not a bridge; leave 'name' out to see all bridges.")
    return [_bridge(now, fdb, mdb, link) for link in found]


def _bridge(
    now: Snapshot, fdb: Iterable[rtnl_neigh.Forwarding], mdb: rtnl_mdb.Table | None, link: Link
) -> dict[str, Any]:
    return {
        "name": link.name,
        "id": link.options.get("bridge_id"),
        "mac": link.mac,
        "mtu": link.mtu,
        "txqueuelen": link.txqueuelen,
        "alias": link.alias,
        "addr_gen_mode": link.addr_gen_mode,
        "believes_routers": link.ipv6.get("believes_routers"),
        "up": link.up,
        "stp_state": link.options.get("stp_state"),
        "options": dict(link.options),
        "self_vlans": None if link.vlans is None else vlan_words.as_list(link.vlans),
        "ports": [_port(now, port) for port in now.ports_of(link.name)],
        "fdb": [_entry(entry) for entry in fdb if entry.bridge == link.name],
        "mdb": None
        if mdb is None
        else [_group(group) for group in mdb.groups if group.bridge == link.name],
        "mcast_router_ports": None if mdb is None else list(mdb.routers.get(link.name, ())),
    }


def links(
    now: Snapshot,
    speeds: Mapping[str, int | None],
    lldp: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
) -> list[dict[str, Any]]:
    """Every device but the loopback, and what it stands on; C(speeds) in Mbit/s and C(lldp) neighbours by name, these told only where they were asked for."""
    return [
        {
            "name": link.name,
            "kind": link.kind,
            "mac": link.mac,
            "mtu": link.mtu,
            "up": link.up,
            "carrier": link.running,
            "alias": link.alias,
            "master": link.master,
            "lower": link.lower,
            "vlan": link.options.get("id") if link.kind == "vlan" else None,
            "speed": speeds.get(link.name),
            **_holder(now, link),
            **({} if lldp is None else {"lldp": [dict(one) for one in lldp.get(link.name, ())]}),
        }
        for link in now.links.values()
        if not link.loopback
    ]


def neighbours(found: Iterable[rtnl_neigh.Neighbour]) -> list[dict[str, Any]]:
    """The addresses that the host has heard the MACs of, each with C(dev), C(address) and C(mac)."""
    return [
        {"dev": one.dev, "address": one.address, "mac": one.mac} for one in found if not one.proxy
    ]


def _holder(now: Snapshot, link: Link) -> dict[str, Any]:
    """Who has a tap open; nobody has one without a carrier."""
    holder = now.holders.get(link.name) if link.kind == "tun" and link.running else None
    return {
        "holder_pid": holder.pid if holder else None,
        "holder_guest": holder.guest if holder else None,
    }


def _port(now: Snapshot, link: Link) -> dict[str, Any]:
    port = link.port or {}
    return {
        "name": link.name,
        "number": port.get("port_no"),
        "kind": link.kind,
        "mac": link.mac,
        "mtu": link.mtu,
        "txqueuelen": link.txqueuelen,
        "alias": link.alias,
        "addr_gen_mode": link.addr_gen_mode,
        "up": link.up,
        "carrier": link.running,
        "state": port.get("port_state"),
        "options": dict(port),
        "vlans": None if link.vlans is None else vlan_words.as_list(link.vlans),
        **_holder(now, link),
    }


def _entry(entry: rtnl_neigh.Forwarding) -> dict[str, Any]:
    return {
        "mac": entry.mac,
        "port": entry.port,
        "vlan": entry.vlan,
        "type": entry.type,
        "sticky": entry.sticky,
        "extern_learn": entry.extern_learn,
        "locked": entry.locked,
        "activity_notify": entry.activity_notify,
        "inactive": entry.inactive,
        "local": entry.local,
        "static": entry.static,
        "age": entry.age,
    }


def _group(group: rtnl_mdb.Group) -> dict[str, Any]:
    return {key: value for key, value in vars(group).items() if key != "bridge"}


def routes(found: Iterable[rtnl_route.Route]) -> list[dict[str, Any]]:
    """Each way of each route; C(flags) are route -n's letters (U up, G gateway, H host)."""
    rows = []
    for route in found:
        host = route.dst.endswith("/32" if route.family == rtnl_address.AF_INET else "/128")
        for hop in route.hops:
            rows.append(
                {
                    "family": _FAMILIES[route.family],
                    "dst": route.dst,
                    "gateway": hop.gateway,
                    "dev": hop.dev,
                    "metric": route.metric,
                    "src": route.src,
                    "scope": rtnl_route.SCOPES.get(route.scope, str(route.scope)),
                    "protocol": _PROTOCOLS.get(route.protocol, str(route.protocol)),
                    "table": route.table,
                    "type": _KINDS.get(route.kind, str(route.kind)),
                    "flags": "U" + ("G" if hop.gateway else "") + ("H" if host else ""),
                }
            )
    return rows


def addresses(now: Snapshot) -> list[dict[str, Any]]:
    """Every address of every device, with C(dev), C(address) and its length, C(family) and C(scope) in words."""
    return [
        {
            "dev": one.dev,
            "address": one.text,
            "family": _FAMILIES.get(one.family, str(one.family)),
            "scope": rtnl_route.SCOPES.get(one.scope, str(one.scope)),
        }
        for one in now.addresses
    ]
