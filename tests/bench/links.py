# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G1, G2: a thousand taps as ports of a bridge, against iproute2."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..harness.net.netns import Namespaces, batch, run
from .rows import Row, in_turn

COUNT = 1000
_PASS = str(Path(__file__).with_name("one_pass.py"))
_TAPS = "".join(
    f"tuntap add tap{number} mode tap\nlink set tap{number} master br0 up\n"
    for number in range(COUNT)
)


@contextmanager
def _bridge() -> Iterator[str]:
    with Namespaces("taps") as names:
        batch(
            names["taps"], "link add br0 type bridge stp_state 0 forward_delay 0\nlink set br0 up\n"
        )
        yield names["taps"]


def _elapsed(function, *args: object, **more: object) -> float:
    start = time.monotonic()
    function(*args, **more)
    return (time.monotonic() - start) * 1000


def create(_full: bool) -> list[Row]:
    """Ours is a whole process, its imports and both dumps included."""

    def ours() -> float:
        with _bridge() as netns:
            return _elapsed(run, sys.executable, _PASS, str(COUNT), netns=netns)

    def theirs() -> float:
        with _bridge() as netns:
            return _elapsed(run, "ip", "-batch", "-", netns=netns, stdin=_TAPS)

    return [Row("G1", *in_turn(3, ours, theirs))]


def second_pass(_full: bool) -> list[Row]:
    """Ours is what a run without changes does once it has its libraries: dump, plan; theirs is the whole C(ip)."""
    with _bridge() as netns:
        run("ip", "-batch", "-", netns=netns, stdin=_TAPS)

        def ours() -> float:
            return json.loads(run(sys.executable, _PASS, str(COUNT), netns=netns))["pass_ms"]

        def theirs() -> float:
            return _elapsed(run, "ip", "-j", "-d", "link", netns=netns)

        return [Row("G2", *in_turn(5, ours, theirs))]
