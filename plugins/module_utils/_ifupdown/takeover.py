# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A NIC's stanzas become its bridge's, and back.

What concerns addresses and routes moves, line by line and byte by byte; what concerns the link stays with the NIC, and a
comment C(# stays with eth0: ...) keeps its place, so that the way back can put it where it was. Each stanza is split where
it stands: C(iface eth0 inet manual) first, the bridge's right after it.
"""

from __future__ import annotations

from typing import Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    aliases,
    owners,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import words
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.lines import (
    doubt,
    headed,
    marker,
    metric_note,
    places,
    renamed,
    settled,
    stays,
    units_of,
)

_MOVABLE = ("static", "dhcp", "manual", "auto", "bootp", "ipv4ll")


def keep_metric(
    docs: Mapping[str, Document], nic: str, bridge: str, metrics: Mapping[str, int]
) -> None:
    """Write down the metric that the routes of a lease have, where the stanza which gets one says none; C(hand_back) takes it out again.

    dhcpcd's own is 1000 and the index of the device (dhcpcd(8)): with a second NIC, the default route could be another's after a boot.
    C(metrics) are those of the routes by device, looked at only where there is such a stanza.
    """
    for path, stanza in reversed(places(docs, bridge, "inet")):
        says_none = stanza.method == "dhcp" and not stanza.values("metric")
        metric = says_none and (metrics.get(bridge) or metrics.get(nic))
        if metric:
            doc, indent = docs[path], docs[path].indent(stanza)
            doc.insert(
                stanza.start + 1,
                [
                    f"{indent}{text}{doc.eol}"
                    for text in (metric_note(nic, bridge, metric), f"metric {metric}")
                ],
            )


def take_over(docs: Mapping[str, Document], nic: str, bridge: str, notes: list[str]) -> bool:
    """Move what the NIC's stanzas hold to the bridge's; returns whether there was something to move.

    C(notes) gets a sentence for each line of which nobody can know whether it is where it belongs.
    """
    owners.refuse_mapped(docs, nic, bridge)
    owners.refuse_owned(docs, nic, bridge)
    followed = aliases.follow(docs, nic, bridge)
    own = places(docs, nic)
    if all(settled(stanza) for _path, stanza in own):
        return followed
    owners.refuse_heirs(docs, nic)
    _refuse_unmovable(docs, own, nic, bridge)
    carried = _carried(docs, own, bridge)
    own = places(docs, nic)  # their positions after the bridge's older stanzas are gone
    todo = [
        place for place in own if not settled(place[1]) or not places(docs, bridge, place[1].family)
    ]
    notes += _doubts(docs, todo, nic, bridge)
    first = next((place for place in todo if place[1].family == "inet"), todo[0])
    for path, stanza in reversed(todo):
        raws = _split(
            docs[path], stanza, nic, bridge, (path, stanza) == first and len(todo) == len(own)
        )
        docs[path].replace(stanza.start, stanza.stop, raws)
    for family, raws in carried.items():
        path, stanza = places(docs, bridge, family)[0]
        docs[path].insert(stanza.stop, raws)
    return True


def _doubts(
    docs: Mapping[str, Document], todo: Sequence[tuple[str, Stanza]], nic: str, bridge: str
) -> Iterator[str]:
    for path, stanza in todo:
        for offset, line in enumerate(stanza.lines):
            said = doubt(line, nic, bridge)
            if said is not None:
                yield f"{docs[path].place(path, stanza.start + offset)}: the line '{line.key} {line.value}' {said}."


def _refuse_unmovable(
    docs: Mapping[str, Document], own: Sequence[tuple[str, Stanza]], nic: str, bridge: str
) -> None:
    for path, stanza in own:
        where = docs[path].place(path, stanza.start)
        if stanza.family not in ("inet", "inet6") or stanza.method not in _MOVABLE:
            what = " ".join(filter(None, (stanza.family, stanza.method))) or "without a family"
            raise Refused(
                f"The stanza of {nic} at {where} is {what}, which {bridge} cannot take over; write {bridge}'s by hand."
            )


def _carried(
    docs: Mapping[str, Document], own: Sequence[tuple[str, Stanza]], bridge: str
) -> dict[str, list[str]]:
    """Take out the bridge's older stanzas where they only describe the bridge; returns their option lines by family."""
    moving = {stanza.family for _path, stanza in own if not settled(stanza)}
    found: dict[str, list[str]] = {}
    for path, stanza in reversed(places(docs, bridge)):
        if stanza.family not in moving:
            continue
        if not settled(stanza):
            where = docs[path].place(path, stanza.start)
            other, from_where = next(place for place in own if place[1].family == stanza.family)
            raise Refused(
                f"Both {from_where.name} ({docs[other].place(other, from_where.start)}) and {bridge} ({where}) have an address of "
                f"{stanza.family}; take one of the two stanzas away first."
            )
        found[stanza.family] = [line.raw for line in stanza.lines[1:]] + found.get(
            stanza.family, []
        )
        docs[path].remove(stanza.start, stanza.stop)
    return found


def _split(doc: Document, stanza: Stanza, nic: str, bridge: str, first: bool) -> list[str]:
    """The NIC's manual stanza, where one is needed, and the bridge's."""
    kept: list[str] = []
    moved: list[str] = []
    # without one, a comment at the end would not be the stanza's
    indent = doc.indent(stanza) or "    "
    for raws, line in units_of(stanza):
        if line is None:
            moved += raws
        elif stays(line, nic):
            kept += raws
            moved.append(f"{indent}{marker(nic, line)}{doc.eol}")
        else:
            moved += renamed(raws, line, nic, bridge)
    header = headed(doc, stanza, bridge)
    if not kept and not first:
        return [header, *moved]
    family = "inet" if first else stanza.family
    return [f"iface {nic} {family} manual{doc.eol}", *kept, doc.eol, header, *moved]


def as_port(
    docs: Mapping[str, Document], nic: str, bridge: str, given: Sequence[str] | None
) -> tuple[str, ...] | None:
    """What C(bridge_ports) of the bridge must be so that the NIC is in it; None where it is so already.

    C(given) are the values that the user asks for; BadInput where the NIC is missing in them.
    """
    if given is not None:
        if not {nic, "all"} & {word for value in given for word in words(value)}:
            raise BadInput(
                f"{bridge}: bridge_ports does not name {nic}, which take_over makes its port; add it."
            )
        return None
    now = [
        word
        for _path, stanza in places(docs, bridge)
        for value in stanza.values("bridge_ports")
        for word in words(value)
    ]
    if nic in now or "all" in now:
        return None
    return (" ".join([*(word for word in now if word != "none"), nic]),)
