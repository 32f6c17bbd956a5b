# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G13: ten thousand static forwarding entries on a port, against iproute2."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..harness.net.netns import Namespaces, batch, run
from .rows import Row, in_turn

COUNT = 10_000
_PASS = str(Path(__file__).with_name("fdb_pass.py"))
_ENTRIES = "".join(
    f"fdb add 02:cc:00:00:{number >> 8:02x}:{number & 255:02x} dev port0 master static\n"
    for number in range(COUNT)
)


@contextmanager
def _port() -> Iterator[str]:
    with Namespaces("entries") as names:
        batch(
            names["entries"],
            "link add br0 up type bridge\nlink add port0 up master br0 type veth peer name far0\n",
        )
        yield names["entries"]


def entries(_full: bool) -> list[Row]:
    """Ours is what a run does once it has its libraries and its arguments: check, dump, plan, send, dump and compare; theirs is the whole C(bridge)."""
    processes: list[float] = []

    def ours() -> float:
        with _port() as netns:
            start = time.monotonic()
            done = json.loads(run(sys.executable, _PASS, str(COUNT), "br0", "port0", netns=netns))
            processes.append((time.monotonic() - start) * 1000)
            return done["pass_ms"]

    def theirs() -> float:
        with _port() as netns:
            start = time.monotonic()
            run("bridge", "-batch", "-", netns=netns, stdin=_ENTRIES)
            return (time.monotonic() - start) * 1000

    medians = in_turn(5, ours, theirs)
    return [Row("G13", *medians, remark=f"the whole process {statistics.median(processes):.0f} ms")]
