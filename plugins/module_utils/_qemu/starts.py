# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts guests side by side, as many at a time as there are processors: each of them makes one busy until its machine is there."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Protocol, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.hotplug import Step
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.serial_wait import SerialLog


class Starter(Protocol):
    """What is needed of whatever keeps guests (see C(apply.Supervisor))."""

    def start(self, name: str, spec: Mapping[str, Any], paused: bool = False) -> Any:
        """Start a guest, at the latest when it is awaited: some are started together. Returns what C(await_machine) is told of it."""

    def await_machine(self, name: str, started: Any) -> None:
        """Return when it answers."""

    def tell(self, name: str, steps: Sequence[Step]) -> None:
        """Have it take over something."""

    def resume(self, name: str) -> None:
        """Let it go on."""


class Starts:
    """The guests of one run that begin."""

    def __init__(self, starter: Starter, most: int | None = None) -> None:
        self._starter = starter
        self._most = most or len(os.sched_getaffinity(0))
        self._begun: list[tuple[str, Any, bool, Sequence[Step], SerialLog | None]] = []

    def begin(
        self, name: str, spec: Mapping[str, Any], paused: bool, steps: Sequence[Step]
    ) -> None:
        """Start one; C(steps) are taken before its first instruction, or it would be on a network that it was taken off. Raises what a start does."""
        while len(self._begun) >= self._most:
            self._finish_first()
        log = SerialLog(spec["serial_log"]) if spec.get("serial_log") else None
        with _last_words(log):
            started = self._starter.start(name, spec, paused=paused or bool(steps))
        self._begun.append((name, started, paused, steps, log))

    def finish(self) -> None:
        """Return when all answer. Raises what a start does."""
        while self._begun:
            self._finish_first()

    def _finish_first(self) -> None:
        name, started, paused, steps, log = self._begun.pop(0)
        with _last_words(log):
            self._starter.await_machine(name, started)
        if log is not None:
            log.close()
        if steps:
            self._starter.tell(name, steps)
            if not paused:
                self._starter.resume(name)


@contextmanager
def _last_words(log: SerialLog | None) -> Iterator[None]:
    """QEMU's complaints are in its message; why a guest ended that began, only the guest has said."""
    try:
        yield
    except (DeadlineExceeded, GuestError) as error:
        if log is None:
            raise
        text = f"{error} Its serial line {log.last_words().rstrip('.')}."
        log.close()
        raise type(error)(text, **error.facts) from None
