# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G12: a host's eth0 becomes a port of br0 while the client probes at 1 kHz; each method in turn, on a fresh LAN each time."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..harness.host.methods import METHODS, Method
from ..harness.net.lan import lan
from .rows import aligned, note

_COLUMNS = ("udp4 lost", "udp4 outage ms", "udp6 lost", "udp6 outage ms", "tcp stall ms")


def table(count: int) -> str:
    """What each method lost."""
    return lost_by("G12", count, {name: partial(_lost, method) for name, method in METHODS.items()})


def lost_by(title: str, count: int, ways: Mapping[str, Callable[[], dict[str, Any]]]) -> str:
    """Median/p99/most of what each way lost, aligned; each is called once a round. Interrupted, it tells of the rounds that there were."""
    rounds: list[dict[str, dict[str, Any]]] = []
    with contextlib.suppress(KeyboardInterrupt):
        while len(rounds) < count:
            note(f"  round {len(rounds) + 1} of {count}")
            rounds.append({name: way() for name, way in ways.items()})
    return _losses(title, rounds)


def _losses(title: str, rounds: list[dict[str, dict[str, Any]]]) -> str:
    """What each way lost in these rounds: of UDP and TCP by C(probe.py), and C(cut), the addresses that no new connection reached."""
    if not rounds:
        return f"{title}: interrupted in its first round"
    lines = [
        (
            f"{title}, {len(rounds)} conversions each: median/p99/most",
            *_COLUMNS,
            "tcp died",
            "cut off",
        )
    ]
    for name in rounds[0]:
        runs = [one[name] for one in rounds]
        cells = [
            _spread([one[flow][key] for one in runs])
            for flow in ("udp4", "udp6")
            for key in ("lost", "outage_ms")
        ]
        cells.append(_spread([one["tcp"]["stall_ms"] for one in runs]))
        lines.append(
            (
                name,
                *cells,
                str(sum(one["tcp"]["died"] for one in runs)),
                str(sum(bool(one["cut"]) for one in runs)),
            )
        )
    limits = ("promised", "0/5/-", "", "0/5/-", "", "-/-/250", "0", "0")
    return aligned([*lines, limits], left=(0,))


def _lost(method: Method) -> dict[str, Any]:
    with lan() as made:
        counted = made.under_load(method(made))
        return {
            **counted,
            "cut": [address for address, answers in made.all_reachable().items() if not answers],
        }


def _spread(values: list[float]) -> str:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return "/".join(
        f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
        for value in (statistics.median(ordered), p99, ordered[-1])
    )
