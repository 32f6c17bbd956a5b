# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a host should have, from the role's variables, held against the picture of what it has: missing, surplus, or otherwise."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as role_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    tenants as tenant_rules,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.items import (
    kept,
    taps_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import actual, model
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import (
    DIFFERS,
    IDLE,
    MISSING,
    SURPLUS,
    UNKNOWN,
    Edge,
    Host,
    Node,
    device,
    guest,
    shown,
)

Items = Iterable[Mapping[str, Any]]
_UP = "running"


def draw(host: Host, wish: Mapping[str, Any]) -> None:
    """Mark in the picture what the role's variables say otherwise; without any of them nothing is marked. Raises BadInput."""
    lists = role_items.typed_all(wish)
    tenants = lists["tenants"]
    bridges, taps = tenant_rules.applied(lists["bridges"], lists["taps"], lists["guests"], tenants)
    guests = lists["guests"]
    if not (bridges or taps or guests):
        return
    there = set(host.nodes)
    for item in filter(kept, bridges):
        _bridge(host, item, there)
    for item in filter(kept, taps):
        _tap(host, item, there)
    for item in filter(kept, guests):
        _guest(host, item, there)
    _tenants(host, tenants, guests)
    wished = {
        model.BRIDGE: {device(item["name"]) for item in bridges if kept(item)},
        model.TAP: {device(item["name"]) for item in taps if kept(item)},
        model.GUEST: {guest(item["name"]) for item in guests if kept(item)},
    }
    for key in there:
        node = host.nodes[key]
        if key not in wished.get(node.kind, {key}):
            node.mark = SURPLUS
    _surplus_uplinks(host, bridges)


def _absent(host: Host) -> str:
    """How what was not found is marked: of a host that did not answer nobody knows."""
    return MISSING if host.answered else UNKNOWN


def _missing(host: Host, key: str, kind: str, name: str) -> Node:
    state = "not there" if host.answered else "wished for"
    return host.add(Node(key, kind, shown(name), IDLE, state, _absent(host)))


def _differs(node: Node, label: str, wanted: Any) -> None:
    node.mark = node.mark or DIFFERS
    node.facts.append((f"{label}, as wished", shown(wanted)))


def _bridge(host: Host, item: Mapping[str, Any], there: set[str]) -> None:
    key = device(item["name"])
    node = _missing(host, key, model.BRIDGE, item["name"])
    if key in there:
        if (item.get("up") is not False) != (node.state == "up"):
            _differs(node, "State", "up" if node.state != "up" else "down")
        if item.get("vlan_filtering") and ("VLAN filtering", "off") in node.facts:
            _differs(node, "VLAN filtering", "on")
    if item.get("uplink"):
        _missing(host, device(item["uplink"]), model.NIC, item["uplink"])
        host.join(device(item["uplink"]), key, mark=_absent(host))


def _tap(host: Host, item: Mapping[str, Any], there: set[str]) -> None:
    key = device(item["name"])
    node = _missing(host, key, model.TAP, item["name"])
    vlans = vlan_words.wished(item)
    words = actual.vlans_text(vlan_words.as_list(vlans)) if vlans is not None else ""
    if key not in there:
        node.facts += model.facts([("VLANs, as wished", words)])
        node.vlans = tuple(vlans or ())
    elif vlans is not None and _vlans_of(host, key) != words:
        _differs(node, "VLANs", words)
    if item.get("bridge") is None:
        return
    bridge = device(item["bridge"])
    host.edges = [
        Edge(one.source, one.target, one.label, SURPLUS)
        if one.target == key and one.source != bridge
        else one
        for one in host.edges
    ]
    if bridge in host.nodes:
        host.join(bridge, key, words, _absent(host))


def _vlans_of(host: Host, key: str) -> str:
    """What the tap is in, by the words of its edge."""
    return next((edge.label for edge in host.edges if edge.target == key), "")


def _guest(host: Host, item: Mapping[str, Any], there: set[str]) -> None:
    key = guest(item["name"])
    node = _missing(host, key, model.GUEST, item["name"])
    state = item.get("state") or _UP
    if key in there and node.state.partition(",")[0] != state:
        _differs(node, "State", state)
    for tap in map(device, taps_of(item)):
        if tap not in host.nodes:
            continue
        host.join(tap, key, mark=_absent(host))
        if key not in there:
            node.vlans = tuple(dict.fromkeys(node.vlans + host.nodes[tap].vlans))


def _tenants(host: Host, tenants: Items, guests: Items) -> None:
    """Who belongs to which tenant: by the variables, and else by the VLAN that it is in."""
    by_vlan = {str(tenant["vlan"]): shown(tenant["name"]) for tenant in tenants}
    listed = {
        device(tap): shown(tenant["name"])
        for tenant in tenants
        for tap in tenant_rules.members(tenant, guests)
    }
    listed.update(
        {
            guest(name): shown(tenant["name"])
            for tenant in tenants
            for name in tenant.get("guests") or ()
        }
    )
    for key, node in host.nodes.items():
        if node.kind in (model.TAP, model.PORT, model.GUEST):
            in_one = by_vlan.get(node.vlans[0]) if len(node.vlans) == 1 else None
            node.tenant = listed.get(key, in_one)


def _surplus_uplinks(host: Host, bridges: Items) -> None:
    """A wire in a bridge that is to have another one, or none."""
    uplinks = {
        device(item["name"]): device(item["uplink"]) if item.get("uplink") else None
        for item in bridges
    }
    host.edges = [
        Edge(edge.source, edge.target, edge.label, SURPLUS)
        if not edge.mark
        and edge.target in uplinks
        and host.nodes[edge.source].kind in (model.NIC, model.BOND, model.VLAN)
        and uplinks[edge.target] != edge.source
        else edge
        for edge in host.edges
    ]
