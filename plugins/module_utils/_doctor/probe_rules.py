# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What marked frames tell of a guest's way: which probes are sent, where they have to come out, and what it means where they did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import diagnose
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import (
    BRIDGE,
    ERROR,
    GATEWAY,
    INFO,
    PORT,
    UPLINK,
    WARNING,
    Finding,
    Host,
    Way,
    task,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import frames
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.plan import (
    Probe,
    entered,
    is_required,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.spec import (
    Tenant,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.verdict import Run

_COUNT, _TIMEOUT = 3, 5.0  # of each kind of frame; seconds for an answer of DHCP


def wish(host: Host, ways: Iterable[Way]) -> Wish | None:
    """What is to be sent: beside each tap that is a port, as from another guest that is set as its own is. None where no way leads into a bridge."""
    taps: dict[str, Link] = {}
    for way in ways:
        link = host.link(way.tap)
        if link is not None and link.port is not None and link.master in host.now.links:
            taps[link.name] = link
    if not taps:
        return None
    tenants = tuple(Tenant(name, None, (name,), dhcp=True) for name in taps)
    bridges = dict.fromkeys(str(link.master) for link in taps.values())
    uplinks = tuple(one.name for bridge in bridges for one in host.uplinks(bridge))
    # an uplink that is asked about by its MAC is no tenant's port beside
    return Wish(tenants, tuple(one for one in uplinks if one not in taps), (), _COUNT, _TIMEOUT)


def with_probes(host: Host, run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    """What C(diagnose) said, and what the frames told: C(findings) and C(ways) as there, and C(probes), what was sent and where it came out."""
    more = [replace(one, guest=_whose(result, one.device)) for one in findings(host, run)]
    return {**diagnose.with_more(result, more), "probes": told(run)}


def _whose(result: Mapping[str, Any], device: str | None) -> str | None:
    return next((way["guest"] for way in result["ways"] if way["tap"] == device), None)


def told(run: Run) -> list[dict[str, Any]]:
    """What was sent beside each tap, and where it came out: C(tap), C(bridge), C(sent) by kind, C(seen) by kind and device, C(offers) of DHCP."""
    found = []
    for tenant in run.wish.tenants:
        own = _probes(run, tenant)
        seen = {kind: dict(counts) for kind, counts in _seen(run, own).items()}
        found.append(
            {
                "tap": tenant.name,
                "bridge": own[0].bridge,
                "sent": dict(Counter(shot.kind for shot in run.sent if shot.probe in own)),
                "seen": seen,
                "offers": [dict(offer) for one in own for offer in run.offers.get(one.number, ())],
            }
        )
    return found


def findings(host: Host, run: Run) -> Iterator[Finding]:
    """Where the frames beside each tap ended."""
    for row, tenant in zip(told(run), run.wish.tenants):
        own = _probes(run, tenant)
        flooded: Counter[str] = Counter()
        for kind in frames.FLOODED:
            flooded.update(row["seen"].get(kind, {}))
        evidence = {"sent": sum(row["sent"].get(kind, 0) for kind in frames.FLOODED), "seen": dict(flooded)}  # fmt: skip
        if not any(entered(run.seen, one, kind) for one in own for kind in frames.FLOODED):
            yield Finding(
                "probe_not_let_in", BRIDGE, ERROR, tenant.name,
                f"{row['bridge']} let in none of the frames that were sent from a port like {tenant.name}.", evidence,
            )  # fmt: skip
            continue
        yield from _lost(host, run, own[0], flooded, evidence)
        yield from _addresses(host, tenant.name, row)


def _lost(
    host: Host, run: Run, probe: Probe, flooded: Mapping[str, int], evidence: Mapping[str, Any]
) -> Iterator[Finding]:
    tap = str(probe.like)
    if not flooded.get(tap) and is_required(
        run.now, run.wish, probe, "broadcast", tap, run.by_name
    ):
        yield Finding(
            "probe_not_at_guest", PORT, ERROR, tap, f"Broadcasts that were sent beside {tap} on {probe.bridge} did not come out at it.", evidence,
        )  # fmt: skip
    for wire in host.uplinks(probe.bridge):
        walled = (wire.port or {}).get("isolated") and probe.options.get("isolated")
        if wire.up and wire.running and not walled and not flooded.get(wire.name):
            yield Finding(
                "probe_not_at_uplink", UPLINK, ERROR, wire.name, f"Frames that were sent beside {tap} on {probe.bridge} did not leave by {wire.name}.",
                evidence,
            )  # fmt: skip


def _addresses(host: Host, tap: str, row: Mapping[str, Any]) -> Iterator[Finding]:
    """What DHCP answered beside a tap; a network without DHCP is none that is ill."""
    evidence = {"sent": row["sent"].get("dhcp", 0), "seen": row["seen"].get("dhcp", {})}
    if not row["offers"]:
        yield Finding(
            "no_dhcp_answer", GATEWAY, INFO, tap, f"Nobody offered an address to who asked by DHCP beside {tap} within {_TIMEOUT:g} s.", evidence
        )  # fmt: skip
    for offer in row["offers"]:
        link = host.link(offer["port"])
        if link is not None and link.kind == "tun":
            yield Finding(
                "dhcp_from_a_guest", GATEWAY, WARNING, link.name,
                f"{offer['mac']} behind {link.name} offers addresses by DHCP, here {offer['address']}.", dict(offer),
                [task("bridge_port", name=link.name, bridge=link.master, isolated=True)],
            )  # fmt: skip


def _probes(run: Run, tenant: Tenant) -> list[Probe]:
    return [probe for probe in run.plugged if probe.tenant is tenant]


def _seen(run: Run, probes: Iterable[Probe]) -> dict[str, Counter[str]]:
    """By kind how often frames came in at the probe itself, and out at others."""
    found: dict[str, Counter[str]] = {}
    for probe in probes:
        for (number, kind, dev, _vid), count in run.seen.items():
            if number == probe.number:
                found.setdefault(kind, Counter())[dev] += count
    return found
