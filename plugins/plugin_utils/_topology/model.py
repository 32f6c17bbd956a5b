# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A fleet as a picture: what each host has, what it should have, and how that hangs together.

The way of a frame goes from the NIC over bond and VLAN device into the bridge, and over the tap into the guest. Every format draws this one model.
All texts in it are printable: what hosts call themselves, their devices and their guests may be any characters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, Mapping, Sequence

NIC, BOND, VLAN, BRIDGE, TAP, PORT, GUEST = "nic", "bond", "vlan", "bridge", "tap", "port", "guest"
MISSING, SURPLUS, DIFFERS, UNKNOWN = "missing", "surplus", "differs", "unknown"
# The fact that says what is at the other end of a NIC's wire
NEIGHBOUR = "LLDP neighbour"
GOOD, IDLE, BAD = "good", "idle", "bad"


@dataclass
class Node:
    """A device or a guest, with what it says of itself and what bridge_doctor says of it.

    C(mark) is what a wish says of it; UNKNOWN is one that is wished for on a host that did not answer.
    """

    key: str
    kind: str
    name: str
    health: str = GOOD
    state: str = ""
    mark: str = ""
    tenant: str | None = None
    vlans: tuple[str, ...] = ()
    facts: list[tuple[str, str]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)

    def fact(self, label: str) -> str | None:
        """What a fact of that label says."""
        return next((value for one, value in self.facts if one == label), None)


@dataclass(frozen=True)
class Edge:
    """A piece of the way, from the wire towards the guest."""

    source: str
    target: str
    label: str = ""
    mark: str = ""


@dataclass
class Host:
    """A host; C(trouble) is why it, or what it should have, is not known. C(answered): what it has is known."""

    name: str
    trouble: str = ""
    answered: bool = True
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def add(self, node: Node) -> Node:
        """The node of that key, which is this one where there was none."""
        return self.nodes.setdefault(node.key, node)

    def join(self, source: str, target: str, label: str = "", mark: str = "") -> None:
        if (source, target) not in {(one.source, one.target) for one in self.edges}:
            self.edges.append(Edge(source, target, label, mark))


@dataclass(frozen=True)
class Tenant:
    """A tenant of the fleet; C(number) chooses its colour and its sign."""

    name: str
    number: int


@dataclass(frozen=True)
class Fleet:
    hosts: Sequence[Host]
    tenants: Sequence[Tenant]

    def numbers(self) -> dict[str, int]:
        """The tenants' numbers by name."""
        return {one.name: one.number for one in self.tenants}


def device(name: Any) -> str:
    """The key of a device."""
    return f"dev/{name}"


def guest(name: Any) -> str:
    """The key of a guest."""
    return f"guest/{name}"


def shown(value: Any) -> str:
    r"""A text that is one line and reads as it is written: control characters, line ends and marks that turn the direction of writing become C(\\u202e)."""
    return "".join(_character(one) for one in str(value))


def _character(one: str) -> str:
    if one.isprintable():
        return one
    number = ord(one)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def sized(mappings: Any) -> Iterator[Mapping[str, Any]]:
    """The mappings of what may be a list of them."""
    for one in mappings if isinstance(mappings, (list, tuple)) else ():
        if isinstance(one, Mapping):
            yield one


def facts(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """The pairs C((label, value)) that say something, printable: without those whose value is None, "" or ()."""
    return [(label, shown(value)) for label, value in pairs if value not in (None, "", ())]


def fleet_of(hosts: Sequence[Host]) -> Fleet:
    """The hosts with all tenants that somebody on them has, in the order of their names."""
    names = sorted({node.tenant for host in hosts for node in host.nodes.values() if node.tenant})
    return Fleet(hosts, [Tenant(name, number) for number, name in enumerate(names)])
