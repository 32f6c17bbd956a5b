# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the role bridge_host's step verify holds a host against: what it saw, and what is not so.

A check yields pairs: whether it is well, and the sentence that says what was seen.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

Info = Mapping[str, Any]
Wish = Mapping[str, Sequence[Mapping[str, Any]]]
Seen = Iterator[tuple[bool, str]]

_LOCAL = 255  # RT_TABLE_LOCAL


def of_host(
    plan: Mapping[str, Wish], now: Info, before: Info, started: Sequence[str] | None = None
) -> dict[str, list[str]]:
    """C(proven) and C(wrong): a sentence for each thing that is as it should be, and for each that is not.

    C(now) and C(before) are what bridge_info returned after and before the run, C(started) the guests that the run started
    (None: all). A guest that ran before may have been silent for longer than the table remembers; then it is enough that it
    holds its tap.
    """
    wish = plan["present"]
    bridges = {bridge["name"]: bridge for bridge in now["bridges"]}
    found: dict[str, list[str]] = {"proven": [], "wrong": []}
    checks = (
        _gone(plan["absent"], bridges, now, before),
        _bridges(wish, bridges),
        _ports(wish, bridges),
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
    for route in before:
        if _target(route) in there:
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
