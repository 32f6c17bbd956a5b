# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The picture in Graphviz' language: a cluster for each host, the wire on the left, the guests on the right. Source: graphviz.org/doc/info/lang.html."""

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
    model.NIC: "cds",
    model.BOND: "cds",
    model.VLAN: "cds",
    model.BRIDGE: "box3d",
    model.TAP: "component",
    model.PORT: "component",
    model.GUEST: "box",
}
_HEAD = """\
digraph topology {
  rankdir=LR
  graph [fontname="sans-serif", style=rounded, color="#888888", ranksep=0.6, nodesep=0.12]
  node [fontname="sans-serif", fontsize=11, style=filled, fillcolor="#ffffff", height=0.3]
  edge [fontname="sans-serif", fontsize=9, color="#666666", arrowhead=none]"""


def dot(fleet: Fleet) -> str:
    """The text of a C(.dot) file."""
    numbers = fleet.numbers()
    found = [_HEAD]
    for number, host in enumerate(fleet.hosts):
        found += _host(f"h{number}", host, numbers)
    return "\n".join([*found, "}", ""])


def _host(name: str, host: Host, numbers: dict[str, int]) -> list[str]:
    ids = {key: f"{name}n{number}" for number, key in enumerate(host.nodes)}
    title = [host.name, host.trouble] if host.trouble else [host.name]
    found = [f"  subgraph cluster_{name} {{", f"    label={_quoted(title)}"]
    if not ids:
        found.append(f'    {name} [label="nothing is known", style=dashed, shape=box]')
    found += [f"    {ids[key]} [{_node(node, numbers)}]" for key, node in host.nodes.items()]
    found += [
        f"    {ids[edge.source]} -> {ids[edge.target]} [{_edge(edge)}]" for edge in host.edges
    ]
    return [*found, "  }"]


def _node(node: Node, numbers: dict[str, int]) -> str:
    said = {"label": _quoted(lines(node, numbers)), "shape": _SHAPES[node.kind]}
    if node.tenant is not None:
        said["fillcolor"] = f'"{look(numbers[node.tenant]).colour}"'
    if node.mark in (MISSING, UNKNOWN):
        said["style"] = '"dashed,filled"'
    elif node.mark == SURPLUS:
        said.update(style='"bold,filled"', peripheries="2")
    if node.mark not in ("", UNKNOWN) or node.health == BAD:
        said["color"] = '"#b00020"'
    return ", ".join(f"{key}={value}" for key, value in said.items())


def _edge(edge: Edge) -> str:
    said = {"label": _quoted([edge.label])} if edge.label else {}
    if edge.mark:
        said["style"] = "bold" if edge.mark == SURPLUS else "dashed"
    if edge.mark in (MISSING, SURPLUS):
        said["color"] = '"#b00020"'
    if edge.mark == SURPLUS:
        said["label"] = _quoted([edge.label, SURPLUS] if edge.label else [SURPLUS])
    return ", ".join(f"{key}={value}" for key, value in said.items())


def _quoted(said: list[str]) -> str:
    r"""Lines as a quoted string. Graphviz gives a meaning to quotes, to backslashes (C(\N) is the node's name), and to entities of HTML."""
    safe = [line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in said]
    return '"' + "\\n".join(safe) + '"'
