# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the frames of the probes of plan.py prove: tables of counts, and a sentence for each thing that is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import listed
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    frames as probe_frames,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.plan import (
    Probe,
    Shot,
    Sighting,
    came_out,
    entered,
    is_leak,
    is_required,
    settings,
    watched,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.spec import HOST, Wish

NOBODY = "no tenant"


@dataclass(frozen=True)
class Run:
    """A run of the probes: what was there, what was C(sent) in which order, and where frames were C(seen).

    C(offers) are those of DHCP servers by the number of the probe, each with C(server), C(address), C(mac), and C(port) (None: not learned).
    """

    now: Snapshot
    wish: Wish
    plugged: Sequence[Probe]
    sent: Sequence[Shot]
    seen: Mapping[Sighting, int]
    offers: Mapping[int, Sequence[Mapping[str, Any]]]

    @property
    def by_name(self) -> dict[str, Probe]:
        return {probe.name: probe for probe in self.plugged}


def verdict(run: Run) -> dict[str, Any]:
    """C(isolation) (rows for each sender and kind), C(matrix) (rows for each sender and receiver), C(leaks), C(offers), C(proven), C(wrong)."""
    places = [
        (probe, kind, dev, vid, count)
        for probe in run.plugged
        for kind, dev, vid, count in came_out(run.seen, probe)
    ]
    by_name = run.by_name
    leaking = [
        one for one in places if is_leak(run.now, run.wish, one[0], one[1], one[2], one[3], by_name)
    ]
    missing = list(_missing(run))
    leaks = _leaks(run, leaking)
    offers = [
        {"tenant": run.plugged[number].whose, **offer}
        for number, found in run.offers.items()
        for offer in found
    ]
    wrong = [
        *settings(run.now, run.wish),
        *_leak_sentences(leaks),
        *_lost_sentences(run, missing),
        *_dhcp_sentences(run),
    ]
    rows = _rows(run, places, leaking, missing)
    return {
        "isolation": rows,
        "matrix": _matrix(run, places),
        "leaks": leaks,
        "offers": offers,
        "wrong": wrong,
        "proven": [] if wrong else _proven(run, rows, offers),
    }


def _senders(run: Run) -> list[str]:
    return list(dict.fromkeys(probe.whose for probe in run.plugged))


def _sent(run: Run, probe: Probe, kind: str) -> int:
    return sum(1 for shot in run.sent if shot.probe is probe and shot.kind == kind)


def _missing(run: Run) -> Iterator[tuple[Probe, str, str, int, int]]:
    """C((probe, kind, device, seen, required)) wherever a frame has to come out."""
    by_name = run.by_name
    devices = [link.name for link in watched(run.now) if link.name not in by_name] + list(by_name)
    kinds = [kind for kind in probe_frames.KINDS if any(shot.kind == kind for shot in run.sent)]
    numbers = {probe.number: probe for probe in run.plugged}
    for probe in run.plugged:
        out: Counter[tuple[str, str]] = Counter()
        for kind, dev, vid, count in came_out(run.seen, probe):
            if dev not in run.wish.uplinks or probe.tenant is None or vid == probe.tenant.vlan:
                out[kind, dev] += count
        for kind in kinds:
            count = _sent(run, probe, kind)
            if count:
                yield probe, kind, probe.name, entered(run.seen, probe, kind), count
            for dev in devices:
                if (
                    count
                    and dev != probe.name
                    and is_required(run.now, run.wish, probe, kind, dev, by_name)
                ):
                    yield probe, kind, dev, out[kind, dev], count
        for shot in dict.fromkeys(
            shot for shot in run.sent if shot.probe is probe and shot.kind == "known"
        ):
            peer = numbers[shot.peer if shot.peer is not None else -1]
            if not (probe.options.get("isolated") and peer.options.get("isolated")):
                yield probe, "known", peer.name, out["known", peer.name], run.sent.count(shot)


def _rows(
    run: Run, places: Sequence[Any], leaking: Sequence[Any], missing: Sequence[Any]
) -> list[dict[str, Any]]:
    rows = []
    by_name = run.by_name
    for whose in _senders(run):
        tenant = next(probe.tenant for probe in run.plugged if probe.whose == whose)
        for kind in probe_frames.KINDS:
            sent = sum(_sent(run, probe, kind) for probe in run.plugged if probe.whose == whose)
            if not sent:
                continue
            mine = [one for one in places if one[0].whose == whose and one[1] == kind]
            astray = sum(one[4] for one in leaking if one[0].whose == whose and one[1] == kind)
            at_uplinks = [
                one
                for one in mine
                if one[2] in (*run.wish.uplinks, *run.wish.trunks) and one not in leaking
            ]
            own = [
                one
                for one in mine
                if one not in leaking
                and one not in at_uplinks
                and _whose(run, one[2], by_name) == whose
            ]
            rows.append(
                {
                    "sender": whose,
                    "vlan": tenant.vlan if tenant else None,
                    "kind": kind,
                    "sent": sent,
                    "own": sum(one[4] for one in own),
                    "required": sum(
                        need
                        for probe, what, dev, _seen, need in missing
                        if _counts(run, probe, what, dev, whose, kind)
                    ),
                    "others": astray,
                    "uplinks": sum(one[4] for one in at_uplinks),
                }
            )
    return rows


def _counts(run: Run, probe: Probe, what: str, dev: str, whose: str, kind: str) -> bool:
    return (
        (probe.whose, what) == (whose, kind) and dev != probe.name and dev not in run.wish.uplinks
    )


def _whose(run: Run, dev: str, by_name: Mapping[str, Probe]) -> str:
    if dev in by_name:
        return by_name[dev].whose
    owner = run.wish.owner(dev)
    return owner.name if owner else HOST if run.now.links[dev].kind == "bridge" else NOBODY


def _matrix(run: Run, places: Sequence[Any]) -> list[dict[str, Any]]:
    """For each sender, how many of its frames each tenant, the host, and ports of no tenant saw. Uplinks and trunks are not among them."""
    by_name = run.by_name
    receivers = [tenant.name for tenant in run.wish.tenants] + [HOST, NOBODY]
    carriers = (*run.wish.uplinks, *run.wish.trunks)
    rows = []
    for whose in _senders(run):
        out: Counter[str] = Counter()
        for probe, _kind, dev, _vid, count in places:
            if probe.whose == whose and dev not in carriers:
                out[_whose(run, dev, by_name)] += count
        rows.append({"sender": whose, "seen": {name: out[name] for name in receivers}})
    return rows


def _leaks(run: Run, leaking: Sequence[Any]) -> list[dict[str, Any]]:
    by_name = run.by_name
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for probe, kind, dev, vid, count in leaking:
        port = by_name[dev].like or by_name[dev].bridge if dev in by_name else dev
        key = (
            probe.whose,
            probe.like,
            _whose(run, dev, by_name),
            port,
            dev in by_name,
            vid if dev not in by_name else None,
        )
        kinds = found.setdefault(key, {})
        kinds[kind] = kinds.get(kind, 0) + count
    names = ("sender", "sent_like", "receiver", "port", "probe", "tag")
    return [{**dict(zip(names, key)), "counts": kinds} for key, kinds in found.items()]


def _leak_sentences(leaks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    living = {
        (leak["sender"], leak["receiver"], leak["port"]) for leak in leaks if not leak["probe"]
    }
    for leak in leaks:
        if leak["probe"] and (leak["sender"], leak["receiver"], leak["port"]) in living:
            continue  # the port that the probe is like was seen itself
        sender = f" from a port like {leak['sent_like']}" if leak["sent_like"] else ""
        port = f"a port like {leak['port']}" if leak["probe"] else leak["port"]
        where = (
            port
            if leak["receiver"] == NOBODY
            else HOST
            if leak["receiver"] == HOST
            else f"{port} of {leak['receiver']}"
        )
        tag = f", tagged {leak['tag']}" if leak["tag"] is not None else ""
        yield f"{leak['sender']} leaks: {_kinds(leak['counts'])} frames{sender} came out at {where}{tag}."


def _lost_sentences(run: Run, missing: Sequence[tuple[Probe, str, str, int, int]]) -> Iterator[str]:
    by_name = run.by_name
    lost: dict[tuple[str, str], Counter[str]] = {}
    asked: dict[tuple[str, str], Counter[str]] = {}
    for probe, kind, dev, seen, required in missing:
        if seen < required:
            way = f" from a port like {probe.like}" if probe.like else ""
            if dev == probe.name:
                where = "did not enter the bridge"
            elif dev in by_name:
                where = f"did not come out at a port like {by_name[dev].like}"
            else:
                tagged = (
                    f" tagged {probe.tenant.vlan}"
                    if dev in run.wish.uplinks and probe.tenant
                    else ""
                )
                where = f"did not come out at {dev}{tagged}"
            key = (probe.whose, f"frames{way} {where}")
            lost.setdefault(key, Counter())[kind] += required - seen
            asked.setdefault(key, Counter())[kind] += required
    for (whose, what), counts in lost.items():
        told = ", ".join(
            f"{count} of {asked[whose, what][kind]} {kind}" for kind, count in counts.items()
        )
        yield f"{whose}: {told} {what}."


def _dhcp_sentences(run: Run) -> Iterator[str]:
    asked = {
        probe.number: probe.tenant
        for probe in run.plugged
        if any(shot.probe is probe and shot.kind == "dhcp" for shot in run.sent)
    }
    for number, tenant in asked.items():
        offers = run.offers.get(number) or ()
        if tenant is not None and not offers:
            yield f"{tenant.name}: no DHCP server offered an address within {run.wish.timeout:g} s."
        for offer in offers:
            owner = run.wish.owner(offer["port"] or "")
            if owner is not None and owner is not tenant:
                yield f"{tenant.name if tenant else HOST} was offered {offer['address']} by {offer['mac']}, which is on {offer['port']} of {owner.name}."


def _proven(
    run: Run, rows: Sequence[Mapping[str, Any]], offers: Sequence[Mapping[str, Any]]
) -> list[str]:
    found = []
    for tenant in run.wish.tenants:
        mine = [row for row in rows if row["sender"] == tenant.name]
        frames, kinds = sum(row["sent"] for row in mine), len(mine)
        at = f" (VLAN {tenant.vlan})" if tenant.vlan is not None else ""
        carried = (
            f", left by {listed(run.wish.uplinks)} with their tag"
            if run.wish.uplinks and tenant.vlan is not None
            else ""
        )
        found.append(
            f"{tenant.name}{at}: {frames} frames of {kinds} kinds reached their own ports{carried}, and nobody else's."
        )
        found += [
            f"{tenant.name} was offered {one['address']} by the DHCP server {one['server']}."
            for one in offers
            if one["tenant"] == tenant.name
        ]
    return found


def _kinds(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[kind]} {kind}" for kind in probe_frames.KINDS if kind in counts)
