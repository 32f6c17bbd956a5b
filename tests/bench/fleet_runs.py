# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G8 on a fleet: the role bridge_host on many hosts over SSH, in pings, per host, and what that means for more of them.

Controller and hosts share this machine's processors, so the wall time here is that of both. A real controller has its own part only, which is measured
apart: the processor time of C(ansible-playbook) with all its workers and SSH clients.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..conftest import PYTHONS
from ..harness.host.managed import ROLE, Managed, managed
from .rows import Row, aligned, note

FORKS = (5, 25)
_LARGER = (500, 5000)
_ROUNDS = 3
_PING = {"name": "Ping", "ansible.builtin.ping": {}}
_ROLE = {"name": "The role", "ansible.builtin.import_role": {"name": ROLE}}
_JOB: dict[str, list[dict[str, Any]]] = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}],
    "bridge_host_taps": [{"name": f"tap{number}", "bridge": "br0"} for number in (1, 2)],
}
_CHANGED = {
    **_JOB,
    "bridge_host_bridges": [{**_JOB["bridge_host_bridges"][0], "ageing_time": 100}],
}
_GONE = {key: [{**one, "state": "absent"} for one in items] for key, items in _JOB.items()}


@dataclass(frozen=True)
class Cost:
    """What a play took per host, in seconds: on the clock, and of the controller's processors."""

    wall: float
    controller: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.controller - other.controller)


@dataclass(frozen=True)
class Fleet:
    """The costs by play, without those of a play of nothing, with so many forks."""

    hosts: int
    forks: int
    costs: Mapping[str, Cost]

    def row(self) -> Row:
        ours, ping = self.costs["second run"], self.costs["ping"]
        check = self.costs["check mode"].wall / ping.wall
        remark = f"{self.hosts} hosts over SSH, {self.forks} forks; in check mode {check:.1f}"
        return Row("G8", ours.wall * 1000, ping.wall * 1000, remark=remark)


def measured(hosts: int) -> list[Fleet]:
    """Convert that many hosts, and measure; all is taken back at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hn-bench-"))
    try:
        with managed(hosts, folder, str(PYTHONS["pyroute2-0.9.7"])) as made:
            return [Fleet(hosts, forks, _costs(made, forks)) for forks in FORKS]
    finally:
        shutil.rmtree(folder)


def _costs(made: Managed, forks: int) -> dict[str, Cost]:
    note(f"fleet: {len(made.hosts)} hosts, {forks} forks")
    first = _played(made, forks, [_ROLE], _JOB)
    repeated: dict[str, list[Cost]] = {"nothing": [], "ping": [], "second run": [], "check mode": []}  # fmt: skip
    for _round in range(_ROUNDS):
        repeated["nothing"].append(_played(made, forks, [], _JOB))
        repeated["ping"].append(_played(made, forks, [_PING], _JOB))
        repeated["second run"].append(_played(made, forks, [_ROLE], _JOB, changes=False))
        repeated["check mode"].append(
            _played(made, forks, [_ROLE], _JOB, "--check", "--diff", changes=False)
        )
    median = {
        name: Cost(
            statistics.median(one.wall for one in costs),
            statistics.median(one.controller for one in costs),
        )
        for name, costs in repeated.items()
    }
    nothing = median.pop("nothing")
    option = _played(made, forks, [_ROLE], _CHANGED)
    _played(made, forks, [_ROLE], _GONE)
    whole = {"first run": first, **median, "one option changed": option}
    return {name: cost - nothing for name, cost in whole.items()}


def _played(
    made: Managed,
    forks: int,
    tasks: list[Any],
    job: Mapping[str, Any],
    *arguments: str,
    changes: bool | None = None,
) -> Cost:
    """Run a play that must end well, on each host; C(changes): whether anything may change."""
    playbook = [{"hosts": "hypervisors", "gather_facts": False, "vars": job, "tasks": tasks}]
    began, used = time.monotonic(), _children()
    play = made.play(playbook, "--forks", str(forks), *arguments, environment={"ANSIBLE_PIPELINING": "true"})  # fmt: skip
    if play.status or (changes is False and play.changed):
        raise RuntimeError(f"the benchmark's play failed: {play.output[-3000:]}")
    number = len(made.hosts)
    return Cost((time.monotonic() - began) / number, (_children() - used) / number)


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def table(fleets: list[Fleet]) -> str:
    """Per host, in pings, and how long more hosts would take a controller with as many processors as this machine, on which nothing else runs."""
    lines = [("play", "forks", "s per host", "pings", "controller, s per host", *(f"{many} hosts, min" for many in _LARGER))]  # fmt: skip
    for one in fleets:
        ping = one.costs["ping"].wall
        for name, cost in one.costs.items():
            least = [many * cost.controller / (os.cpu_count() or 1) / 60 for many in _LARGER]
            lines.append((
                name, str(one.forks), f"{cost.wall:.2f}", f"{cost.wall / ping:.1f}", f"{cost.controller:.2f}", *(f"{minutes:.1f}" for minutes in least),
            ))  # fmt: skip
    limit = (
        "What limits is the controller's processors: each task of a play, a skipped one too, is a process there for each host. The minutes are these "
        "alone; more forks help only as long as processors idle while hosts answer. A second controller, or a host group in each of several plays, "
        "divides them."
    )
    return f"{aligned(lines, left=(0,))}\n{limit}"
