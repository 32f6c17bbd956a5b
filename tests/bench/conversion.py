# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G12: a host's eth0 becomes a port of br0 while the client probes at 1 kHz; each method in turn, on a fresh LAN each time."""

from __future__ import annotations

import statistics
from typing import Any

from ..harness.lan import lan
from ..harness.methods import METHODS
from .rows import aligned, note

_COLUMNS = ("udp4 lost", "udp4 outage ms", "udp6 lost", "udp6 outage ms", "tcp stall ms")


def table(count: int) -> str:
    """Median/p99/most of what each method lost, aligned."""
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in METHODS}
    for number in range(count):
        note(f"  round {number + 1} of {count}")
        for name, method in METHODS.items():
            with lan() as made:
                counted = made.under_load(method(made))
                counted["cut"] = [address for address, answers in made.all_reachable().items() if not answers]
                seen[name].append(counted)
    lines = [(f"G12, {count} conversions each: median/p99/most", *_COLUMNS, "tcp died", "cut off")]
    for name, runs in seen.items():
        cells = [_spread([one[flow][key] for one in runs]) for flow in ("udp4", "udp6") for key in ("lost", "outage_ms")]
        cells.append(_spread([one["tcp"]["stall_ms"] for one in runs]))
        lines.append((name, *cells, str(sum(one["tcp"]["died"] for one in runs)), str(sum(bool(one["cut"]) for one in runs))))
    limits = ("promised", "0/5/-", "", "0/5/-", "", "-/-/250", "0", "0")
    return aligned([*lines, limits], left=(0,))


def _spread(values: list[float]) -> str:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return "/".join(f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}" for value in (statistics.median(ordered), p99, ordered[-1]))
