# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A NIC's stanzas become its bridge's, and back.

What concerns addresses and routes moves, line by line and byte by byte; what concerns the link stays with the NIC, and a
comment C(# stays with eth0: ...) keeps its place, so that the way back can put it where it was. Each stanza is split where
it stands: C(iface eth0 inet manual) first, the bridge's right after it.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._errors import BadInput, Refused
from ansible_collections.hypervisor.network.plugins.module_utils._interfaces import (
    COMMANDS,
    Document,
    Line,
    Stanza,
    canonical,
    whole_word,
    words,
)

_MOVABLE = ("static", "dhcp", "manual", "auto", "bootp", "ipv4ll")
# Link settings: the NIC keeps them, and a bridge takes its MTU and MAC from its port.
_STAY = ("hwaddress", "hwaddr", "mtu", "description", "txqueuelen", "vlan_raw_device", "vlan_id")
_STAY_PREFIX = (
    "ethernet_",
    "link_",
    "offload_",
    "hardware_",
    "driver_",
    "wireless_",
    "wpa_",
    "bond_",
)
# What one method has and another has not; kept across a change of method, it would mean nothing or the wrong thing.
METHOD_OPTIONS = {
    "static": ("address", "netmask", "broadcast", "network", "gateway", "pointopoint", "scope"),
    "dhcp": ("hostname", "leasetime", "vendor", "client"),
}
_LAYER3 = re.compile(
    r"(?:^|[\s;&|(/])(?:ip\s+(?:-\S+\s+)*(?:ro?|route|ad?|addr|address|ru|rule|n|neigh|neighbour)\s|route\s+(?:-\S+\s+)*(?:add|del)\s)"
)
_VLAN = re.compile(r"\blink\s+add\b")


def concerns_network(line: Line) -> bool:
    """Whether a line sets addresses or routes, and so follows them to the bridge whatever else it says."""
    key = canonical(line.key)
    if key in COMMANDS:
        return bool(_LAYER3.search(line.value)) and not _VLAN.search(line.value)
    return key in ("address", "gateway", "netmask")


def _mentions(line: Line, name: str) -> bool:
    return bool(
        re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])|\$\{{?(?:IFACE|LOGICAL)\b", line.value)
    )


def _stays(line: Line, nic: str) -> bool:
    """Whether a line of the NIC's stanza stays with it."""
    if line.kind == "flag":
        return True
    key = canonical(line.key)
    if key in COMMANDS:
        return not concerns_network(line) and _mentions(line, nic)
    return key in _STAY or key.startswith(_STAY_PREFIX)


def _units(stanza: Stanza) -> Iterator[tuple[list[str], Line | None]]:
    """The options of a stanza, each with the lines of comment and blank above it: (their raws, the option's own last);
    comments that no option follows come as (raws, None)."""
    above: list[str] = []
    for line in stanza.lines[1:]:
        above.append(line.raw)
        if line.kind in ("option", "flag"):
            yield above, line
            above = []
    if above:
        yield above, None


def _renamed(raws: list[str], line: Line, old: str, new: str) -> list[str]:
    if canonical(line.key) in COMMANDS and concerns_network(line):
        return [*raws[:-1], whole_word(old).sub(new, raws[-1])]
    return raws


def _marker(nic: str, line: Line) -> str:
    return f"# stays with {nic}: {' '.join([line.key, *words(line.value)])}"


def places(
    docs: Mapping[str, Document], name: str, family: str | None = None
) -> list[tuple[str, Stanza]]:
    """Every stanza of a name, with the path of its file, in the order of reading."""
    return [(path, stanza) for path, doc in docs.items() for stanza in doc.stanzas(name, family)]


def settled(stanza: Stanza) -> bool:
    """Whether a NIC's stanza holds nothing that would have to move."""
    return stanza.method == "manual" and not any(
        concerns_network(line) for line in stanza.lines[1:]
    )


def _metric_note(nic: str, bridge: str, metric: int | str) -> str:
    return f"# metric {metric} as on {nic}: dhcpcd would number it by the index of {bridge}"


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
                    for text in (_metric_note(nic, bridge, metric), f"metric {metric}")
                ],
            )


def take_over(docs: Mapping[str, Document], nic: str, bridge: str) -> bool:
    """Move what the NIC's stanzas hold to the bridge's; returns whether there was something to move."""
    own = places(docs, nic)
    if all(settled(stanza) for _path, stanza in own):
        return False
    _refuse_unmovable(docs, own, nic, bridge)
    carried = _carried(docs, own, bridge)
    own = places(docs, nic)  # their positions after the bridge's older stanzas are gone
    todo = [
        place for place in own if not settled(place[1]) or not places(docs, bridge, place[1].family)
    ]
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


def _refuse_unmovable(
    docs: Mapping[str, Document], own: Sequence[tuple[str, Stanza]], nic: str, bridge: str
) -> None:
    for path, stanza in own:
        where = f"{path}:{docs[path].number(stanza.start)}"
        if stanza.family not in ("inet", "inet6") or stanza.method not in _MOVABLE:
            what = " ".join(filter(None, (stanza.family, stanza.method))) or "without a family"
            raise Refused(
                f"The stanza of {nic} at {where} is {what}, which {bridge} cannot take over; write {bridge}'s by hand."
            )
    for path, doc in docs.items():
        for mapping in doc.stanzas(kind="mapping"):
            if any(fnmatchcase(nic, pattern) for pattern in words(mapping.lines[0].value)):
                raise Refused(
                    f"A mapping at {path}:{doc.number(mapping.start)} decides by a script what {nic} is; remove it first."
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
            number = docs[path].number(stanza.start)
            other, from_where = next(place for place in own if place[1].family == stanza.family)
            raise Refused(
                f"Both {from_where.name} ({other}:{docs[other].number(from_where.start)}) and {bridge} ({path}:{number}) have an address of "
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
    for raws, line in _units(stanza):
        if line is None:
            moved += raws
        elif _stays(line, nic):
            kept += raws
            moved.append(f"{indent}{_marker(nic, line)}{doc.eol}")
        else:
            moved += _renamed(raws, line, nic, bridge)
    header = _headed(doc, stanza, bridge)
    if not kept and not first:
        return [header, *moved]
    family = "inet" if first else stanza.family
    return [f"iface {nic} {family} manual{doc.eol}", *kept, doc.eol, header, *moved]


def _headed(doc: Document, stanza: Stanza, name: str) -> str:
    """The stanza's header under another name, its other bytes as they are."""
    header = stanza.lines[0]
    raw = header.raw if "\\" not in header.raw else f"{header.key} {header.value}{doc.eol}"
    return re.sub(
        rf"(iface[ \t]+){re.escape(stanza.name)}(?=\s)",
        lambda match: match.group(1) + name,
        raw,
        count=1,
    )


def hand_back(docs: Mapping[str, Document], nic: str, bridge: str) -> None:
    """Give the NIC what the bridge's stanzas hold now, without what only a bridge has, and take the bridge's away."""
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
    groups = [
        group
        for group in ("auto", "hotplug")
        if any(doc.selected(group, bridge) for doc in docs.values())
    ]
    for doc in docs.values():
        doc.unselect(None, bridge)
    held, own = places(docs, bridge), places(docs, nic)
    _refuse_second_address(docs, own, held, nic, bridge)
    pool = [(raws, line) for _path, stanza in own for raws, line in _units(stanza)]
    links = {canonical(line.key) for _raws, line in pool if line is not None}
    derived = [_merged(docs[path], stanza, nic, bridge, pool, links) for path, stanza in held]
    derived[0] += [raw for raws, _line in pool for raw in raws]
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
    if not any(doc.selected(group, nic) for doc in docs.values() for group in ("auto", "hotplug")):
        path, stanza = places(docs, nic)[0]
        for group in groups:
            docs[path].select(group, nic, stanza.start)


def _refuse_second_address(
    docs: Mapping[str, Document],
    own: Sequence[tuple[str, Stanza]],
    held: Sequence[tuple[str, Stanza]],
    nic: str,
    bridge: str,
) -> None:
    for path, stanza in own:
        if not settled(stanza) and stanza.family in {other.family for _path, other in held}:
            where = f"{path}:{docs[path].number(stanza.start)}"
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
    result = [_headed(doc, stanza, nic)]
    above: list[str] = []
    for line in _without_noted_metric(stanza.lines[1:], nic, bridge):
        found = next(
            (unit for unit in pool if unit[1] is not None and line.value == _marker(nic, unit[1])),
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
                    if _only_bridge(line, bridge, links)
                    else _renamed(above, line, bridge, nic)
                )
                above = []
    return result + above


def _without_noted_metric(lines: Sequence[Line], nic: str, bridge: str) -> Iterator[Line]:
    """The lines without what C(keep_metric) added, but for a metric that was changed since."""
    noted = re.compile(_metric_note(re.escape(nic), re.escape(bridge), r"(\d+)"))
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
        return not concerns_network(line) and bool(whole_word(bridge).search(line.value))
    if key == "mtu":
        return key in links
    return line.kind == "flag" or key.startswith("bridge_") or key in _STAY


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


def refuse_other_bridge(docs: Mapping[str, Document], nic: str, bridge: str) -> None:
    """A NIC can be the port of one bridge only."""
    for path, doc in docs.items():
        for stanza in doc.stanzas():
            if stanza.name != bridge and any(
                nic in words(value) for value in stanza.values("bridge_ports")
            ):
                raise Refused(
                    f"{nic} is a port of {stanza.name} already, at {path}:{doc.number(stanza.start)}; take it out there first."
                )


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
