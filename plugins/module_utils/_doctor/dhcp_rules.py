# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What was overheard of DHCP tells of a guest's way: where its question got to, where the answer, and whether the guest took it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import diagnose
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import (
    BRIDGE,
    ERROR,
    GATEWAY,
    GUEST,
    TAP,
    UPLINK,
    WARNING,
    Finding,
    Host,
    Way,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_frames import (
    ANSWERS,
    ASKS,
    LEFT,
    WRONG,
    Sighting,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_heard import Heard

PATIENCE = 3.0  # seconds: a server that first looks whether the address is free takes as long


def with_heard(
    host: Host,
    ways: Sequence[Way],
    heard: Heard,
    seconds: float,
    result: Mapping[str, Any],
) -> dict[str, Any]:
    """What C(diagnose) said, and what was overheard within so many seconds: C(findings) and C(ways) as there, and C(heard), a row for each way."""
    rows = heard.sightings
    more = [
        replace(one, guest=way.whose)
        for way in ways
        for one in findings(host, way, rows, seconds, bool(heard.missed))
    ]
    if heard.missed:
        more.append(_flood(heard))
    return {**diagnose.with_more(result, more), "heard": [told(host, way, rows) for way in ways]}


def _flood(heard: Heard) -> Finding:
    dev, times = heard.loudest or (None, 0)
    most = f", {times} of those that were read came in by {dev}" if dev else ""
    return Finding(
        "dhcp_not_all_heard", BRIDGE, WARNING, dev,
        f"{heard.missed} frames of DHCP came faster than they could be read{most}: whose question went unanswered can't be told.",
        {"missed": heard.missed, "came_in": times},
    )  # fmt: skip


def told(host: Host, way: Way, heard: Iterable[Sighting]) -> dict[str, Any]:
    """How often the guest asked at its C(tap), where that left, where answers came in, how often one went out to it, and by which C(servers)."""
    link = host.link(way.tap)
    bridge = link.master if link is not None else None
    mine = _mine(way, heard)
    at_tap = [one for one in mine if one.dev == way.tap]
    others = [one for one in mine if one.dev != way.tap]
    answers = [one for one in others if one.said.kind in ANSWERS]
    return {
        "tap": way.tap,
        "bridge": bridge,
        "mac": way.mac,
        "asked": _times((one.said.kind, one) for one in at_tap if _asks(one)),
        "left_by": _times((one.dev, one) for one in others if one.said.kind in ASKS and one.leaving),
        # what the host itself answers leaves by the bridge
        "came_in_by": _times((one.dev, one) for one in answers if one.leaving == (one.dev == bridge)),
        "answered": _times((one.said.kind, one) for one in at_tap if one.said.kind in ANSWERS and one.leaving),
        "servers": sorted({one.said.server for one in mine if one.said.server}),
    }  # fmt: skip


def _times(rows: Iterable[tuple[str, Sighting]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, one in rows:
        found[name] += one.times
    return dict(found)


def findings(
    host: Host, way: Way, heard: Sequence[Sighting], seconds: float, gaps: bool = False
) -> Iterator[Finding]:
    """Where the guest's DHCP ends. Of a guest that asked nobody nothing is said: it may have its address, or be set up by hand.

    With C(gaps) in what was heard nothing is concluded from what is not there.
    """
    row = told(host, way, heard)
    mine = _mine(way, heard)
    wrong = list(_wrong(way, mine))
    if wrong:  # what comes of it is no second illness
        yield from wrong
        return
    first = [one.at for one in mine if one.dev == way.tap and _asks(one)]
    if gaps or not first or row["bridge"] is None:
        return
    evidence = {key: row[key] for key in ("asked", "left_by", "came_in_by", "answered", "servers")}
    if not row["answered"]:
        # an answer may be on its way still
        if min(first) <= seconds - PATIENCE or row["came_in_by"]:
            yield from _unanswered(host, way, row, evidence)
        return
    yield from _not_taken(way, mine, evidence)


def _unanswered(
    host: Host, way: Way, row: dict[str, Any], evidence: dict[str, Any]
) -> Iterator[Finding]:
    wires = [one.name for one in host.uplinks(row["bridge"]) if one.up and one.running]
    if row["came_in_by"]:
        dev = min(row["came_in_by"])
        yield Finding(
            "dhcp_answer_lost", BRIDGE, ERROR, dev,
            f"The answer to what {way.mac} asked by DHCP came in by {dev}, and {row['bridge']} did not send it out by {way.tap}.", evidence,
        )  # fmt: skip
    elif wires and not set(wires) & set(row["left_by"]):
        yield Finding(
            "dhcp_question_lost", BRIDGE, ERROR, way.tap,
            f"What {way.mac} asked by DHCP came in by {way.tap}, and {row['bridge']} did not send it out by {wires[0]}.", evidence,
        )  # fmt: skip
    elif wires:
        yield Finding(
            "dhcp_unanswered", GATEWAY, WARNING, wires[0],
            f"What {way.mac} asked by DHCP left by {wires[0]}, and no answer came in: no server heard it there, or none answers this guest.", evidence,
        )  # fmt: skip


def _not_taken(way: Way, mine: Sequence[Sighting], evidence: dict[str, Any]) -> Iterator[Finding]:
    """A guest that was offered an address, and asks as if it had not been."""
    at_tap = [one for one in mine if one.dev == way.tap]
    refusals = [one for one in at_tap if one.said.kind == "nak"]
    if refusals and not any(one.said.kind == "ack" for one in at_tap):
        yield Finding(
            "dhcp_refused", GATEWAY, WARNING, way.tap,
            f"The DHCP server {refusals[0].said.server or 'there'} refused the address that {way.mac} asked for.", evidence,
        )  # fmt: skip
    offers = [one for one in at_tap if one.said.kind == "offer" and one.leaving]
    again = [
        one
        for one in at_tap
        if one.said.kind == "discover" and offers and max(one.at, one.until) > offers[0].at
    ]
    if not again or any(one.said.kind == "request" for one in at_tap):
        return
    if offers[0].said.checksum == LEFT:
        yield Finding(
            "checksum_left_to_do", TAP, WARNING, way.tap,
            f"{way.mac} was offered an address and asks again: the offer left the host with its checksum still to be made (offload), and a client that looks "
            f"at it drops that; have whoever serves here make it, with 'ethtool -K DEVICE tx off' for the device that the server listens on.",
            {**evidence, "checksum": LEFT},
        )  # fmt: skip
    else:
        yield Finding(
            "dhcp_answer_not_taken", GUEST, WARNING, way.tap,
            f"{way.mac} was offered an address, which went out by {way.tap}, and asks again: its own packet filter or client does not take it.", evidence,
        )  # fmt: skip


def _wrong(way: Way, mine: Sequence[Sighting]) -> Iterator[Finding]:
    """Checksums that were left to a card, or a driver, which did not make them: whoever gets the frame drops it."""
    for one in mine:
        if one.said.checksum == WRONG:
            own = one.said.kind in ASKS
            yield Finding(
                "checksum_wrong", TAP if own else UPLINK, ERROR, one.dev,
                f"A DHCP {one.said.kind} {'of' if own else 'for'} {way.mac} has a wrong checksum at {one.dev}, so who gets it drops it: who sent it left that "
                f"to a card that did not make it (offload); turn that off {'in the guest' if own else 'there'} ('ethtool -K DEVICE tx off').",
                {"kind": one.said.kind, "checksum": WRONG, "server": one.said.server},
            )  # fmt: skip
            return


def _asks(one: Sighting) -> bool:
    """Whether a guest's question comes in here."""
    return one.said.kind in ASKS and not one.leaving


def _mine(way: Way, heard: Iterable[Sighting]) -> list[Sighting]:
    return [one for one in heard if one.said.mac == way.mac]
