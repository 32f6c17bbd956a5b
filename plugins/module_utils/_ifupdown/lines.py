# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Which lines of a NIC's stanza concern addresses and routes, and move with them, which concern the link, and stay, and what can't be known."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import (
    EMPTY,
    LAYER3,
    LINK,
    NEUTRAL,
    PORT,
    UNKNOWN,
    Command,
    by_variable,
    names,
    read,
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

# Link settings, and what other hooks of the link own: the NIC keeps them, and a bridge takes its MTU and MAC from its port.
STAY = (
    "hwaddress",
    "hwaddr",
    "mtu",
    "description",
    "txqueuelen",
    "slaves",
    "vrf",
    "vlan_raw_device",
    "vlan_id",
)
_STAY_PREFIX = (
    "ethernet_",
    "link_",
    "offload_",
    "hardware_",
    "driver_",
    "wireless_",
    "wpa_",
    "bond_",
    "ovs_",
    "vlan_",
    "vxlan_",
    "team_",
    "batman_",
)
# What one method has and another has not; kept across a change of method, it would mean nothing or the wrong thing.
METHOD_OPTIONS = {
    "static": ("address", "netmask", "broadcast", "network", "gateway", "pointopoint", "scope"),
    "dhcp": ("hostname", "leasetime", "vendor", "client"),
}
_UP = ("pre-up", "up")


def commands_of(line: Line, device: str) -> list[Command]:
    """What the line of a hook does to a device; nothing for other lines."""
    return read(line.value, device) if canonical(line.key) in COMMANDS else []


def _kinds(line: Line, device: str) -> set[str]:
    return {one.kind for one in commands_of(line, device)} - {NEUTRAL}


def concerns_network(line: Line, device: str) -> bool:
    """Whether a line sets addresses or routes of the device, and so follows them to the bridge whatever else it says."""
    key = canonical(line.key)
    if key in COMMANDS:
        return LAYER3 in _kinds(line, device)
    return key in ("address", "gateway", "netmask")


def moves_along(line: Line, device: str) -> bool:
    """Whether a line is the business of whoever has the address: what sets one, and what takes it away."""
    return bool({LAYER3, EMPTY} & _kinds(line, device)) or concerns_network(line, device)


def for_a_port(line: Line, device: str) -> bool:
    """Whether a line makes sense only while the device is a port: it has no address, it is promiscuous, it is down."""
    kinds = _kinds(line, device)
    return bool(kinds & {EMPTY, PORT}) and kinds <= {EMPTY, PORT, LINK}


def stays(line: Line, nic: str) -> bool:
    """Whether a line of the NIC's stanza stays with it."""
    if line.kind == "flag":
        return True
    key = canonical(line.key)
    if key not in COMMANDS:
        return key in STAY or key.startswith(_STAY_PREFIX)
    kinds = _kinds(line, nic)
    if LAYER3 in kinds or kinds == {EMPTY} and key not in _UP:
        return False
    return bool(kinds) or names(line.value, nic)


def doubt(line: Line, nic: str, bridge: str) -> str | None:
    """What can't be known of a line that stays or moves, as the end of a sentence; None where all is known."""
    commands = commands_of(line, nic)
    kinds = {one.kind for one in commands}
    if LAYER3 not in kinds:
        if UNKNOWN in kinds:
            return f"stays with {nic}, since nobody here knows what it does; if it is about addresses or routes, let it name {bridge}"
        return None
    others = [one for one in commands if one.kind not in (LAYER3, EMPTY, NEUTRAL)]
    if any(one.kind == UNKNOWN for one in others):
        return f"moves to {bridge} for its addresses or routes, and what else it does to {nic} nobody here knows; write that in a line of its own"
    if any(by_variable(line.value[one.start : one.stop]) for one in others):
        return f"moves to {bridge} for its addresses or routes, and with it what it does to the link of {nic}; write that in a line of its own"
    return None


def units_of(stanza: Stanza) -> Iterator[tuple[list[str], Line | None]]:
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


def renamed(raws: list[str], line: Line, old: str, new: str) -> list[str]:
    """The lines with the other device's name in what concerns the network; in what concerns the link the name stays."""
    if canonical(line.key) not in COMMANDS or not moves_along(line, old):
        return raws
    raw = raws[-1]
    # a name that a continuation cuts in two has none of these
    start = raw.find(line.key) + len(line.key)
    text, done, position = raw[start:], raw[:start], 0
    for one in read(text, old):
        piece = text[one.start : one.stop]
        if one.kind in (LAYER3, EMPTY, NEUTRAL):
            piece = whole_word(old).sub(new, piece)
            piece = re.sub(
                rf"(\bnet\.ipv[46]\.(?:conf|neigh)\.){re.escape(old)}(?=\.)", rf"\g<1>{new}", piece
            )
        done += text[position : one.start] + piece
        position = one.stop
    return [*raws[:-1], done + text[position:]]


def marker(nic: str, line: Line) -> str:
    return f"# stays with {nic}: {' '.join([line.key, *words(line.value)])}"


def places(
    docs: Mapping[str, Document], name: str, family: str | None = None
) -> list[tuple[str, Stanza]]:
    """Every stanza of a name, with the path of its file, in the order of reading. One that inherits its family and method has them here."""
    found = [
        (path, _completed(docs, stanza))
        for path, doc in docs.items()
        for stanza in doc.stanzas(name)
    ]
    return [place for place in found if family is None or place[1].family == family]


def _completed(docs: Mapping[str, Document], stanza: Stanza) -> Stanza:
    own, seen = stanza, {stanza.name}
    while own.family is None and own.inherits is not None and own.inherits not in seen:
        seen.add(own.inherits)
        parents = [one for doc in docs.values() for one in doc.stanzas(own.inherits)]
        if not parents:
            break
        own = parents[0]
    return stanza if own is stanza else replace(stanza, family=own.family, method=own.method)


def has_heirs(docs: Mapping[str, Document], name: str) -> bool:
    """Whether another stanza takes its options from this one, which then need not be complete."""
    return any(
        stanza.inherits == name and stanza.name != name
        for doc in docs.values()
        for stanza in doc.stanzas()
    )


def settled(stanza: Stanza) -> bool:
    """Whether a NIC's stanza holds nothing that would have to move."""
    return stanza.method == "manual" and not any(
        concerns_network(line, stanza.name) for line in stanza.lines[1:]
    )


def metric_note(nic: str, bridge: str, metric: int | str) -> str:
    return f"# metric {metric} as on {nic}: dhcpcd would number it by the index of {bridge}"


def headed(doc: Document, stanza: Stanza, name: str) -> str:
    """The stanza's header under another name, its other bytes as they are."""
    header = stanza.lines[0]
    raw = header.raw if "\\" not in header.raw else f"{header.key} {header.value}{doc.eol}"
    return re.sub(
        rf"(iface[ \t]+){re.escape(stanza.name)}(?=\s)",
        lambda match: match.group(1) + name,
        raw,
        count=1,
    )
