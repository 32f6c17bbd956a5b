# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G8 on a fleet: the role bridge_host and the audit on many hosts over SSH, in pings, per host, and what that means for more of them.

Controller and hosts share this machine's processors, so the wall time here is that of both. A real controller has its own part only, which is measured
apart: the processor time of C(ansible-playbook) with all its workers and SSH clients. Pings of the clock want a machine that has nothing else to do; those
of processor time, the hosts' included, are the same on a busy one.
"""

from __future__ import annotations

import json
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
_ROUNDS = 3  # of few hosts; many are repetition enough
_MANY = 20
_AUDIT = Path(__file__).resolve().parents[2] / "playbooks" / "audit.yml"
_JOB: dict[str, list[dict[str, Any]]] = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}],
    "bridge_host_taps": [{"name": f"tap{number}", "bridge": "br0"} for number in (1, 2)],
}
_CHANGED = {
    **_JOB,
    "bridge_host_bridges": [{**_JOB["bridge_host_bridges"][0], "ageing_time": 100}],
}


def _tasks(*tasks: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"hosts": "hypervisors", "gather_facts": False, "tasks": tasks}]


# what changes nothing on a host that is as it was asked for: the playbook, and the arguments
_NOTHING, _PING = _tasks(), _tasks({"name": "Ping", "ansible.builtin.ping": {}})
_ROLE = _tasks({"name": "The role", "ansible.builtin.import_role": {"name": ROLE}})
_PLAYS: dict[str, tuple[list[dict[str, Any]], tuple[str, ...]]] = {
    "nothing": (_NOTHING, ()),
    "ping": (_PING, ()),
    "second run": (_ROLE, ()),
    "check mode": (_ROLE, ("--check", "--diff")),
    "audit": ([{"import_playbook": str(_AUDIT)}], ()),
}


@dataclass(frozen=True)
class Cost:
    """What a play took per host, in seconds: on the clock, of the controller's processors, and of the host's."""

    wall: float
    controller: float
    host: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(
            self.wall - other.wall, self.controller - other.controller, self.host - other.host
        )

    @property
    def processors(self) -> float:
        return self.controller + self.host


@dataclass(frozen=True)
class Fleet:
    """The costs by play, without those of a play of nothing, with so many forks."""

    hosts: int
    forks: int
    costs: Mapping[str, Cost]

    def row(self) -> Row:
        ours, ping = self.costs["second run"], self.costs["ping"]
        check, audit = (self.costs[name].wall / ping.wall for name in ("check mode", "audit"))
        remark = f"{self.hosts} hosts over SSH, {self.forks} forks; in check mode {check:.1f}, the audit {audit:.1f}"
        return Row("G8", ours.wall * 1000, ping.wall * 1000, remark=remark)


def measured(hosts: int, rounds: int | None = None) -> list[Fleet]:
    """Convert that many hosts, and measure; what was made for it is removed at the end.

    C(rounds): only the plays that change nothing, so often; otherwise one option is changed as well.
    """
    folder = Path(tempfile.mkdtemp(prefix="hn-bench-"))
    try:
        with managed(hosts, folder, str(PYTHONS["pyroute2-0.9.7"])) as made:
            costs: dict[int, dict[str, Cost]] = {forks: {} for forks in FORKS}
            # once: to take it back for another first run would take as long again
            costs[FORKS[0]]["first run"] = _played(made, FORKS[0], "first run", _ROLE, _JOB)
            _in_turn(made, costs, rounds or (1 if hosts >= _MANY else _ROUNDS))
            # there and back is the same change twice
            for forks, job in zip(FORKS, (_CHANGED, _JOB) if rounds is None else ()):
                name = "one option changed"
                costs[forks][name] = _played(made, forks, name, _ROLE, job)
            return [Fleet(hosts, forks, _without_nothing(costs[forks])) for forks in FORKS]
    finally:
        shutil.rmtree(folder)


def _in_turn(made: Managed, costs: Mapping[int, dict[str, Cost]], rounds: int) -> None:
    """Add the medians of the plays that change nothing, each of them in turn with all numbers of forks."""
    seen: dict[tuple[int, str], list[Cost]] = {}
    for _round in range(rounds):
        for forks in costs:
            for name, (playbook, arguments) in _PLAYS.items():
                cost = _played(made, forks, name, playbook, _JOB, *arguments, changes=False)
                seen.setdefault((forks, name), []).append(cost)
    for (forks, name), several in seen.items():
        costs[forks][name] = Cost(
            statistics.median(one.wall for one in several),
            statistics.median(one.controller for one in several),
            statistics.median(one.host for one in several),
        )


def _without_nothing(costs: Mapping[str, Cost]) -> dict[str, Cost]:
    return {name: cost - costs["nothing"] for name, cost in costs.items() if name != "nothing"}


def _played(
    made: Managed,
    forks: int,
    name: str,
    playbook: list[dict[str, Any]],
    job: Mapping[str, Any],
    *arguments: str,
    changes: bool | None = None,
) -> Cost:
    """Run a playbook that must end well, on each host; C(changes): whether anything may change."""
    note(f"fleet: {name} on {len(made.hosts)} hosts, {forks} forks")
    began, used, spent = time.monotonic(), _children(), made.spent()
    play = made.play(
        playbook, "--forks", str(forks), "--extra-vars", json.dumps(job), *arguments,
        environment={"ANSIBLE_PIPELINING": "true"},
    )  # fmt: skip
    if play.status or (changes is False and play.changed):
        raise RuntimeError(f"the benchmark's play failed: {play.output[-3000:]}")
    number = len(made.hosts)
    took = (time.monotonic() - began, _children() - used, made.spent() - spent)
    return Cost(*(one / number for one in took))


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def table(fleets: list[Fleet]) -> str:
    """Per host, in pings, and how long more hosts would take a controller with as many processors as this machine, on which nothing else runs."""
    lines = [(
        "play", "forks", "s per host", "pings", "processors, s per host", "pings", "controller, s per host", *(f"{many} hosts, min" for many in _LARGER),
    )]  # fmt: skip
    for one in fleets:
        ping = one.costs["ping"]
        for name, cost in one.costs.items():
            least = [many * cost.controller / (os.cpu_count() or 1) / 60 for many in _LARGER]
            lines.append((
                name, str(one.forks), f"{cost.wall:.2f}", f"{cost.wall / ping.wall:.1f}", f"{cost.processors:.2f}", f"{cost.processors / ping.processors:.1f}",
                f"{cost.controller:.2f}", *(f"{minutes:.1f}" for minutes in least),
            ))  # fmt: skip
    limit = (
        "What limits is the controller's processors: each task of a play, a skipped one too, is a process there for each host. The minutes are these "
        "alone; more forks help only as long as processors idle while hosts answer. A second controller, or a host group in each of several plays, "
        "divides them."
    )
    return f"{aligned(lines, left=(0,))}\n{limit}"
