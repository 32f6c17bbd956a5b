# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the drawn formats share: what a node says, and how tenants look."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import (
    GOOD,
    GUEST,
    NEIGHBOUR,
    TAP,
    Node,
)

# Okabe and Ito's colours, which the colour-blind tell apart, light enough for black text; the page has the same in its style
COLOURS = ("#8ec9f0", "#f5c76b", "#7fd1b5", "#f0e68c", "#e8a6c8", "#f2a97e", "#b9c0c8")
# A second sign beside the colour. Seven and eight have no common divisor: the first 56 tenants all look different
SIGNS = ("●", "■", "▲", "◆", "★", "✚", "▼", "◐")


class Look(NamedTuple):
    colour: str
    sign: str


def look(number: int) -> Look:
    """How a tenant looks."""
    return Look(COLOURS[number % len(COLOURS)], SIGNS[number % len(SIGNS)])


def lines(node: Node, numbers: dict[str, int]) -> list[str]:
    """What a node says in few lines: its name, what is not as usual, and its tenant with its sign."""
    name = node.name if node.kind in (TAP, GUEST) else f"{node.name} ({node.kind})"
    said = [name, node.state if node.health != GOOD and not node.mark else "", node.mark]
    heard = node.fact(NEIGHBOUR)
    if heard is not None:
        said.append(f"⇄ {heard}")
    if node.tenant is not None and node.kind == GUEST:
        said.append(f"{look(numbers[node.tenant]).sign} {node.tenant}")
    said += [finding["finding"] for finding in node.findings]
    return [line for line in said if line]
