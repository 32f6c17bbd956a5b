# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G8: the role bridge_host on a host that is as it was asked for, in pings over the same connection."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ..harness.host.guests import guest_user
from ..harness.host.role_host import JOB, Host
from ..harness.net.lan import lan
from .rows import Row

_ROUNDS = 5
_PING = {"name": "Ping", "ansible.builtin.ping": {}}
_ROLE = {
    "name": "The role",
    "ansible.builtin.import_role": {"name": "hypervisor.network.bridge_host"},
}


def again(full: bool) -> list[Row]:
    """What a play of nothing takes is no part of either side; with C(full) the host has 40 taps more."""
    guest_user()
    folder = Path(tempfile.mkdtemp(prefix="hn-bench-"))
    more = [{"name": f"more{number}", "bridge": "br0"} for number in range(40 if full else 0)]
    job = {**JOB, "bridge_host_taps": [*JOB["bridge_host_taps"], *more]}
    try:
        with lan() as made:
            host = Host(made, folder / "host", sys.executable)
            _played(host, [_ROLE], job)
            times: dict[str, list[float]] = {"nothing": [], "ping": [], "role": [], "check": []}
            for _round in range(_ROUNDS):
                times["nothing"].append(_played(host, [], job))
                times["ping"].append(_played(host, [_PING], job))
                times["role"].append(_played(host, [_ROLE], job))
                times["check"].append(_played(host, [_ROLE], job, "--check", "--diff"))
            gone = {
                key: [{**one, "state": "absent"} for one in items] for key, items in job.items()
            }
            _played(host, [_ROLE], gone)
    finally:
        shutil.rmtree(folder)
    nothing, ping, role, check = (statistics.median(times[key]) for key in times)
    rehearsal = (check - nothing) / (ping - nothing)
    remark = f"two taps and a guest{' and 40 taps' if full else ''}; in check mode {rehearsal:.1f}"
    return [Row("G8", role - nothing, ping - nothing, remark=remark)]


def _played(host: Host, tasks: list[Any], job: dict[str, Any], *arguments: str) -> float:
    """How long a play took, in milliseconds; it must end well."""
    began = time.monotonic()
    play = host.tasks(tasks, *arguments, variables=job)
    if play.status:
        raise RuntimeError(f"the benchmark's play failed: {play.output[-2000:]}")
    return (time.monotonic() - began) * 1000
