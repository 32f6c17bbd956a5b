# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Who is cut off from the host by which change: the one place that decides the C(risk) of every change of a network.

C(may_cut_ssh) means that somebody who reaches the host now may not afterwards, be it for the seconds until a neighbour asks again; C(interrupts) that
others lose frames, guests for example; C(safe) that nobody does. A device carries the host where it, or what sits on it (its bridge, a VLAN
device, the other end of a veth pair), has addresses that a user would miss, or a route that leads out. What is not known is taken for the worse:
a NIC may be the way to anybody, a TAP only to those whom the host was seen to talk to over it. Sources: Linux' net/bridge (br_stp_if.c, br_if.c,
br_forward.c, br_input.c), net/ipv6/addrconf.c.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    MAY_CUT_SSH,
    SAFE,
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import IPV6_MTU
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    AF_INET,
    AF_INET6,
    by_kernel,
)

# Of a bridge: these stop frames of everybody behind it, for a while or for good
_CUTTING = {"stp_state", "mst_enabled", "vlan_filtering"}
# These decide over frames only while the bridge, or the change itself, looks at VLANs
_OF_VLANS = {"vlan_protocol", "vlan_default_pvid"}
# With STP these choose the root again, and so who is mute
_ELECTING_BRIDGE = {"priority", "hello_time", "max_age", "forward_delay", "group_address"}
_ELECTING_PORT = {"priority", "cost", "root_block"}
# Of a port, by the value that harms: None is any
_PORT_HARM: Mapping[str, Any] = {
    "port_state": None,
    "locked": True,
    "mab": None,
    "learning": False,
    "flood": False,
    "mcast_flood": False,
    "bcast_flood": False,
    "neigh_suppress": True,
    "proxy_arp": True,
    "proxy_arp_wifi": True,
    "vlan_tunnel": True,
    "guard": True,
    "hairpin": True,
    "backup_port": None,
}
_OF_GUESTS = {"port_state", "isolated", "locked", "learning", "flood"}


# whose changes name no device, but their payload does
_OF_TABLES = ("entry", "group")


def judged(now: Snapshot, changes: Iterable[Change], moving: bool = False) -> list[Change]:
    """The changes with their risks, for the host that C(now) shows; C(moving) are the steps of a conversion, which take its addresses along."""
    host = _Host(now)
    judges = {**_JUDGES, **_MOVING} if moving else _JUDGES
    return [replace(change, risk=judges[change.kind](host, change)) for change in changes]


def carriers(now: Snapshot, changes: Iterable[Change]) -> list[str]:
    """The devices with addresses of the host on what the changes touch, or above it: what a guard has to bring back."""
    host, found = _Host(now), set()
    for change in changes:
        bridge = (
            getattr(change.payload, "bridge", None) if change.kind in _OF_TABLES else change.name
        )
        for name in (bridge, (change.after or {}).get("bridge")):
            if name in now.links:
                found |= host.above(name)
    return [name for name in now.links if name in found and now.addresses_of(name)]


class _Host:
    """What a snapshot says about ways to the host, each question answered once."""

    def __init__(self, now: Snapshot) -> None:
        self.now = now
        self._riders: dict[str, list[str]] = {}
        self._beyond: dict[str, list[str]] = {}
        for link in now.links.values():
            if link.lower is not None:
                self._riders.setdefault(link.lower, []).append(link.name)
            if link.kind == "veth" and link.lower is not None and link.master is not None:
                # who is in a bridge is also where the other end of its veth port is
                self._beyond.setdefault(link.master, []).append(link.lower)
        self._families: dict[str, set[int]] = {}
        for one in now.addresses:
            link = now.links.get(one.dev)
            # a link-local one counts where the kernel tells that somebody gave it
            if not one.text.lower().startswith("fe80:") or (
                one.raw is not None and link is not None and not by_kernel(one, link.mac)
            ):
                self._families.setdefault(one.dev, set()).add(one.family)
        self._carried: dict[str, set[int]] = {}
        self._macs: dict[str, list[str]] = {}
        self._busy: set[str] | None = None

    def own(self, name: str) -> set[int]:
        """The families of which the device itself has addresses of the host, or ways out."""
        return self._families.get(name, set()) | set(self.now.ways.get(name, ()))

    def carried(self, name: str | None, stop: str | None = None) -> set[int]:
        """The families of the host's addresses and ways out on the device, and on all that sits on it or has it as a port; not beyond C(stop)."""
        if name is None:
            return set()
        if stop is not None or name not in self._carried:
            found = {one for dev in self.above(name, stop) for one in self.own(dev)}
            if stop is not None:
                return found
            self._carried[name] = found
        return self._carried[name]

    def above(self, name: str, stop: str | None = None) -> set[str]:
        """The device, and all that sits on it or has it as a port; not beyond C(stop)."""
        seen, left = {name}, [name]
        while left:
            dev = left.pop()
            master = self.now.links[dev].master if dev in self.now.links else None
            on_it = {*self._riders.get(dev, ()), *self._beyond.get(dev, ()), master}
            more = on_it - seen - {None, stop}
            seen |= more
            left += more
        return seen

    def riders(self, name: str) -> list[Link]:
        """The devices that sit on this one: VLAN devices, the other end of a veth pair."""
        return [self.now.links[one] for one in self._riders.get(name, ())]

    def busy(self, link: Link) -> bool:
        """Whether somebody whom the host talks to was seen behind the port, or may be: behind what is no TAP anybody may be."""
        if link.kind != "tun":
            return True
        if self._busy is None:
            self._busy = {port for ports in self.now.peers.values() for port in ports}
        return link.name in self._busy

    def follows(self, bridge: Link, old: str | None, new: str | None) -> bool:
        """Whether the bridge gets another MAC when a port's goes from C(old) to C(new), None for no port: until it is given one, it has the lowest."""
        if bridge.mac_given:
            return False
        if bridge.name not in self._macs:
            self._macs[bridge.name] = sorted(
                port.mac for port in self.now.ports_of(bridge.name) if port.mac
            )
        macs = self._macs[bridge.name]
        if not macs or bridge.mac != macs[0]:
            return False
        last = old == macs[0] and macs[1:2] != macs[:1]
        return new != old and (last or (new is not None and new < macs[0]))


def of_the_host(host: _Host, bridge: str) -> set[int]:
    """The VLANs over which the host itself is reached through the bridge: its PVID, and those of VLAN devices on it, where they carry it."""
    link = host.now.links.get(bridge)
    if link is None or link.vlans is None:
        return set()
    riders = host.riders(bridge)
    vids = {
        one.options["id"] for one in riders if one.kind == "vlan" and host.carried(one.name, bridge)
    }
    plain = any(one.kind != "vlan" and host.carried(one.name, bridge) for one in riders)
    return vids | vlan_words.pvids(link.vlans) if plain or host.own(bridge) else vids


def _cuts(host: _Host, name: str, after: Mapping[str, Any]) -> bool:
    """Whether a change of what every device has cuts off the host on it: down, with a MAC that nobody knows yet, or without IPv6."""
    carried = host.carried(name)
    mtu = after.get("mtu")
    small = mtu is not None and mtu < IPV6_MTU and AF_INET6 in carried
    moves = after.get("mac") not in (None, host.now.links[name].mac)
    return bool(carried) and (after.get("up") is False or moves or small)


def _bridge(host: _Host, change: Change) -> str:
    link, after = host.now.links.get(change.name), change.after or {}
    if _readdressed(host, change):
        return MAY_CUT_SSH
    if link is None:
        return SAFE
    ports = host.now.ports_of(link.name)
    carried = host.carried(link.name)
    if change.after is None:
        return MAY_CUT_SSH if carried else INTERRUPTS if ports else SAFE
    filters = link.options.get("vlan_filtering") or "vlan_filtering" in after
    cutting = {
        *_CUTTING,
        *(_OF_VLANS if filters else ()),
        *(_ELECTING_BRIDGE if link.options.get("stp_state") else ()),
    } & set(after) or after.get("up") is False
    if (cutting and carried) or _cuts(host, link.name, after):
        return MAY_CUT_SSH
    if filters and "self_vlans" in after:
        lost = vlan_words.lost(link.vlans or {}, after["self_vlans"])
        if lost & of_the_host(host, link.name):
            return MAY_CUT_SSH
    return INTERRUPTS if cutting and ports else SAFE


def _readdressed(host: _Host, change: Change) -> bool:
    """Whether a bridge loses an address, or gets a network in which somebody may be who is reached over another device: behind a gateway anybody is."""
    after = (change.after or {}).get("addresses")
    if after is None:
        return False
    before = (change.before or {}).get("addresses") or []
    if set(before) - set(after):
        return True
    for text in set(after) - set(before):
        new = ipaddress.ip_interface(text)
        family = AF_INET6 if new.version == 6 else AF_INET
        if any(
            family in host.now.ways.get(dev, ()) for dev in host.now.links if dev != change.name
        ):
            return True
        for one in host.now.addresses:
            there = ipaddress.ip_interface(one.text)
            if one.dev != change.name and there.version == new.version and not there.is_link_local:
                if there.network.overlaps(new.network):
                    return True
    return False


def _port(host: _Host, change: Change) -> str:
    link, after = host.now.links.get(change.name), change.after or {}
    if change.action in ("attach", "detach"):
        return _membership(host, link, after)
    if link is None:
        return SAFE
    if link.port is None:  # a device of its own, which shall only go down or up
        return _down(link, after, bool(host.carried(link.name)))
    reached = bool(host.carried(link.name)) and host.busy(link)
    bridge = host.now.links.get(link.master or "")
    stp = bridge is not None and bridge.options.get("stp_state")
    harm = any(key in after and worst in (None, after[key]) for key, worst in _PORT_HARM.items())
    harm = harm or bool(after.get("isolated") and link.kind != "tun")
    harm = harm or bool(stp and _ELECTING_PORT & set(after))
    if reached and harm:
        return MAY_CUT_SSH
    if "vlans" in after:
        lost = vlan_words.lost(link.vlans or {}, after["vlans"])
        if host.busy(link) and lost & of_the_host(host, link.master or ""):
            return MAY_CUT_SSH
        if lost and link.running:
            return INTERRUPTS
    if link.running and _OF_GUESTS & set(after):
        return INTERRUPTS
    return _down(link, after, reached)


def _down(link: Link, after: Mapping[str, Any], reached: bool) -> str:
    if after.get("up") is not False:
        return SAFE
    return MAY_CUT_SSH if reached else INTERRUPTS if link.running else SAFE


def _membership(host: _Host, link: Link | None, after: Mapping[str, Any]) -> str:
    """A device that joins a bridge, leaves its master, or moves."""
    target = host.now.links.get(after.get("bridge") or "")
    if target is not None and not host.carried(target.name):
        target = None
    if link is None:
        # made in the same run: nobody is behind it, but its MAC may be the lowest
        return MAY_CUT_SSH if target is not None and host.follows(target, None, "") else SAFE
    source = host.now.links.get(link.master or "")
    if source is not None and not host.carried(source.name):
        source = None
    if source is not None and (host.busy(link) or host.follows(source, link.mac, None)):
        return MAY_CUT_SSH
    if target is not None:
        small = link.mtu < IPV6_MTU <= target.mtu and AF_INET6 in host.carried(target.name)
        # a NIC may close a loop, or bring in somebody with the host's own addresses
        if small or link.kind != "tun" or host.follows(target, None, link.mac):
            return MAY_CUT_SSH
    # what is on the device itself has its frames taken by the bridge, or its link taken down
    if host.carried(link.name, link.master):
        return MAY_CUT_SSH
    return INTERRUPTS if link.running else SAFE


def _tap(host: _Host, change: Change) -> str:
    link, after = host.now.links.get(change.name), change.after or {}
    if link is None:
        return SAFE
    deleted = change.after is None
    gone = deleted or change.action == "recreate"
    down = gone or after.get("up") is False
    if host.carried(link.name, link.master) and (gone or _cuts(host, link.name, after)):
        return MAY_CUT_SSH
    bridge = host.now.links.get(link.master or "")
    if bridge is not None and host.carried(bridge.name):
        mtu = after.get("mtu", IPV6_MTU)
        small = mtu < IPV6_MTU <= bridge.mtu and AF_INET6 in host.carried(bridge.name)
        moves = deleted or "mac" in after
        if small or (down and host.busy(link)):
            return MAY_CUT_SSH
        if moves and host.follows(bridge, link.mac, after.get("mac")):
            return MAY_CUT_SSH
    if change.action == "recreate":
        return INTERRUPTS
    held = link.running or (not link.up and deleted and link.name in host.now.holders)
    return INTERRUPTS if held and (down or "mac" in after) else SAFE


def _entry(host: _Host, change: Change) -> str:
    """Frames to somebody whom the host talks to, its gateway perhaps, go elsewhere, or to the host itself."""
    step, old = change.payload, change.before or {}
    known = step.mac in host.now.peers or any(
        link.mac == step.mac for link in host.now.links.values()
    )
    reached = known and bool(host.carried(step.bridge))
    if step.after is None:
        port = (host.now.links[step.port].port if step.port in host.now.links else None) or {}
        # a frame without an entry is flooded, and such a port gets none of that, or takes none
        if reached and (port.get("flood") is False or port.get("locked")):
            return MAY_CUT_SSH
        return INTERRUPTS if old.get("type") == "permanent" else SAFE
    local = step.after["type"] == "permanent"
    was_local = old["type"] == "permanent" if "type" in old else local
    elsewhere = step.after["port"] != step.port or local != was_local
    if elsewhere and reached:
        return MAY_CUT_SSH
    return INTERRUPTS if elsewhere and change.before is not None else SAFE


def _group(host: _Host, change: Change) -> str:
    """Whoever has not asked for a group gets it while nobody is listed, and no longer once somebody is: neighbours find each other by groups of IPv6."""
    step = change.payload
    gone = step.after is None
    first = change.action == "create" and not step.others
    narrower = change.action == "update" and set(change.after or {}) - {"type"}
    if not (narrower or first or (gone and step.others)):
        return SAFE
    carried = host.carried(step.bridge)
    of_neighbours = step.group.startswith("ff02:") and AF_INET6 in carried
    of_the_host = gone and step.port == step.bridge and bool(carried)
    return MAY_CUT_SSH if of_neighbours or of_the_host else INTERRUPTS


def _link(host: _Host, change: Change) -> str:
    return MAY_CUT_SSH if (change.after or {}).get("up") is False else SAFE


def _always(_host: _Host, _change: Change) -> str:
    """The host's own addresses and routes in the middle of moving: whatever is sent meanwhile may be lost."""
    return MAY_CUT_SSH


def _emptied(host: _Host, change: Change) -> str:
    """A bridge in a conversion: when it is deleted, what it carried has been moved."""
    return INTERRUPTS if change.after is None else _bridge(host, change)


def _address(_host: _Host, change: Change) -> str:
    return MAY_CUT_SSH if change.after is None else SAFE


def _never(_host: _Host, _change: Change) -> str:
    return SAFE


def _client(_host: _Host, _change: Change) -> str:
    return INTERRUPTS


_JUDGES: Mapping[str, Callable[[_Host, Change], str]] = {
    "bridge": _bridge,
    "port": _port,
    "tap": _tap,
    "entry": _entry,
    "group": _group,
    "link": _link,
    "route": _always,
    "address": _address,
    "rule": _never,
    "neighbour": _never,
    "sysctl": _never,
    "dhcp": _client,
}
_MOVING = {"port": _always, "bridge": _emptied}
