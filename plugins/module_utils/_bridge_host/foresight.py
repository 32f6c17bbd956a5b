# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a host will be like once a plan is carried out, so that the next step can be planned before anything was done.

What the kernel chooses, the MAC of a new device, is an empty text: nobody knows it, and it is equal to none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    ADDR_GEN_MODES,
    IFF_LOWER_UP,
    IFF_UP,
    Lazily,
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import (
    Inet,
    Layout,
)

UNKNOWN_MAC = ""
_NO_PORTS_MAC = "00:00:00:00:00:00"
# what the kernel gives a new device, of what is planned with: net/bridge/br_device.c, drivers/net/tun.c
_NEW_BRIDGE = {"stp_state": False, "forward_delay": 15.0, "vlan_filtering": False}
_NEW_BRIDGE_OF_VLANS = {"vlan_protocol": "802.1Q", "vlan_default_pvid": 1}
_NEW_TAP = {"owner": -1, "group": -1}


def after(now: Inet, changes: Plan, knows_vlans: bool) -> Inet:
    """The host after changes of bridges, ports and taps; C(knows_vlans): bridges of this kernel can filter VLANs."""
    for change in changes:
        if change.action in ("delete", "recreate"):
            now = _without(now, change.name)
        if change.action != "delete":
            now = _with(now, change, knows_vlans)
    return _ways_of_routes(now)


def converted(now: Inet, wish: Layout) -> Inet:
    """The host after a conversion, or after its way back."""
    there = layout.reached(now, wish)
    links = dict(there.links)
    bridge = links[wish.bridge]
    joins = wish.master == wish.bridge
    if wish.bridge_link is None:
        del links[wish.bridge]
    else:
        links[wish.bridge] = replace(bridge, mac_given=True if joins else bridge.mac_given)
    nic = now.links[wish.nic]
    was = nic.master
    if joins and was == wish.bridge:
        # it never leaves, so it keeps what it has as a port
        links[wish.nic] = replace(links[wish.nic], port=nic.port, vlans=nic.vlans)
    if not joins and was is not None:
        links = _with_lowest_mac(links, was)
    return _ways_of_routes(replace(there, links=links))


def idle(now: Inet, taps: Collection[str]) -> Inet:
    """The host once the guests that hold these taps are stopped."""
    links = {
        name: replace(link, flags=link.flags & ~IFF_LOWER_UP) if name in taps else link
        for name, link in now.links.items()
    }
    holders = {name: one for name, one in now.holders.items() if name not in taps}
    return replace(now, links=links, holders=holders)


def owned(now: Inet, taps: Mapping[str, int]) -> Inet:
    """With these owners of taps, where they are there."""
    links = {
        name: replace(link, options={**link.options, "owner": taps[name]}) if name in taps else link
        for name, link in now.links.items()
    }
    return replace(now, links=links)


def sysctls(now: Mapping[str, str], made: Link | None) -> dict[str, str]:
    """The sysctls of a device to come, which were read as the defaults, with what its link says otherwise."""
    if made is None or made.addr_gen_mode is None:
        return dict(now)
    key = f"ipv6/conf/{made.name}/addr_gen_mode"
    return {**now, key: str(ADDR_GEN_MODES.index(made.addr_gen_mode))} if key in now else dict(now)


def _ways_of_routes(now: Inet) -> Inet:
    return replace(now, ways=Lazily(lambda: rtnl_route.ways(now.routes)))


def _without(now: Inet, name: str) -> Inet:
    master = now.links[name].master
    links = {
        other: replace(link, master=None, port=None, vlans=None) if link.master == name else link
        for other, link in now.links.items()
        if other != name
    }
    if master in links:
        links = _with_lowest_mac(links, master)
    return replace(
        now,
        links=links,
        addresses=tuple(one for one in now.addresses if one.dev != name),
        routes=tuple(one for one in now.routes if name not in one.devs),
    )


def _with(now: Inet, change: Change, knows_vlans: bool) -> Inet:
    given = dict(change.after or {})
    link = now.links.get(change.name)
    if change.action in ("create", "recreate"):
        given = {**given, **(change.payload or {})}
        link = _new(change, knows_vlans)
    if link is None:  # of a device that somebody else makes meanwhile nothing is known
        return now
    links = dict(now.links)
    if change.kind == bridge_planner.KIND and change.action == "update":
        links.update(bridge_planner.with_their_new_default(now, [change]))
        link = replace(link, vlans=_own_vlans(link, given))
    was = link.master
    link = _joined(link, given, links)
    links[change.name] = _changed(link, change.kind, given)
    for bridge in dict.fromkeys((was, links[change.name].master)):
        if bridge in links and (was != links[change.name].master or "mac" in given):
            links = _with_lowest_mac(links, bridge)
    now = replace(now, links=links)
    return _readdressed(now, change.name, given["addresses"]) if "addresses" in given else now


def _new(change: Change, knows_vlans: bool) -> Link:
    if change.kind != bridge_planner.KIND:
        return Link(change.name, kind="tun", mac=UNKNOWN_MAC, options=dict(_NEW_TAP))
    options = {**_NEW_BRIDGE, **(_NEW_BRIDGE_OF_VLANS if knows_vlans else {})}
    default = (change.after or {}).get(
        "vlan_default_pvid", _NEW_BRIDGE_OF_VLANS["vlan_default_pvid"]
    )
    vlans = {str(default): vlan_words.PVID} if default else {}
    return Link(
        change.name,
        kind="bridge",
        mac=UNKNOWN_MAC,
        options=options,
        mac_given=False,
        vlans=vlans if knows_vlans else None,
    )


def _own_vlans(bridge: Link, given: Mapping[str, Any]) -> Mapping[str, str] | None:
    if bridge.vlans is None:
        return None
    return bridge_planner.default_moves(bridge, given, bridge.vlans)


def _joined(link: Link, given: Mapping[str, Any], links: Mapping[str, Link]) -> Link:
    if "bridge" not in given:
        return link
    bridge = links.get(given["bridge"] or "")
    if bridge is None or bridge.kind != "bridge":
        return replace(link, master=given["bridge"], port=None, vlans=None)
    return replace(link, master=bridge.name, port={}, vlans=vlan_words.of_a_new_port(bridge))


def _changed(link: Link, kind: str, given: Mapping[str, Any]) -> Link:
    """The link with the values of a change, each where its kind has it."""
    common = {key: given[key] for key in device.COMMON if given.get(key) is not None}
    fields: dict[str, Any] = {
        key: common[key] for key in ("mac", "mtu", "txqueuelen", "alias") if key in common
    }
    if "up" in common:
        fields["flags"] = link.flags | IFF_UP if common["up"] else link.flags & ~IFF_UP
    if "addr_gen_mode" in common:
        fields["ipv6"] = {**link.ipv6, "addr_gen_mode": common["addr_gen_mode"]}
    if kind == bridge_planner.KIND and "mac" in common:
        fields["mac_given"] = True
    for key in ("vlans", "self_vlans"):
        if given.get(key) is not None:
            fields["vlans"] = given[key]
    rest = {
        key: value
        for key, value in given.items()
        if key not in (*device.COMMON, "bridge", "vlans", "self_vlans", "addresses")
    }
    if kind == "port":
        fields["port"] = None if link.port is None else {**link.port, **rest}
    else:
        fields["options"] = {**link.options, **rest}
    return replace(link, **fields)


def _with_lowest_mac(links: Mapping[str, Link], bridge: str) -> dict[str, Link]:
    """A bridge that nobody gave a MAC has the lowest of its ports (br_stp_recalculate_bridge_id)."""
    link = links[bridge]
    if link.kind != "bridge" or link.mac_given is not False:
        return dict(links)
    macs = [one.mac or UNKNOWN_MAC for one in links.values() if one.master == bridge and one.port is not None]  # fmt: skip
    return {**links, bridge: replace(link, mac=min(macs, default=_NO_PORTS_MAC))}


def _readdressed(now: Inet, dev: str, texts: Collection[str]) -> Inet:
    others = [one for one in now.addresses if one.dev != dev]
    own = {one.text: one for one in now.addresses if one.dev == dev}
    kept = [
        own.get(text)
        or replace(rtnl_address.new_address(dev, text), flags=rtnl_address.IFA_F_PERMANENT)
        for text in texts
    ]
    local = [one for one in own.values() if one not in now.addresses_of(dev)]
    return replace(now, addresses=(*others, *local, *kept))
