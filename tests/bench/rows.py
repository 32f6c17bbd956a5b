# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A goal, what was measured for it, and the table."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Goal:
    """What is compared; C(limit) is the ratio to keep, C(stretch) the one to reach; C(least): more is better."""

    what: str
    limit: float
    stretch: float
    least: bool = False


GOALS = {
    "G1": Goal("create 1000 taps and make them ports, one process / ip -batch", 3.0, 2.0),
    "G2": Goal("second pass over 1000, dump and compare / ip -j -d link", 2.0, 1.2),
    "G3": Goal("no-change task with a list of 1000 / with a list of 1", 1.25, 1.15),
    "G4": Goal("loop of the module over 100 / one list task", 25, 35, least=True),
    "G4ip": Goal("two command: ip loops over 100 / one list task", 40, 50, least=True),
    "G5": Goal("no-change netlink task / ping", 1.45, 1.25),
    "G6": Goal(
        "payload of a module that often has nothing to do / of an empty AnsibleModule", 1.5, 1.3
    ),
    "G7": Goal("a bridge with 100 taps from nothing / ifreload -a of ifupdown2", 1.1, 0.8),
    "G8": Goal("second run of the whole role on a host / one ping", 4, 3),
    "G9": Goal(
        "guest started by the module, less a run without changes / qemu -daemonize", 2.0, 1.3
    ),
    "G10": Goal("the guest's own MAC in the bridge's table / the same QEMU by hand", 1.05, 1.02),
    "G11": Goal("a look at 40 running guests / a bare client of their monitors", 2.0, 1.0),
    "G12": Goal("packets lost and TCP stall of a conversion", 0, 0),
    "filters": Goal("the role's plan of 200 guests / of one, Ansible's start included", 2.0, 1.5),
    "G13": Goal("10 000 static forwarding entries, one pass / bridge -batch", 3.0, 2.0),
}


@dataclass(frozen=True)
class Row:
    """Medians of both sides of a goal, in C(unit); C(remark) where it was not measured as the goal says."""

    goal: str
    ours: float
    theirs: float
    unit: str = "ms"
    remark: str = ""

    @property
    def ratio(self) -> float:
        # of the goals where more is better, ours stands below the line
        return self.theirs / self.ours if GOALS[self.goal].least else self.ours / self.theirs


def in_turn(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """The median of each side, measured one after the other in every round, so that a noisy moment meets all."""
    seen: list[list[float]] = [[] for _side in sides]
    for _round in range(rounds):
        for values, side in zip(seen, sides):
            values.append(side())
    return [statistics.median(values) for values in seen]


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    lines = [("goal", "side by side", "ours", "other", "unit", "ratio", "limit", "stretch", "")]
    for row in rows:
        goal = GOALS[row.goal]
        word = ">=" if goal.least else "<="
        within = row.ratio >= goal.limit if goal.least else row.ratio <= goal.limit
        verdict = ", ".join(
            part for part in ("" if within else "beyond the limit", row.remark) if part
        )
        lines.append((
            row.goal.removesuffix("ip"), goal.what, f"{row.ours:.1f}", f"{row.theirs:.1f}", row.unit, f"{row.ratio:.2f}",
            f"{word} {goal.limit:g}", f"{word} {goal.stretch:g}", verdict,
        ))  # fmt: skip
    return aligned(lines, left=(0, 1, 4, 8))


def aligned(lines: list[tuple[str, ...]], left: tuple[int, ...]) -> str:
    """Columns as wide as their widest cell; those in C(left) start, the others end at the same place."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def note(message: str) -> None:
    """Progress, beside the table."""
    print(message, file=sys.stderr, flush=True)
