# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends processes of QEMU, in the order of their guests: each guest is asked first, then its QEMU, then it is killed, each with a deadline of its own."""

from __future__ import annotations

import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs

_TERM_DEADLINE = 10.0
_KILL_DEADLINE = 10.0


@dataclass(frozen=True)
class Step:
    """One step of a stop: what was done, how long it was waited for, and what came of it."""

    step: str
    seconds: float
    outcome: str

    def as_dict(self) -> dict[str, Any]:
        return {"step": self.step, "seconds": self.seconds, "outcome": self.outcome}


@dataclass(frozen=True)
class Ending:
    """A process that shall end: who it is, how its guest is asked to shut down, and how many seconds that has for it.

    C(place) is the guest's place in the order of starts, None where it has none.
    """

    who: procfs.Identity
    ask: Callable[[], None]
    grace: float
    place: int | None = None


def end_all(endings: Mapping[str, Ending]) -> dict[str, list[Step] | GuestError]:
    """End them all; what was done to each, by their names, or why it lives on.

    As at the host's shutdown those with the last place end first, and those before it once all of these have; those of one place side by side, and those
    without one beside all. A guest that hangs holds up no question of its place: each is ended by a thread, which only talks to sockets and waits.
    """
    if len(endings) < 2:
        return {name: _end(name, one) for name, one in endings.items()}
    places = {one.place for one in endings.values() if one.place is not None}
    running: dict[str, Future[list[Step] | GuestError]] = {}
    with ThreadPoolExecutor(len(endings)) as pool:
        for place in (None, *sorted(places, reverse=True)):
            begun = {
                name: pool.submit(_end, name, one)
                for name, one in endings.items()
                if one.place == place
            }
            running.update(begun)
            if place is not None:
                wait(begun.values())
    return {name: running[name].result() for name in endings}


def _end(name: str, ending: Ending) -> list[Step] | GuestError:
    who = ending.who
    if not who.alive:
        # killed by somebody else a moment ago: its threads still hold the lock and the disks
        procfs.wait_gone(who, _KILL_DEADLINE)
        return []
    steps: list[Step] = []
    for word, act, deadline in (
        ("system_powerdown", ending.ask, ending.grace),
        ("SIGTERM", lambda: procfs.send_signal(who, signal.SIGTERM), _TERM_DEADLINE),
        ("SIGKILL", lambda: procfs.send_signal(who, signal.SIGKILL), _KILL_DEADLINE),
    ):
        if deadline > 0:
            steps.append(_step(word, act, who, deadline))
            if steps[-1].outcome == "ended":
                return steps
    return GuestError(
        f"{name} (process {who.pid}) lives on after SIGKILL: it hangs in the kernel; look at its stack and the disk."
    )


def _step(word: str, act: Callable[[], None], who: procfs.Identity, deadline: float) -> Step:
    begin = time.monotonic()
    try:
        act()
    except HypervisorNetworkError as error:
        if who.alive:
            return Step(word, round(time.monotonic() - begin, 2), f"failed: {error}")
    ended = procfs.wait_gone(who, deadline)
    return Step(word, round(time.monotonic() - begin, 2), "ended" if ended else "still running")
