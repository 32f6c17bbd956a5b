# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a host has, from bridge_info and qemu_guest_info, as nodes and edges of the picture.

What came from a host is not trusted to be whole: a key that is missing is a fact that is not told.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import model
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import (
    BAD,
    GOOD,
    IDLE,
    Host,
    Node,
    device,
    facts,
    guest,
    shown,
    sized,
)

_OF_GUESTS = {"tun": model.TAP, "veth": model.PORT}
_OF_WIRES = {"": model.NIC, "bond": model.BOND, "vlan": model.VLAN, "bridge": model.BRIDGE}
_BROKEN = ("crashed", "unresponsive", "guest-panicked", "internal-error", "io-error")
_MOST_MACS = 8  # of a port, in a picture
_MOST_CHARACTERS = 64  # of what a neighbour says


class _Seen:
    """What was read of one host, by name."""

    def __init__(self, info: Mapping[str, Any], guests: Any) -> None:
        self.bridges = list(sized(info.get("bridges")))
        self.links = {str(one.get("name")): one for one in sized(info.get("links"))}
        self.guests = list(sized(guests))
        self.addresses: dict[str, list[str]] = {}
        for one in sized(info.get("neighbours")):
            self.addresses.setdefault(str(one.get("mac")), []).append(str(one.get("address")))
        self.own: dict[str, list[str]] = {}
        for one in sized(info.get("addresses")):
            self.own.setdefault(str(one.get("dev")), []).append(str(one.get("address")))


def draw(host: Host, info: Mapping[str, Any], guests: Any) -> None:
    """Put what a host has into its picture."""
    seen = _Seen(info, guests)
    for bridge in seen.bridges:
        _bridge(host, bridge, seen)
    for name, link in seen.links.items():
        # a tun has no MAC, and carries no frames
        if link.get("kind") == "tun" and link.get("mac") and device(name) not in host.nodes:
            host.add(_plain(link, model.TAP, seen, [("Bridge", "in none")]))
    for one in seen.guests:
        _guest(host, one, seen)
    _strangers(host, seen)


def _bridge(host: Host, bridge: Mapping[str, Any], seen: _Seen) -> None:
    options, name = bridge.get("options") or {}, bridge.get("name")
    node = host.add(Node(device(name), model.BRIDGE, shown(name)))
    node.health = GOOD if bridge.get("up") else BAD
    node.state = "up" if bridge.get("up") else "down"
    filtering = bool(options.get("vlan_filtering"))
    stp = bool(bridge.get("stp_state"))
    node.facts = facts(
        [
            ("MAC", bridge.get("mac")),
            ("Addresses", ", ".join(seen.own.get(str(name), ()))),
            ("MTU", bridge.get("mtu")),
            ("VLAN filtering", "on" if filtering else "off"),
            ("The host's VLANs", vlans_text(bridge.get("self_vlans")) if filtering else None),
            ("Spanning tree", _tree(options) if stp else "off"),
            ("MACs learned", _learned(bridge)),
        ]
    )
    for port in sized(bridge.get("ports")):
        _port(host, bridge, port, seen)


def _tree(options: Mapping[str, Any]) -> str:
    root = "it is the root" if options.get("root_port") == 0 else f"root {options.get('root_id')}"
    return f"on, {root}"


def _learned(bridge: Mapping[str, Any]) -> int:
    return sum(
        1 for one in sized(bridge.get("fdb")) if not one.get("local") and not one.get("static")
    )


def _port(host: Host, bridge: Mapping[str, Any], port: Mapping[str, Any], seen: _Seen) -> None:
    name, kind = port.get("name"), str(port.get("kind") or "")
    filtering = bool((bridge.get("options") or {}).get("vlan_filtering"))
    vlans = port.get("vlans") if filtering else None
    macs = sorted(
        {
            str(one.get("mac"))
            for one in sized(bridge.get("fdb"))
            if one.get("port") == name and not one.get("local")
        }
    )
    more = [
        ("Port state", port.get("state")),
        ("Spanning tree role", _role(bridge, port)),
        ("VLANs", vlans_text(vlans)),
        ("Isolated", "yes" if (port.get("options") or {}).get("isolated") else None),
        ("MACs seen", _some(macs)),
        ("Addresses seen", _some([at for mac in macs for at in seen.addresses.get(mac, ())])),
    ]
    link = {**seen.links.get(str(name), {}), **port}
    wired = kind not in _OF_GUESTS
    node = host.add(
        _plain(link, _OF_WIRES.get(kind, model.PORT) if wired else _OF_GUESTS[kind], seen, more)
    )
    node.vlans = tuple(str(one.get("vid")) for one in sized(vlans))
    if node.health == GOOD and port.get("state") not in (None, "forwarding"):
        node.health, node.state = BAD, shown(port.get("state"))
    label = vlans_text(vlans)
    if wired:
        host.join(node.key, device(bridge.get("name")), label)
        _below(host, str(name), seen, 0)
    else:
        host.join(device(bridge.get("name")), node.key, label)


def _below(host: Host, name: str, seen: _Seen, depth: int) -> None:
    """What a port stands on: the slaves of a bond, the device below a VLAN; a host may claim a circle."""
    lower = seen.links.get(name, {}).get("lower")
    slaves = [key for key, one in seen.links.items() if one.get("master") == name]
    stands_on = [str(lower)] if seen.links.get(name, {}).get("kind") == "vlan" and lower else []
    for other in stands_on + (slaves if seen.links.get(name, {}).get("kind") == "bond" else []):
        link = seen.links.get(other, {"name": other})
        kind = _OF_WIRES.get(str(link.get("kind") or ""), model.PORT)
        known = device(other) in host.nodes
        host.add(_plain(link, kind, seen, []))
        vid = seen.links.get(name, {}).get("vlan") if other == lower else None
        host.join(device(other), device(name), f"VLAN {vid}" if vid else "")
        if not known and depth < len(seen.links):
            _below(host, other, seen, depth + 1)


def _plain(link: Mapping[str, Any], kind: str, seen: _Seen, more: list[tuple[str, Any]]) -> Node:
    """A device by itself."""
    name = link.get("name")
    holder = link.get("holder_guest") or link.get("holder_pid")
    if not link.get("up", True):
        health, state = BAD, "down"
    elif kind == model.TAP and holder is None:
        health, state = IDLE, "nobody holds it"
    elif not link.get("carrier", True):
        health, state = BAD, "no carrier"
    else:
        health, state = GOOD, "up"
    pid = link.get("holder_pid")
    return Node(
        device(name),
        kind,
        shown(name),
        health,
        state,
        facts=facts(
            [
                ("Kind", link.get("kind") or None),
                ("Speed", _speed(link.get("speed"))),
                (
                    model.NEIGHBOUR,
                    _some(list(filter(None, map(_neighbour, sized(link.get("lldp")))))),
                ),
                ("MAC", link.get("mac")),
                ("MTU", link.get("mtu")),
                ("Alias", link.get("alias")),
                ("Addresses", ", ".join(seen.own.get(str(name), ()))),
                ("Held by", f"process {pid}" if pid else None),
                *more,
            ]
        ),
    )


def _speed(megabits: Any) -> str | None:
    """As a NIC's maker writes it."""
    if not isinstance(megabits, int) or megabits <= 0:
        return None
    return f"{megabits / 1000:g} Gbit/s" if megabits >= 1000 else f"{megabits} Mbit/s"


def _memory(size: Any) -> str | None:
    """A number of QEMU's without a unit is in MiB."""
    text = str(size) if size is not None else None
    return f"{text} MiB" if text is not None and text.isdigit() else text


def _neighbour(one: Mapping[str, Any]) -> str:
    """A switch by its name, or else by what tells it from others, and the port that the wire ends at."""
    words = [str(one.get(key) or "") for key in ("system", "chassis", "port", "description")]
    system, chassis, port, description = (word[:_MOST_CHARACTERS] for word in words)
    more = f" ({description})" if description not in ("", port) else ""
    return f"{system or chassis} {port}{more}".strip()


def _role(bridge: Mapping[str, Any], port: Mapping[str, Any]) -> str | None:
    """What the spanning tree made of a port, in the words of IEEE 802.1D; None where no tree runs."""
    options, own = bridge.get("options") or {}, port.get("options") or {}
    if not bridge.get("stp_state") or port.get("state") in (None, "disabled"):
        return None
    if options.get("root_port") and options["root_port"] == port.get("number"):
        return "root"
    if own.get("designated_bridge") == options.get("bridge_id"):
        return "designated" if own.get("designated_port") == own.get("port_id") else "backup"
    return "alternate"


def _guest(host: Host, one: Mapping[str, Any], seen: _Seen) -> None:
    status = str(one.get("status"))
    nics = list(sized(one.get("nics")))
    node = host.add(Node(guest(one.get("name")), model.GUEST, shown(one.get("name"))))
    silent = [
        words
        for words, true in (
            ("not heard", nics and not any(nic.get("learned") for nic in nics)),
            ("its agent does not answer", one.get("agent_answers") is False),
        )
        if true
    ]
    if status in _BROKEN:
        node.health, node.state = BAD, status
    elif status != "running":
        node.health, node.state = IDLE, shown(status)
    else:
        node.health = IDLE if silent else GOOD
        node.state = ", ".join(["running", *silent])
    macs = [str(nic.get("mac")) for nic in nics]
    heard = [at for mac in macs for at in seen.addresses.get(mac, ())]
    told = [str(at) for nic in nics for at in nic.get("addresses") or () if str(at) not in heard]
    node.facts = facts(
        [
            ("MACs", ", ".join(macs)),
            ("Addresses seen", _some(heard)),
            ("Addresses told", _some(told)),
            ("Why it crashed", one.get("crash_reason")),
            ("Process", one.get("pid")),
            ("Memory", _memory(one.get("memory"))),
        ]
    )
    for nic in nics:
        tap = device(nic.get("tap"))
        if tap in host.nodes:
            host.join(tap, node.key, shown(nic.get("mac")))
        _inherit(host, tap, node)


def _inherit(host: Host, tap: str, node: Node) -> None:
    vlans = host.nodes[tap].vlans if tap in host.nodes else ()
    node.vlans = tuple(dict.fromkeys(node.vlans + vlans))


def _strangers(host: Host, seen: _Seen) -> None:
    """Guests that somebody else started: a tap's holder has told their names."""
    made = {str(one.get("name")) for one in seen.guests}
    held = {str(port.get("name")): port for one in seen.bridges for port in sized(one.get("ports"))}
    for name, link in {**seen.links, **held}.items():
        other = link.get("holder_guest")
        if other is None or str(other) in made or device(name) not in host.nodes:
            continue
        # no guest of this collection can have this key, and so no wish
        node = host.add(
            Node(
                f"stranger/{other}",
                model.GUEST,
                shown(other),
                state="running, made by others",
                facts=facts([("Process", link.get("holder_pid"))]),
            )
        )
        host.join(device(name), node.key)
        _inherit(host, device(name), node)


def vlans_text(entries: Any) -> str:
    """A port's VLANs in few words: the untagged one first, C(10), then C(tagged 20, 100-199)."""
    plain = [str(one.get("vid")) for one in sized(entries) if one.get("untagged")]
    tagged = [str(one.get("vid")) for one in sized(entries) if not one.get("untagged")]
    words = ([", ".join(plain)] if plain else []) + (
        [f"tagged {', '.join(tagged)}"] if tagged else []
    )
    return f"VLAN {'; '.join(words)}" if words else ""


def _some(texts: list[str]) -> str:
    more = len(texts) - _MOST_MACS
    return ", ".join(texts[:_MOST_MACS]) + (f" and {more} more" if more > 0 else "")
