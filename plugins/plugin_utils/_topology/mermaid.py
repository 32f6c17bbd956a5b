# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The picture in Mermaid's language, as code forges and wikis show it in Markdown. Source: mermaid.js.org/syntax/flowchart.html."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import model
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.looks import lines, look
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import (
    BAD,
    MISSING,
    SURPLUS,
    UNKNOWN,
    Edge,
    Fleet,
    Host,
    Node,
)

_SHAPES = {
    model.NIC: ("[/", "/]"),
    model.BOND: ("[/", "/]"),
    model.VLAN: ("[/", "/]"),
    model.BRIDGE: ("[[", "]]"),
    model.GUEST: ("(", ")"),
}
_LINES = {MISSING: "-.-", UNKNOWN: "-.-", SURPLUS: "===", "": "---"}
# what Mermaid gives a meaning to within a quoted text, and # itself, by which it writes characters
_MEANS = frozenset('"#&<>`\\;{}%$')


def mermaid(fleet: Fleet) -> str:
    """The text of a C(.mmd) file."""
    numbers = fleet.numbers()
    found = ["flowchart LR"]
    for number, host in enumerate(fleet.hosts):
        found += _host(f"h{number}", host, numbers)
    found += [
        f"  classDef t{tenant.number} fill:{look(tenant.number).colour},color:#000000"
        for tenant in fleet.tenants
    ]
    found += [
        "  classDef missing stroke:#b00020,stroke-dasharray:4",
        "  classDef unknown stroke-dasharray:4",
        "  classDef surplus stroke:#b00020,stroke-width:3px",
        "  classDef wrong stroke:#b00020",
    ]
    return "\n".join([*found, ""])


def _host(name: str, host: Host, numbers: dict[str, int]) -> list[str]:
    ids = {key: f"{name}n{number}" for number, key in enumerate(host.nodes)}
    title = [host.name, host.trouble] if host.trouble else [host.name]
    found = [f"  subgraph {name}[{_quoted(title)}]", "    direction LR"]
    if not ids:
        found.append(f'    {name}n["nothing is known"]')
    for key, node in host.nodes.items():
        opening, closing = _SHAPES.get(node.kind, ("[", "]"))
        found.append(f"    {ids[key]}{opening}{_quoted(lines(node, numbers))}{closing}")
    found += [f"    {ids[one.source]} {_edge(one)} {ids[one.target]}" for one in host.edges]
    found.append("  end")
    for key, node in host.nodes.items():
        found += [f"  class {ids[key]} {word}" for word in _classes(node, numbers)]
    return found


def _classes(node: Node, numbers: dict[str, int]) -> list[str]:
    found = [] if node.tenant is None else [f"t{numbers[node.tenant]}"]
    if node.mark in (MISSING, SURPLUS, UNKNOWN):
        found.append(node.mark)
    elif node.mark or node.health == BAD:
        found.append("wrong")
    return found


def _edge(edge: Edge) -> str:
    said = [one for one in (edge.label, SURPLUS if edge.mark == SURPLUS else "") if one]
    return _LINES[edge.mark] + (f"|{_quoted(said)}|" if said else "")


def _quoted(said: list[str]) -> str:
    """Lines as a quoted text."""
    return '"' + "<br/>".join("".join(map(_character, line)) for line in said) + '"'


def _character(one: str) -> str:
    return f"#{ord(one)};" if one in _MEANS else one
