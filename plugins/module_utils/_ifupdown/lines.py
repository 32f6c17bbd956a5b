# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Which lines of a NIC's stanza concern addresses and routes, and move with them, and which concern the link, and stay."""

from __future__ import annotations

import re
from typing import Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    COMMANDS,
    Document,
    Line,
    Stanza,
    canonical,
    whole_word,
    words,
)

# Link settings: the NIC keeps them, and a bridge takes its MTU and MAC from its port.
STAY = ("hwaddress", "hwaddr", "mtu", "description", "txqueuelen", "vlan_raw_device", "vlan_id")
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


def stays(line: Line, nic: str) -> bool:
    """Whether a line of the NIC's stanza stays with it."""
    if line.kind == "flag":
        return True
    key = canonical(line.key)
    if key in COMMANDS:
        return not concerns_network(line) and _mentions(line, nic)
    return key in STAY or key.startswith(_STAY_PREFIX)


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
    if canonical(line.key) in COMMANDS and concerns_network(line):
        return [*raws[:-1], whole_word(old).sub(new, raws[-1])]
    return raws


def marker(nic: str, line: Line) -> str:
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
