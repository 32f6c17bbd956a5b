# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead-man's switch: a resident process that undoes a change which nobody confirmed.

It is forked from the module that is about to change the network, so everything the way back needs is in its memory already: no file, no
import and no network is wanted at the deadline. It leaves the session (setsid, and a systemd scope of its own where systemd runs), and
is watched by a second process of the same kind, which takes over when it is killed.

What ends it: a confirmation or an order to roll back (inotify on the state file), the deadline (a timer that counts through suspend), and
the death of the module before it said that everything is applied (end of file on the pipe between them).
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import time
from typing import Any, Callable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Plan
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.transaction import (
    Transaction,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.wakeup import Wakers, libc
from ansible_collections.hypervisor.network.plugins.module_utils._host import child as children
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, systemd

_READY, _APPLIED = b"r", b"a"
_READY_SECONDS = 20.0
_TRIES = 2
_MCL_CURRENT_FUTURE = 1 | 2
_SPARED = -900
# what was done in words, and why it failed, empty where it did not
_WayBack = Callable[[], tuple[list[str], str]]


class Guard:
    """One guarded change, seen from the module that makes it.

    C(record(before, changes)) gives what the confirmation will compare with, and what people may read.
    C(restore(before, changes)) brings the network back and returns what it did in words; it runs in the guard, and raises where it could not.
    C(open_again()) is called in the guard first: sockets are not shared over a fork.
    C(by_the_system(before)) has the host's own tool do what C(restore) failed to do, and returns what it did in words.
    """

    def __init__(
        self,
        seconds: float,
        netns: str | None,
        wish: str,
        open_again: Callable[[], None],
        restore: Callable[[Any, Plan], list[str]],
        record: Callable[[Any, Plan], tuple[Mapping[str, Any], Any]],
        by_the_system: Callable[[Any], list[str]],
    ) -> None:
        self.transaction: Transaction = Transaction("")
        self._seconds = seconds
        self._facts = {
            "netns": netns,
            "wish": wish,
            "boot": transactions.boot(),
            "timeout": seconds,
        }
        self._netns = netns
        self._open_again = open_again
        self._restore = restore
        self._record = record
        self._by_the_system = by_the_system
        self._pipe = -1
        self._module = procfs.Process(os.getpid()).identity()
        self._watcher = -1

    def arm(self, before: Any, changes: Plan) -> None:
        """Start the guard and wait until it says that it is ready. Raises Refused; then nothing was changed."""
        lock = transactions.lock(self._netns)
        deadline = time.clock_gettime(time.CLOCK_BOOTTIME) + self._seconds
        try:
            facts, snapshot = self._record(before, changes)
            self.transaction = transactions.begin(
                {**self._facts, **facts, "deadline": deadline}, snapshot
            )
        except OSError as error:
            transactions.unlock(self._netns, lock)
            raise Refused(
                f"Cannot write the guard's record below {transactions.ROOT}: {error.strerror}; make room or the disk writable."
            ) from None
        except BaseException:
            transactions.unlock(self._netns, lock)
            raise
        ours, theirs = (end.detach() for end in socket.socketpair())
        child = os.fork()
        if child == 0:
            os.close(ours)
            _in_the_background(
                lambda: self._live(lambda: self._go_back(before, changes), theirs, deadline),
                keep=(theirs, lock),
                last=lambda: self._end(lock),
            )
        os.close(theirs)
        os.close(lock)
        os.waitpid(child, 0)
        self._pipe = ours
        if not select.select([ours], [], [], _READY_SECONDS)[0] or os.read(ours, 1) != _READY:
            self.transaction.move(transactions.ARMED, transactions.ROLLED_BACK)
            raise Refused(
                "The guard did not start, so nothing was changed; look at the machine's memory and process limits, or say guard_timeout: 0."
            )

    def applied(self) -> None:
        """Everything is applied and was read back: from now on a confirmation counts. Raises Refused where the guard is gone or was faster."""
        if select.select([self._pipe], [], [], 0)[0]:
            raise Refused("The guard died while the network was changed.")
        if not self.transaction.move(transactions.ARMED, transactions.APPLIED):
            # the guard holds it until it is through
            transactions.wait_for_guard(self._netns)
            raise Refused(
                f"Applying took longer than the {self._seconds:g} s until the guard's deadline; give a larger guard_timeout."
            )
        os.write(self._pipe, _APPLIED)

    def stand_down(self) -> None:
        """The module undid its work by itself: the guard has nothing left to do."""
        if self.transaction.id:
            self.transaction.move(transactions.ARMED, transactions.ROLLED_BACK)

    def facts(self) -> dict[str, Any]:
        """What a task returns of its pending transaction, empty where there is none."""
        if not self.transaction.id:
            return {}
        facts = self.transaction.facts
        left = facts["deadline"] - time.clock_gettime(time.CLOCK_BOOTTIME)
        told = {key: facts[key] for key in ("id", "state", "what", "timeout")}
        return {**told, "seconds_left": round(max(0.0, left), 1)}

    # What follows runs in the guard.

    def _live(self, way_back: _WayBack, pipe: int, deadline: float) -> None:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        children.set_oom_score(_SPARED)  # both: who watches is as small, and as needed
        self._watcher = os.getpid()
        watched = os.fork()
        if watched:
            self._watch(way_back, watched, pipe, deadline)
            return
        self._open_again()
        _stay_in_memory()
        systemd.enter(
            f"hypervisor-network-guard-{self.transaction.id}", (os.getpid(), os.getppid())
        )
        wakers = Wakers(self.transaction.path, deadline)
        os.write(pipe, _READY)
        self._wait(way_back, pipe, wakers)

    def _end(self, lock: int) -> None:
        """What the last of the two does: the watcher, or the guard whose watcher was killed. The lock is free from then on."""
        if self._watcher in (os.getpid(), -1) or os.getppid() != self._watcher:
            transactions.unlock(self._netns, lock)

    def _watch(self, way_back: _WayBack, guard: int, pipe: int, deadline: float) -> None:
        """Do nothing until the guard is gone, and then what the guard should have done."""
        os.close(pipe)  # so that the module meets the end of file where the guard dies
        module = None if self._module is None else procfs.pidfd(self._module)
        os.waitpid(guard, 0)
        if self.transaction.state == transactions.ARMED and module is not None:
            # the module sees it too, and undoes by itself what it can: two at once would get in each other's way
            select.select(
                [module], [], [], max(0.0, deadline - time.clock_gettime(time.CLOCK_BOOTTIME))
            )
        if self.transaction.state in transactions.PENDING:
            self._open_again()
            self._roll_back(way_back, "the guard was killed")

    def _wait(self, way_back: _WayBack, pipe: int, wakers: Wakers) -> None:
        watching_pipe = True
        while True:
            ready = wakers.wait([pipe] if watching_pipe else [])
            state = self.transaction.state
            if state not in transactions.PENDING:
                return
            if state == transactions.ROLLING_BACK:
                self._roll_back(way_back, transactions.ASKED_FOR)
                return
            if (
                pipe in ready
                and os.read(pipe, 1) != _APPLIED
                and self.transaction.state == transactions.ARMED
            ):
                self._roll_back(way_back, "the module died before everything was applied")
                return
            if pipe in ready:
                watching_pipe = False
            if wakers.expired:
                self._roll_back(way_back, f"nobody confirmed it within {self._seconds:g} s")
                return

    def _roll_back(self, way_back: _WayBack, why: str) -> None:
        moved = self.transaction.move(
            transactions.APPLIED, transactions.ROLLING_BACK
        ) or self.transaction.move(transactions.ARMED, transactions.ROLLING_BACK)
        if not moved and self.transaction.state != transactions.ROLLING_BACK:
            return  # confirmed in the last moment
        done, error = way_back()
        try:
            self.transaction.note(
                transactions.ROLLING_BACK, why=why, undone=done, error=error, ended=time.time()
            )
        except OSError:
            pass  # a full disk: the rename below needs no room
        self.transaction.move(
            transactions.ROLLING_BACK,
            transactions.ROLLBACK_FAILED if error else transactions.ROLLED_BACK,
        )

    def _go_back(self, before: Any, changes: Plan) -> tuple[list[str], str]:
        """Our own way; where that fails each time, the host's own tool for what is in its files, and ours once more for what else there was."""
        done: list[str] = []
        for _again in range(_TRIES):
            error = _tried(done, self._restore, before, changes)
            if not error:
                return done, ""
        _tried(done, self._by_the_system, before)
        return done, _tried(done, self._restore, before, changes)


def _tried(done: list[str], way: Callable[..., list[str]], *args: Any) -> str:
    """Go a way back, and add to C(done) what it did; why it failed, empty where it did not."""
    try:
        done += way(*args)
    except Exception as failure:  # whatever it is, the next way and the record matter more
        return str(failure) or repr(failure)
    return ""


def _in_the_background(
    live: Callable[[], None], keep: tuple[int, ...], last: Callable[[], None]
) -> None:
    """Leave the session and everything that ties a process to it, live, and end without the module's own clean-up."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        children.close_all_but({0, 1, 2, *keep})
        try:
            live()
        finally:
            last()
    finally:
        os._exit(0)


def _stay_in_memory() -> None:
    """No page fault between the deadline and the way back."""
    gc.freeze()
    libc.mlockall(_MCL_CURRENT_FUTURE)  # refused without CAP_IPC_LOCK: then it is only less sure
