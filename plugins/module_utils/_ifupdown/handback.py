# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A bridge's stanzas become its NIC's again: the way back of takeover.py, byte by byte where nothing was edited since."""

from __future__ import annotations

import re
from typing import Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    aliases,
    ifreload,
    owners,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    Line,
    canonical,
    whole_word,
    words,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.lines import (
    STAY,
    for_a_port,
    headed,
    marker,
    metric_note,
    moves_along,
    places,
    renamed,
    settled,
    units_of,
)


def hand_back(docs: Mapping[str, Document], nic: str, bridge: str, notes: list[str]) -> None:
    """Give the NIC what the bridge's stanzas hold now, without what only a bridge has, and take the bridge's away.

    C(notes) gets a sentence for each line of the NIC that is left out, since it made sense on a port only. Raises Refused where the NIC is no port on disk.
    """
    held = places(docs, bridge)
    if not held:
        return
    ports = [
        port
        for _path, stanza in held
        for value in stanza.values("bridge_ports")
        for port in words(value)
    ]
    if nic not in ports:
        raise Refused(
            f"{nic} is no port of {bridge} on disk (bridge_ports: {' '.join(ports) or 'none'}); leave hand_back out, or name its port."
        )
    aliases.refuse_devices_upon(docs, bridge)
    owners.refuse_heirs(docs, bridge)
    groups = [
        group
        for group in ("auto", "hotplug")
        if any(doc.selected(group, bridge) for doc in docs.values())
    ]
    for doc in docs.values():
        doc.unselect(None, bridge)
    aliases.brought_up_by_hotplug(docs, bridge)
    aliases.follow(docs, bridge, nic)
    held, own = places(docs, bridge), places(docs, nic)
    _refuse_second_address(docs, own, held, nic, bridge)
    pool = [unit for _path, stanza in own for unit in _own_units(stanza, held)]
    links = {canonical(line.key) for _raws, line in pool if line is not None}
    derived = [_merged(docs[path], stanza, nic, bridge, pool, links) for path, stanza in held]
    derived[0] += _kept(docs, own, pool, nic, notes)
    paths = {path for path, _stanza in held}
    if own and own[0][0] not in paths:
        # The bridge has a file of its own: the NIC's stanza comes back where the NIC's is.
        target = docs[own[0][0]]
        joined = [
            raw
            for number, raws in enumerate(derived)
            for raw in ([target.eol] if number else []) + raws
        ]
        derived = [[] for _place in held]
        _replace_all(
            docs,
            [
                (path, stanza, joined if number == 0 else [])
                for number, (path, stanza) in enumerate(own)
            ],
        )
    else:
        held = [(path, _over_own(docs[path], stanza, own, path)) for path, stanza in held]
        covered = {(path, stanza.start) for path, stanza in held}
        _replace_all(
            docs,
            [(path, stanza, raws) for (path, stanza), raws in zip(held, derived)]
            + [(path, stanza, []) for path, stanza in own if (path, stanza.start) not in covered],
        )
        held = []
    _replace_all(docs, [(path, stanza, []) for path, stanza in held])
    if not any(doc.covered(group, nic) for doc in docs.values() for group in ("auto", "hotplug")):
        path, stanza = places(docs, nic)[0]
        for group in groups:
            docs[path].select(group, nic, stanza.start)


def _own_units(
    stanza: Stanza, held: Sequence[tuple[str, Stanza]]
) -> Iterator[tuple[list[str], Line | None]]:
    """The options of the NIC's stanza without what ifupdown2 was told of a port; the comments above it stay."""
    for raws, line in units_of(stanza):
        if line is None or not any(
            ifreload.ours(line, stanza.name, other) for _path, other in held
        ):
            yield raws, line
        elif raws[:-1]:
            yield raws[:-1], None


def _kept(
    docs: Mapping[str, Document],
    own: Sequence[tuple[str, Stanza]],
    pool: Sequence[tuple[list[str], Line | None]],
    nic: str,
    notes: list[str],
) -> list[str]:
    """The lines that the NIC had as a port, but for those that would take its address away again."""
    kept: list[str] = []
    for raws, line in pool:
        if line is None or not for_a_port(line, nic):
            kept += raws
            continue
        path = next(path for path, stanza in own if line in stanza.lines)
        where = f"{path}:{line.number}" if line.number else path
        notes.append(
            f"{where}: the line '{line.key} {line.value}' made sense while {nic} was a port, and is left out."
        )
    return kept


def _refuse_second_address(
    docs: Mapping[str, Document],
    own: Sequence[tuple[str, Stanza]],
    held: Sequence[tuple[str, Stanza]],
    nic: str,
    bridge: str,
) -> None:
    for path, stanza in own:
        if not settled(stanza) and stanza.family in {other.family for _path, other in held}:
            where = docs[path].place(path, stanza.start)
            raise Refused(
                f"{nic} has an address of its own at {where} beside that of {bridge}; take it away first, or leave hand_back out."
            )


def _merged(
    doc: Document,
    stanza: Stanza,
    nic: str,
    bridge: str,
    pool: list[tuple[list[str], Line | None]],
    links: set[str],
) -> list[str]:
    """The NIC's stanza out of one of the bridge's; what has its marker here is taken out of C(pool), whose options are C(links)."""
    result = [headed(doc, stanza, nic)]
    above: list[str] = []
    for line in _without_noted_metric(stanza.lines[1:], nic, bridge):
        found = next(
            (unit for unit in pool if unit[1] is not None and line.value == marker(nic, unit[1])),
            None,
        )
        if found is not None:
            pool.remove(found)
            result += above + found[0]
            above = []
        elif line.kind == "comment" and line.value.startswith(f"# stays with {nic}: "):
            continue
        else:
            above.append(line.raw)
            if line.kind in ("option", "flag"):
                result += (
                    above[:-1]
                    if _only_bridge(line, bridge, links) or ifreload.ours(line, bridge, stanza)
                    else renamed(above, line, bridge, nic)
                )
                above = []
    return result + above


def _without_noted_metric(lines: Sequence[Line], nic: str, bridge: str) -> Iterator[Line]:
    """The lines without what C(keep_metric) added, but for a metric that was changed since."""
    noted = re.compile(metric_note(re.escape(nic), re.escape(bridge), r"(\d+)"))
    metric = None
    for line in lines:
        found = noted.fullmatch(line.value) if line.kind == "comment" else None
        if found is None and not (metric and line.key == "metric" and line.value == metric):
            yield line
        metric = found and found[1]


def _only_bridge(line: Line, bridge: str, links: set[str]) -> bool:
    """Whether a line makes sense on the bridge only, and goes with it. Its MTU was its port's too, if that has none of its own."""
    key = canonical(line.key)
    if key in COMMANDS:
        return not moves_along(line, bridge) and bool(whole_word(bridge).search(line.value))
    if key == "mtu":
        return key in links
    return line.kind == "flag" or key.startswith("bridge_") or key in STAY


def _over_own(
    doc: Document, stanza: Stanza, own: Sequence[tuple[str, Stanza]], path: str
) -> Stanza:
    """The bridge's stanza, widened over the NIC's right above it, which it replaces together with the blank line between."""
    for other_path, other in own:
        between = doc.lines[other.stop : stanza.start]
        if (
            other_path == path
            and other.stop <= stanza.start
            and [line.kind for line in between] in ([], ["blank"])
        ):
            return Stanza(
                other.start,
                stanza.stop,
                stanza.name,
                stanza.family,
                stanza.method,
                stanza.inherits,
                stanza.lines,
            )
    return stanza


def _replace_all(
    docs: Mapping[str, Document], edits: Sequence[tuple[str, Stanza, list[str]]]
) -> None:
    """Replace stanzas, from the last to the first of each file, so that positions hold."""
    for path, stanza, raws in sorted(edits, key=lambda edit: edit[1].start, reverse=True):
        if raws:
            docs[path].replace(stanza.start, stanza.stop, raws)
        else:
            docs[path].remove(stanza.start, stanza.stop)
