# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel in a few lines: what the changes of a conversion do to a host, without one.

It knows what the plan relies on: the connected routes that come and go with addresses, in which order addresses and routes stand, which
of several routes a replacement hits, when a gateway is refused, and what a device takes along. C(Refusal) is the kernel's errno.
Read from Linux' net/ipv4/{devinet,fib_frontend,fib_trie}.c and net/ipv6/{addrconf,ip6_fib}.c; nothing of the collection's planners is used.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import replace
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address, Link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route, Rule
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet

from .connected import MAIN, SECONDARY, V4, V6, made_by, subnet_of

UP = 0x1
PERMANENT = 0x80
DEFAULTS = {
    "ipv4/conf/{}/rp_filter": "0", "ipv4/conf/{}/arp_ignore": "0", "ipv6/conf/{}/accept_ra": "1", "ipv6/conf/{}/accept_dad": "1",
    "ipv6/conf/{}/addr_gen_mode": "0",
}  # fmt: skip


class Refusal(Exception):
    """The kernel says no."""


def attribute(kind: int, payload: bytes) -> bytes:
    return struct.pack("=HH", len(payload) + 4, kind) + payload + b"\0" * (-len(payload) % 4)


def address(
    dev: str,
    text: str,
    peer: str | None = None,
    *,
    flags: int = 0,
    scope: int = 0,
    metric: int = 0,
    origin: int = 0,
) -> Address:
    """An address as a dump shows it."""
    local = ipaddress.ip_interface(text)
    family = V4 if local.version == 4 else V6
    raw = struct.pack("=BBBBI", family, local.network.prefixlen, flags & 0xFF, scope, 0)
    raw += attribute(2, local.ip.packed) + attribute(
        1, ipaddress.ip_address(peer).packed if peer else local.ip.packed
    )
    if family == V4:
        raw += attribute(3, dev.encode() + b"\0")
    raw += attribute(9, struct.pack("=I", metric)) if metric else b""
    raw += attribute(11, bytes([origin])) if origin else b""
    return Address(dev, f"{local.ip}/{local.network.prefixlen}", family, scope, flags, peer, raw)


def rule(iif: str | None = None, oif: str | None = None, priority: int = 1000) -> Rule:
    raw = struct.pack("=BBBBBBBBI", V4, 0, 0, 0, 100, 0, 0, 1, 0)
    for kind, name in ((3, iif), (17, oif)):
        raw += attribute(kind, name.encode() + b"\0") if name else b""
    return Rule(V4, iif, oif, raw + attribute(6, struct.pack("=I", priority)))


def route(
    dst: str,
    *hops: Hop,
    metric: int | None = None,
    table: int = MAIN,
    src: str | None = None,
    protocol: int = 3,
) -> Route:
    texts = (dst, src or "", *(hop.gateway or "" for hop in hops))
    family = V6 if any(":" in text for text in texts) else V4
    scope = 0 if family == V6 or any(hop.gateway for hop in hops) else 253
    return Route(
        family,
        dst,
        table,
        (1024 if family == V6 else 0) if metric is None else metric,
        0,
        1,
        scope,
        protocol,
        hops,
        src,
    )


def neighbour(dev: str, text: str, state: int = PERMANENT) -> Neighbour:
    return Neighbour(dev, text, V6 if ":" in text else V4, "02:00:00:00:00:77", state)


def link_local(dev: str, mac: str) -> Address:
    parts = bytes.fromhex(mac.replace(":", ""))
    packed = b"\xfe\x80" + b"\0" * 6 + bytes([parts[0] ^ 2]) + parts[1:3] + b"\xff\xfe" + parts[3:]
    return address(dev, f"{ipaddress.IPv6Address(packed)}/64", flags=0x80, scope=253, origin=3)


class Kernel:
    """A host that changes. C(now) is its snapshot, as a dump would show it."""

    def __init__(self, now: Inet, promote: bool = False) -> None:
        self.links = dict(now.links)
        self.addresses = list(now.addresses)
        self.routes = list(now.routes)
        self.rules = list(now.rules)
        self.neighbours = list(now.neighbours)
        self.sysctls = dict(now.sysctls)
        self.clients = list(now.clients)
        self.promote = promote

    @property
    def now(self) -> Inet:
        """Addresses by device, as the kernel dumps them, IPv4 before IPv6; sysctls of a missing device read as the defaults."""
        order = {name: number for number, name in enumerate(self.links)}
        addresses = sorted(self.addresses, key=lambda one: (one.family, order[one.dev]))
        return Inet(
            dict(self.links),
            tuple(addresses),
            {},
            {},
            {},
            tuple(self.routes),
            tuple(self.rules),
            tuple(self.neighbours),
            dict(self.sysctls),
            tuple(self.clients),
        )

    def apply(self, change: Change) -> None:
        getattr(self, f"{change.action}_{change.kind}")(change)

    def create_bridge(self, change: Change) -> None:
        if change.name in self.links:
            raise Refusal(f"{change.name} exists")
        after = dict(change.after or {})
        self.links[change.name] = Link(
            change.name,
            max(link.index for link in self.links.values()) + 1,
            "bridge",
            UP * after["up"],
            after["mac"],
            after["mtu"],
        )
        self._own_address(change.name)

    def update_bridge(self, change: Change) -> None:
        after = dict(change.after or {})
        link = self.links[change.name]
        flags = link.flags & ~UP | (UP * after.pop("up", link.up))
        self.links[change.name] = replace(link, flags=flags, **after)
        self._own_address(change.name)

    update_link = update_bridge

    def delete_bridge(self, change: Change) -> None:
        name = change.name
        del self.links[name]
        self.links = {
            key: replace(link, master=None) if link.master == name else link
            for key, link in self.links.items()
        }
        self.addresses = [one for one in self.addresses if one.dev != name]
        self.routes = [one for one in self.routes if name not in one.devs]
        self.neighbours = [one for one in self.neighbours if one.dev != name]
        self.sysctls.update({pattern.format(name): value for pattern, value in DEFAULTS.items()})

    def attach_port(self, change: Change) -> None:
        after = change.after or {}
        bridge = after["bridge"]
        if bridge not in self.links:
            raise Refusal("no such bridge")
        default = self.links[bridge].options.get("vlan_default_pvid")
        vlans = after.get(
            "vlans", None if default is None else {str(default): "pvid untagged"} if default else {}
        )
        self.links[change.name] = replace(
            self.links[change.name], master=bridge, port={}, vlans=vlans
        )
        self._own_address(bridge)

    def detach_port(self, change: Change) -> None:
        self.links[change.name] = replace(
            self.links[change.name], master=None, port=None, vlans=None
        )

    def update_port(self, change: Change) -> None:
        self.links[change.name] = replace(
            self.links[change.name], vlans=(change.after or {})["vlans"]
        )

    def set_sysctl(self, change: Change) -> None:
        key = change.name.partition("/")[2]
        dev = key.split("/")[2]
        if dev not in self.links:
            raise Refusal(f"no file for {key}")
        self.sysctls[key] = (change.after or {})["value"]
        if key.endswith("addr_gen_mode"):
            self._own_address(dev)

    def _own_address(self, dev: str) -> None:
        """A device that is up has its link-local address, unless it is told not to make one."""
        link = self.links[dev]
        if link.up and self.sysctls.get(f"ipv6/conf/{dev}/addr_gen_mode", "1") == "0":
            own = link_local(dev, link.mac or "")
            if not any(one.dev == dev and one.text == own.text for one in self.addresses):
                self.addresses.append(own)
                self._add(Route(V6, "fe80::/64", MAIN, 256, 0, 1, 0, 2, (Hop(dev),)))

    # Addresses

    def add_address(self, change: Change) -> None:
        new: Address = replace(change.payload, flags=change.payload.flags & ~SECONDARY)
        if new.dev not in self.links:
            raise Refusal(f"no device {new.dev}")
        same = [
            one
            for one in self.addresses
            if one.dev == new.dev and (one.text, one.peer) == (new.text, new.peer)
        ]
        if same:
            return  # replaced in its place
        mine = [one for one in self.addresses if one.dev == new.dev and one.family == new.family]
        others = [
            one for one in self.addresses if not (one.dev == new.dev and one.family == new.family)
        ]
        if new.family == V6:
            position = next(
                (number for number, one in enumerate(mine) if one.scope >= new.scope), len(mine)
            )
        else:
            if any(not one.flags & SECONDARY and subnet_of(one) == subnet_of(new) for one in mine):
                new = replace(new, flags=new.flags | SECONDARY)
            position = len(mine)
            if not new.flags & SECONDARY:
                position = max(
                    [
                        number + 1
                        for number, one in enumerate(mine)
                        if not one.flags & SECONDARY and new.scope <= one.scope
                    ]
                    or [0]
                )
        mine.insert(position, new)
        self.addresses = others + mine
        self._make_routes(new)

    def _make_routes(self, new: Address) -> None:
        if self.links[new.dev].up:
            for made in made_by(new):
                self._add(made)

    def remove_address(self, change: Change) -> None:
        old = next(
            (
                one
                for one in self.addresses
                if (one.dev, one.text, one.peer)
                == (change.payload.dev, change.payload.text, change.payload.peer)
            ),
            None,
        )
        if old is None:
            return  # EADDRNOTAVAIL is tolerated
        self.addresses.remove(old)
        self._unmake_routes(old)
        gone = [old]
        if old.family == V4 and not old.flags & SECONDARY:
            followers = [
                one
                for one in self.addresses
                if one.dev == old.dev and one.flags & SECONDARY and subnet_of(one) == subnet_of(old)
            ]
            if self.promote and followers:
                heir = replace(followers[0], flags=followers[0].flags & ~SECONDARY)
                self.addresses[self.addresses.index(followers[0])] = heir
                self._make_routes(heir)
            else:
                self.addresses = [one for one in self.addresses if one not in followers]
                gone += followers
        for one in gone:
            text = one.text.partition("/")[0]
            if not any(other.text.partition("/")[0] == text for other in self.addresses):
                self.routes = [
                    replace(way, src=None) if way.family == V6 and way.src == text else way
                    for way in self.routes
                ]
                self.routes = [way for way in self.routes if way.src != text]
        if not any(one.dev == old.dev and one.family == V4 for one in self.addresses):
            self.neighbours = [
                one for one in self.neighbours if one.dev != old.dev or one.family != V4
            ]

    def _unmake_routes(self, old: Address) -> None:
        kept = [made for one in self.addresses if one.dev == old.dev for made in made_by(one)]
        for made in made_by(old):
            if made in self.routes and made not in kept:
                self.routes.remove(made)

    # Routes

    def add_route(self, change: Change) -> None:
        self._check_route(change.payload)
        self._add(change.payload)

    def replace_route(self, change: Change) -> None:
        new = change.payload
        self._check_route(new)
        for number, one in enumerate(self.routes):
            if one.key == new.key:
                if new in self.routes and one != new:
                    raise Refusal("EEXIST")
                self.routes[number] = new
                return
        self._add(new)

    def remove_route(self, change: Change) -> None:
        if change.payload in self.routes:
            self.routes.remove(change.payload)  # ESRCH is tolerated

    def _add(self, new: Route) -> None:
        if new in self.routes:
            return  # EEXIST is tolerated
        last = max(
            (number for number, one in enumerate(self.routes) if one.key == new.key),
            default=len(self.routes) - 1,
        )
        self.routes.insert(last + 1, new)

    def _check_route(self, new: Route) -> None:
        if new.src and not any(one.text.partition("/")[0] == new.src for one in self.addresses):
            raise Refusal(f"EINVAL: {new.src} is no address of this host")
        for hop in new.hops:
            if hop.dev not in self.links or not self.links[hop.dev].up:
                raise Refusal(f"ENETDOWN: {hop.dev}")
            if hop.gateway and not hop.onlink and not self._on_link(hop):
                raise Refusal(f"ENETUNREACH: {hop.gateway} dev {hop.dev}")

    def _on_link(self, hop: Hop) -> bool:
        gateway = ipaddress.ip_address(hop.gateway)
        if gateway.is_link_local:
            return True
        for one in self.routes:
            if one.connected and one.dst != "default" and Hop(hop.dev) in one.hops:
                found = ipaddress.ip_network(one.dst)
                if found.version == gateway.version and gateway in found:
                    return True
        return False

    # The rest

    def add_rule(self, change: Change) -> None:
        self.rules.append(change.payload)

    def remove_rule(self, change: Change) -> None:
        if change.payload not in self.rules:
            raise Refusal("ENOENT")
        self.rules.remove(change.payload)

    def add_neighbour(self, change: Change) -> None:
        new: Any = change.payload
        self.neighbours = [
            one for one in self.neighbours if (one.dev, one.address) != (new.dev, new.address)
        ] + [new]

    def remove_neighbour(self, change: Change) -> None:
        self.neighbours = [
            one
            for one in self.neighbours
            if (one.dev, one.address) != (change.payload.dev, change.payload.address)
        ]

    def stop_dhcp(self, change: Change) -> None:
        self.clients.remove(change.payload)

    def start_dhcp(self, change: Change) -> None:
        self.clients.append(change.payload)
