# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is to write: the module's while its transaction is in its state, the guard's for good once it goes back.

A module that was stopped, or waits for a server, may wake when its time is long over. So it holds a lock (flock(2) on the state file) around each
single write, and looks at the state within; the guard, having won the state, takes that lock before it touches anything. Whoever does not let
go of it, because it was stopped in the middle of a write, is ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.transaction import (
    ARMED,
    Transaction,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs

_PATIENCE = 1.0  # for one write of a busy kernel
_END_SECONDS = 15.0  # for what a module has started, until it is the program that it is to be
_TICK = 0.002


class Turn:
    """One side's end of the lock; each process opens its own."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._fd = os.open(
            os.path.join(transaction.path, ARMED), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        )

    @contextlib.contextmanager
    def held(self, state: str) -> Iterator[None]:
        """For one write of the module. Raises DeadlineExceeded where the transaction is not in C(state) any more: then it is not its turn."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            if not os.path.lexists(os.path.join(self._transaction.path, state)):
                raise DeadlineExceeded("The guard has taken over, so nothing more is written.")
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def take(self, module: procfs.Identity) -> None:
        """For the guard, for good. C(module) is the one that may be writing; it is killed where it does not let go."""
        if self._taken_within(0.0 if _stopped(module) else _PATIENCE):
            return
        procfs.send_signal(module, signal.SIGKILL)
        procfs.wait_gone(module, _END_SECONDS)
        # a child that it had just forked has the lock too, until it executes its program and can be seen for what it is
        self._taken_within(_END_SECONDS)

    def _taken_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(_TICK)  # flock(2) has no deadline to wait with

    def close(self) -> None:
        os.close(self._fd)


def _stopped(who: procfs.Identity) -> bool:
    """Whether a process is stopped by a signal or a debugger (proc_pid_stat(5)), so that waiting for it is in vain."""
    found = procfs.Process(who.pid).stat()
    return found is not None and found.state in ("T", "t")
