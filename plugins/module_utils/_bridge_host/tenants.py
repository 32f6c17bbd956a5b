# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Tenants of the role bridge_host: what they refuse, and what they make of bridges, taps and uplinks.

A tenant is a VLAN of its own. Its taps are access ports of it, the bridges of its taps filter VLANs, and their uplinks carry it tagged. The host stays in
the VLAN that it is in: only VLANs of tenants are given to an uplink, and none is taken from it.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.items import (
    kept,
    taps_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput

Item = Mapping[str, Any]
Items = Sequence[Item]

_OTHER_WORDS = ("trunk_vlans", "native_vlan", "vlans")
# Of a port that is a member of something else as well, frames of others come out.
_MERGE = "merge"


def members(tenant: Item, guests: Items) -> list[str]:
    """The taps of a tenant: those that it lists, and those of its guests' NICs."""
    own = [
        tap
        for guest in guests
        if guest["name"] in (tenant.get("guests") or ()) and kept(guest)
        for tap in taps_of(guest)
    ]
    return list(dict.fromkeys([*(tenant.get("taps") or ()), *own]))


def applied(
    bridges: Items, taps: Items, guests: Items, tenants: Items
) -> tuple[list[Item], list[Item]]:
    """The bridges and taps with what the tenants make of them; where there is none they are as they were."""
    vlans = {tap: tenant["vlan"] for tenant in tenants for tap in members(tenant, guests)}
    aware = {item.get("bridge") for item in taps if item["name"] in vlans}
    return (
        [
            {**item, "vlan_filtering": True} if item["name"] in aware and kept(item) else item
            for item in bridges
        ],
        [
            {**item, "access_vlan": vlans[item["name"]]}
            if item["name"] in vlans and kept(item)
            else item
            for item in taps
        ],
    )


def carried(bridge: Item, taps: Items, guests: Items, tenants: Items) -> list[int]:
    """The VLANs that a bridge's uplink carries tagged: those of the tenants that have a tap there."""
    here = {item["name"] for item in taps if item.get("bridge") == bridge["name"] and kept(item)}
    return sorted(
        tenant["vlan"] for tenant in tenants if here.intersection(members(tenant, guests))
    )


def hosts_vlans(bridge: Item) -> dict[int, str]:
    """The VLANs of the host itself on a bridge as the variables give them, each as _core/vlan words it."""
    if bridge.get("self_vlans") is not None:
        return vlan_words.expanded(vlan_words.of_entries(bridge["self_vlans"], "self_vlans"))
    default = vlan_words.default_vlan(bridge)
    return {default: vlan_words.PVID} if default else {}


def uplink_port(bridge: Item, vids: Sequence[int], now: Item | None) -> dict[str, Any]:
    """What bridge_port is told of an uplink: to carry the tenants' VLANs too.

    A VLAN that the host has by C(self_vlans) is given to the uplink in the same way, unless the uplink, as bridge_info found it in C(now), has it already:
    how it is tagged on the wire is then somebody's choice.
    """
    has = {
        str(one["vid"]): one
        for port in (now or {}).get("ports", ())
        if port["name"] == bridge["uplink"]
        for one in port.get("vlans") or ()
    }
    there = set(vlan_words.expanded(vlan_words.of_entries(has.values(), "vlans")))
    own = hosts_vlans(bridge) if bridge.get("self_vlans") is not None else {}
    wish = {
        **{vid: words for vid, words in own.items() if vid not in there},
        **dict.fromkeys(vids, vlan_words.TAGGED),
    }
    return {
        "name": bridge["uplink"],
        "bridge": bridge["name"],
        "vlans": vlan_words.as_list(vlan_words.compact(wish)),
        "vlans_mode": _MERGE,
    }


def proof(bridges: Items, taps: Items, guests: Items, tenants: Items) -> dict[str, Any]:
    """What bridge_isolation is told; no tenants where there is nothing to prove."""
    there = {item["name"] for item in taps if kept(item)}
    listed = [
        {
            "name": tenant["name"],
            "vlan": tenant["vlan"],
            "ports": ports,
            "dhcp": bool(tenant.get("dhcp")),
        }
        for tenant in tenants
        for ports in [[tap for tap in members(tenant, guests) if tap in there]]
        if ports
    ]
    mine = {port for tenant in listed for port in tenant["ports"]}
    aware = {item.get("bridge") for item in taps if item["name"] in mine}
    return {
        "tenants": listed,
        "uplinks": [
            item["uplink"]
            for item in bridges
            if item.get("uplink") and item["name"] in aware and kept(item)
        ],
        "trunks": [
            item["name"]
            for item in taps
            if item.get("bridge") in aware
            and item["name"] not in mine | _plain(taps)
            and kept(item)
        ],
    }


def refusals(bridges: Items, taps: Items, guests: Items, tenants: Items) -> Iterator[str]:
    """What is wrong with the tenants, whatever the host is like."""
    yield from _vids(bridges, tenants)
    yield from _guests(guests, tenants)
    owners: dict[str, Item] = {}
    for tenant in tenants:
        for tap in members(tenant, guests):
            # where a whole guest is in both, that was said
            written = tap in [*(tenant.get("taps") or ()), *(owners.get(tap, {}).get("taps") or ())]
            if written and owners.get(tap, tenant)["name"] != tenant["name"]:
                yield f"{tap} belongs to the tenants {owners[tap]['name']} and {tenant['name']}; a tap is in one VLAN: keep it in one of them."
            owners.setdefault(tap, tenant)
    yield from _taps(bridges, taps, owners)
    yield from _strangers(taps, tenants, owners)
    yield from _bridges(
        bridges, {item.get("bridge") for item in taps if item["name"] in owners and kept(item)}
    )


def hosts_refusals(
    bridges: Items, taps: Items, guests: Items, tenants: Items, there: Mapping[str, Item]
) -> Iterator[str]:
    """What a bridge, as bridge_info found it, has that the variables do not tell: VLANs of the host that nobody wrote down."""
    for bridge in bridges:
        if not kept(bridge) or bridge.get("self_vlans") is not None:
            continue
        own = vlan_words.expanded(
            vlan_words.of_entries(
                there.get(bridge["name"], {}).get("self_vlans") or (), "self_vlans"
            )
        )
        for vid in carried(bridge, taps, guests, tenants):
            if vid in own:
                yield (
                    f"The host itself is in VLAN {vid} on {bridge['name']}, which a tenant shall have; give the tenant another, or say by self_vlans "
                    "which VLANs the host keeps."
                )


def _plain(taps: Items) -> set[str]:
    """The taps that carry no VLAN by tag."""
    return {
        item["name"]
        for item in taps
        if item.get("trunk_vlans") is None and item.get("vlans") is None
    }


def _vids(bridges: Items, tenants: Items) -> Iterator[str]:
    owners: dict[int, str] = {}
    for tenant in tenants:
        name, vid = tenant["name"], tenant["vlan"]
        if not vlan_words.FIRST <= vid <= vlan_words.LAST:
            yield f"The tenant {name} has VLAN {vid}, which does not exist: they go from {vlan_words.FIRST} to {vlan_words.LAST}; give it one of these."
        elif owners.get(vid, name) != name:
            yield f"The tenants {owners[vid]} and {name} both have VLAN {vid}, so they would be one network; give each its own."
        owners.setdefault(vid, name)
        for bridge in bridges:
            if not kept(bridge):
                continue
            try:
                own = hosts_vlans(bridge)
            except BadInput as error:
                yield f"{bridge['name']}: {error}"
                continue
            if vid in own or vid == vlan_words.default_vlan(bridge):
                why = "the host's own" if vid in own else "the one that every port begins with"
                yield f"The tenant {name} has VLAN {vid}, which is {why} on {bridge['name']}; give the tenant another."


def _guests(guests: Items, tenants: Items) -> Iterator[str]:
    known = {guest["name"]: guest for guest in guests}
    owners: dict[str, str] = {}
    for tenant in tenants:
        for name in tenant.get("guests") or ():
            if name not in known:
                yield f"The tenant {tenant['name']} has the guest {name}, which bridge_host_guests does not list; list it there, or only its taps under 'taps'."
            elif kept(known[name]) and not known[name].get("nics"):
                yield f"The guest {name} of the tenant {tenant['name']} has no NIC, so it is in no VLAN; give it one, or take it out of the tenant."
            if owners.get(name, tenant["name"]) != tenant["name"]:
                yield f"The guest {name} belongs to the tenants {owners[name]} and {tenant['name']}, and would join them; keep it in one of them."
            owners.setdefault(name, tenant["name"])


def _taps(bridges: Items, taps: Items, owners: Mapping[str, Item]) -> Iterator[str]:
    known = {item["name"]: item for item in taps}
    switches = {item["name"] for item in bridges}
    for name, tenant in owners.items():
        item, whose = known.get(name), f"{name} of the tenant {tenant['name']}"
        if item is None:
            if name in (tenant.get("taps") or ()):
                yield f"{whose} is not listed in bridge_host_taps; list it there with its bridge."
            continue  # a guest's is missed already
        if not kept(item):
            continue
        if item.get("bridge") is None:
            yield f"{whose} has no bridge, so it is in no VLAN; give it one."
        elif item["bridge"] not in switches:
            yield f"{whose} is in {item['bridge']}, which bridge_host_bridges does not list, so nobody would make it filter VLANs; list it there."
        for word in _OTHER_WORDS:
            if item.get(word) is not None:
                yield f"{whose} says {word}, and would be in other VLANs than {tenant['vlan']} alone; take it out, or the tap out of the tenant."
        if item.get("access_vlan") not in (None, tenant["vlan"]):
            yield f"{whose} says access_vlan {item['access_vlan']}, and the tenant's VLAN is {tenant['vlan']}; leave it out, or correct one of them."
        if item.get("vlans_mode") == _MERGE:
            yield f"{whose} says vlans_mode merge, which leaves it in the VLAN that every port begins with, untagged; take it out."


def _strangers(taps: Items, tenants: Items, owners: Mapping[str, Item]) -> Iterator[str]:
    vids = {tenant["vlan"]: tenant["name"] for tenant in tenants}
    for item in taps:
        if item["name"] in owners or not kept(item):
            continue
        try:
            vlans = vlan_words.expanded(vlan_words.wished(item) or {})
        except BadInput as error:
            yield str(error)
            continue
        for vid, words in vlans.items():
            if vid in vids and words != vlan_words.TAGGED:
                yield f"{item['name']} is untagged in VLAN {vid} of the tenant {vids[vid]}, and not its; list it under the tenant's taps, or take it out."


def _bridges(bridges: Items, aware: set[Any]) -> Iterator[str]:
    for item in bridges:
        if item["name"] not in aware or not kept(item):
            continue
        if item.get("vlan_filtering") is False:
            yield f"{item['name']} says vlan_filtering: false and has taps of tenants, whom only VLANs keep apart; leave it out."
        if item.get("uplink") and vlan_words.default_vlan(item) == 0 and not item.get("self_vlans"):
            yield f"{item['name']} says vlan_default_pvid: 0, so the host would be in no VLAN and cut off; give it its own by self_vlans, or another default."
