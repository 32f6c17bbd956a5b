# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the role bridge_host's step verify holds a host against: what it saw, and what is not so.

A check yields pairs: whether it is well, and the sentence that says what was seen.
"""

from __future__ import annotations

from typing import Any, Collection, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import differing
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner

Info = Mapping[str, Any]
Wish = Mapping[str, Sequence[Mapping[str, Any]]]
Seen = Iterator[tuple[bool, str]]

_LOCAL = 255  # RT_TABLE_LOCAL


def of_host(
    plan: Mapping[str, Wish], now: Info, before: Info, started: Sequence[str] | None = None
) -> dict[str, list[str]]:
    """C(proven), C(wrong) and C(risky): a sentence for each thing that is as it should be, that is not, and that nobody has decided yet.

    C(now) and C(before) are what bridge_info returned after and before the run, C(started) the guests that the run started
    (None: all). A guest that ran before may have been silent for longer than the table remembers; then it is enough that it
    holds its tap.
    """
    wish = plan["present"]
    bridges = {bridge["name"]: bridge for bridge in now["bridges"]}
    found: dict[str, list[str]] = {
        "proven": [],
        "wrong": [],
        "risky": [*_believers(wish, bridges), *_taken(wish, now), *_disagreed(wish, now)],
    }
    checks = (
        _gone(plan["absent"], bridges, now, before),
        _bridges(wish, bridges),
        _ports(wish, bridges),
        _options(wish, bridges, now["addresses"], _proven_by_frames(plan)),
        _network(wish, now, before),
        _guests(wish, bridges, started),
    )
    for check in checks:
        for well, sentence in check:
            found["proven" if well else "wrong"].append(sentence)
    return found


def _gone(absent: Wish, bridges: Mapping[str, Any], now: Info, before: Info) -> Seen:
    for item in absent["bridges"]:
        here = item["name"] in bridges
        yield not here, f"{item['name']} is still there." if here else f"{item['name']} is gone."
    for item in absent["uplinks"]:
        nic, bridge = item["name"], item["bridge"]
        yield from _has(nic, now, _addresses(before, nic) | _addresses(before, bridge))
        yield from _leaves_by(nic, now, [*_routes(before, nic), *_routes(before, bridge)])


def _bridges(wish: Wish, bridges: Mapping[str, Any]) -> Seen:
    for item in wish["bridges"]:
        bridge = bridges.get(item["name"])
        if bridge is None:
            yield False, f"There is no bridge {item['name']}; the bridges are {_listed(bridges)}."
        elif item.get("up", True) and not bridge["up"]:
            yield False, f"{item['name']} is down."


def _ports(wish: Wish, bridges: Mapping[str, Any]) -> Seen:
    wanted: dict[str, dict[str, None]] = {}
    for item in (*wish["uplinks"], *wish["ports"]):  # an uplink that carries VLANs is in both
        wanted.setdefault(item["bridge"], {})[item["name"]] = None
    for name, ports in wanted.items():
        there = [one["name"] for one in bridges[name]["ports"]] if name in bridges else []
        for port in ports:
            if port not in there:
                yield False, f"{port} is not a port of {name}, whose ports are {_listed(there)}."
        if there and set(there).issuperset(ports):
            yield True, f"{name} has the ports {', '.join(ports)}."


def _proven_by_frames(plan: Mapping[str, Any]) -> set[str]:
    """The ports of tenants: bridge_isolation looks at their VLANs next, says what is wrong with them, and shows what it costs."""
    tenants = (plan.get("isolation") or {}).get("tenants") or ()
    return {port for tenant in tenants for port in tenant["ports"]}


def _options(
    wish: Wish, bridges: Mapping[str, Any], addresses: Sequence[Any], proven: Collection[str]
) -> Seen:
    """Every option that is given, of bridges, ports and taps, against what the kernel says; what it doesn't tell is not held.

    Of the ports in C(proven) the VLANs are somebody else's to look at.
    """
    for item in wish["bridges"]:
        name, bridge = item["name"], bridges.get(item["name"])
        if bridge is None:
            continue
        given = bridge_planner.checked({"state": "present", **item})
        yield from _held(name, given, bridge, "self_vlans")
        has = [one["address"] for one in addresses if one["dev"] == name]
        for one in given.get("addresses") or ():
            if one in has:
                yield True, f"{name} has the address {one}."
            else:
                yield False, f"{name} lacks the address {one}; it has {_listed(has)}."
    ports = {
        (name, port["name"]): (port, bridge)
        for name, bridge in bridges.items()
        for port in bridge["ports"]
    }
    taps = {item["name"]: item for item in wish["taps"]}
    for item in wish["ports"]:
        port, bridge = ports.get((item["bridge"], item["name"]), (None, {}))
        if port is None:
            continue
        given = port_planner.checked({"state": "present", "vlans_mode": "exact", **item})
        if bridge.get("stp_state"):
            given.pop("port_state", None)  # the spanning tree's to say
        if given.get("vlans_mode") == "merge" or item["name"] in proven:
            given.pop("vlans", None)
        tap = taps.get(item["name"], {})
        common = device.checked(tap) if tap else {}
        yield from _held(item["name"], {**given, **common}, port, "vlans")


def _held(name: str, given: Mapping[str, Any], seen: Mapping[str, Any], vlans: str) -> Seen:
    told = {**(seen.get("options") or {}), **seen}
    known = {key: one for key, one in told.items() if one is not None}
    if vlans in known:
        known[vlans] = vlan_words.of_entries(
            [{**one, "vid": str(one["vid"])} for one in known[vlans]], vlans
        )
    held = {
        key: one
        for key, one in given.items()
        if key in known and key not in ("name", "state", "up")
    }
    for key in differing(known, held):
        yield False, f"{name} shall have {key} {given[key]}, and has {known[key]}."


def _believers(wish: Wish, bridges: Mapping[str, Any]) -> list[str]:
    """Bridges that make any guest's router advertisement the host's IPv6 router, where nobody has said that this is meant."""
    decided = {item["bridge"] for item in wish["uplinks"] if item.get("accept_ra") is True}
    guests = {item["bridge"] for item in wish["ports"] if item["name"] in {tap["name"] for tap in wish["taps"]}}  # fmt: skip
    uplinks = {item["bridge"] for item in wish["uplinks"]}
    return [
        f"{item['name']} believes router advertisements, and with them any guest's, which could become this host's default IPv6 router; "
        + (
            "say accept_ra: false where the host's IPv6 is static, accept_ra: true where its router's advertisements are wanted."
            if item["name"] in uplinks
            else f"set net.ipv6.conf.{item['name']}.accept_ra to 0 by sysctl."
        )
        for item in wish["bridges"]
        if item["name"] in guests - decided
        and (bridges.get(item["name"]) or {}).get("believes_routers")
    ]


def _taken(wish: Wish, now: Info) -> list[str]:
    """Ports that a manager of networks would take out of their bridge: not at once, and it may go by files that somebody is about to change. Not an uplink
    that was converted although it has a manager, by whoever knows that."""
    known = {item["name"] for item in wish["uplinks"] if item.get("override")}
    kinds = ("uplinks", "ports", "taps")
    ours = {item["name"] for kind in kinds for item in wish[kind]} - known
    return [f"{said}." for name, said in (now.get("takers") or {}).items() if name in ours]


def _disagreed(wish: Wish, now: Info) -> list[str]:
    """What a manager of networks believes of a device of ours that is not so; of a port that it would take more is said elsewhere."""
    told = now.get("takers") or {}
    kinds = ("bridges", "uplinks", "ports", "taps")
    ours = dict.fromkeys(item["name"] for kind in kinds for item in wish[kind])
    said = now.get("disagreements") or {}
    return [f"{said[name]}." for name in ours if name in said and name not in told]


def _network(wish: Wish, now: Info, before: Info) -> Seen:
    """The uplink only carries frames: what it had before the run, and what the bridge had, the bridge has now."""
    for item in wish["uplinks"]:
        nic, bridge = item["name"], item["bridge"]
        for address in sorted(_addresses(now, nic)):
            yield False, f"{nic} still has the address {address}, which belongs on {bridge}."
        yield from _has(bridge, now, _addresses(before, nic) | _addresses(before, bridge))
        for route in _routes(now, nic):
            yield False, f"A route still leaves by {nic} and not by {bridge}: {_route(route)}."
        yield from _leaves_by(bridge, now, [*_routes(before, nic), *_routes(before, bridge)])


def _has(dev: str, now: Info, addresses: set[str]) -> Seen:
    for address in sorted(addresses):
        if address in _addresses(now, dev):
            yield True, f"{dev} has the address {address}."
        else:
            yield (
                False,
                f"{dev} lacks the address {address} that the host had before; it has {_listed(_addresses(now, dev))}.",
            )


def _leaves_by(dev: str, now: Info, before: Sequence[Mapping[str, Any]]) -> Seen:
    there = {_target(route) for route in _routes(now, dev)}
    others = {target[:3] for target in there}
    for route in before:
        # beside a way of the host's own, a router's comes and goes with its advertisements
        learned = route.get("protocol") in ("ra", "redirect") and _target(route)[:3] in others
        if _target(route) in there or learned:
            yield True, f"The route to {route['dst']} leaves by {dev}."
        else:
            same = [
                one
                for one in now["routes"]
                if one["dst"] == route["dst"] and one["family"] == route["family"]
            ]
            seen = "; ".join(_route(one) for one in same) or "there is none"
            yield (
                False,
                f"The route '{_route(route)}' of before is not on {dev}; to {route['dst']} now: {seen}.",
            )


def _guests(wish: Wish, bridges: Mapping[str, Any], started: Sequence[str] | None) -> Seen:
    homes = {item["name"]: item["bridge"] for item in wish["ports"]}
    for guest in wish["guests"]:
        if guest.get("state", "running") != "running":
            continue
        for nic in guest.get("nics") or ():
            bridge = bridges.get(homes.get(nic["tap"], ""))
            if bridge is not None:
                yield _learned(
                    guest["name"], nic, bridge, started is None or guest["name"] in started
                )


def _learned(
    guest: str, nic: Mapping[str, Any], bridge: Mapping[str, Any], just_started: bool
) -> tuple[bool, str]:
    mac, tap = nic["mac"].lower(), nic["tap"]
    entries = [entry for entry in bridge["fdb"] if entry["mac"] == mac]
    if any(entry["port"] == tap and not entry["local"] for entry in entries):
        return True, f"{guest}'s MAC {mac} was learned on {tap}."
    table = f"the table of {bridge['name']}"
    if entries:
        seen = ", ".join(
            f"{entry['port']}{' (local)' if entry['local'] else ''}" for entry in entries
        )
        return (
            False,
            f"{guest}: its MAC {mac} should be learned on {tap}, and {table} has it on {seen}.",
        )
    if just_started:
        learned = {
            entry["mac"] for entry in bridge["fdb"] if entry["port"] == tap and not entry["local"]
        }
        return (
            False,
            f"{guest}: its MAC {mac} is not in {table}; on {tap} it has learned {_listed(learned)}.",
        )
    if any(port["name"] == tap and port["holder_pid"] for port in bridge["ports"]):
        return (
            True,
            f"{guest} holds {tap}, and has been silent for longer than {bridge['name']} remembers its MAC {mac}.",
        )
    return False, f"{guest}: no process holds {tap}, so its MAC {mac} can't be learned there."


def _addresses(info: Info, dev: str) -> set[str]:
    return {
        one["address"]
        for one in info["addresses"]
        if one["dev"] == dev and one["scope"] == "global"
    }


def _routes(info: Info, dev: str) -> list[Mapping[str, Any]]:
    """The unicast routes by a device that a user would miss: no kernel-made link-local, multicast or local ones."""
    return [
        one
        for one in info["routes"]
        if one["dev"] == dev
        and one["table"] != _LOCAL
        and not one["dst"].startswith(("fe80:", "ff"))
    ]


def _target(route: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(route[key] for key in ("family", "table", "dst", "gateway"))


def _route(route: Mapping[str, Any]) -> str:
    via = f" via {route['gateway']}" if route["gateway"] else ""
    return f"{route['dst']}{via} dev {route['dev']}"


def _listed(things: Any) -> str:
    return ", ".join(sorted(things)) or "none"
