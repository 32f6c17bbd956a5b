# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Walk the ways that are asked about, and say where each of them ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import (
    beyond_rules,
    bridge_rules,
    guest_rules,
    port_rules,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import (
    ERROR,
    STEPS,
    Finding,
    Host,
    Way,
)

_OF_A_WAY = (
    guest_rules.guest,
    guest_rules.mac,
    guest_rules.tap,
    port_rules.port,
    beyond_rules.taken,
    beyond_rules.querier,
    port_rules.vlan,
    bridge_rules.learned,
    bridge_rules.mtus,
)


def diagnose(host: Host, ways: Iterable[Way], bridges: Iterable[str] = ()) -> dict[str, Any]:
    """C(findings) in the order of the way, each once, and C(ways) with where each ends: C(ends_at) is a step, or None where nothing known stops a frame.

    C(bridges) are looked at although no way leads there.
    """
    found: list[Finding] = []
    told = []
    shared = {name: _shared(host, name) for name in bridges}
    # on the way of a guest nobody asked for other taps
    found += [one for name in shared for one in guest_rules.spare(host, name)]
    for way in ways:
        own = [replace(one, guest=way.whose) for rule in _OF_A_WAY for one in rule(host, way)]
        link = host.link(way.tap)
        bridge = link.master if link is not None and link.port is not None else None
        if bridge is not None and bridge not in shared:
            shared[bridge] = _shared(host, bridge)
        met = _in_order([*own, *(shared[bridge] if bridge is not None else ())])
        found += own
        told.append(
            {
                "guest": way.whose,
                "mac": way.mac,
                "tap": way.tap,
                "bridge": bridge,
                "uplinks": [one.name for one in host.uplinks(bridge)] if bridge else [],
                "ends_at": next((one.step for one in met if one.severity == ERROR), None),
            }
        )
    everything = [*found, *(one for findings in shared.values() for one in findings)]
    return {"ways": told, "findings": [one.as_dict() for one in _in_order(_once(everything))]}


def with_more(result: Mapping[str, Any], more: Sequence[Finding]) -> dict[str, Any]:
    """A result of C(diagnose) with findings that came by other means: each in its place, and ways that end where an error is at one of their devices."""
    ways = []
    for way in result["ways"]:
        about = (way["tap"], *way["uplinks"])
        ends = [
            one.step
            for one in more
            if one.severity == ERROR and one.device in about and one.guest in (None, way["guest"])
        ]
        steps = [*([way["ends_at"]] if way["ends_at"] else []), *ends]
        ways.append({**way, "ends_at": min(steps, key=STEPS.index, default=None)})
    everything = [*result["findings"], *(one.as_dict() for one in more)]
    return {
        **result,
        "ways": ways,
        "findings": sorted(everything, key=lambda one: STEPS.index(one["step"])),
    }


def _shared(host: Host, name: str) -> list[Finding]:
    """What all ways through a bridge have in common; a port's master may be gone, or be no bridge, by the time that is looked at."""
    link = host.link(name)
    if link is None or link.kind != "bridge":
        return []
    wires = [
        one
        for wire in host.uplinks(name)
        for rule in (bridge_rules.uplink, beyond_rules.wire)
        for one in rule(host, wire)
    ]
    own = [*bridge_rules.bridge(host, link), *beyond_rules.rp_filter(host, link)]
    return [*own, *wires, *bridge_rules.gateway(host, link)]


def _once(findings: Sequence[Finding]) -> Iterator[Finding]:
    seen = set()
    for one in findings:
        key = (one.id, one.device, one.guest, one.finding)
        if key not in seen:
            seen.add(key)
            yield one


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: STEPS.index(one.step))
