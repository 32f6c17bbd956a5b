# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead-man's switch: a resident process that undoes a change which nobody confirmed.

It is forked from the module that is about to change the network, so everything the way back needs is in its memory already: no file, no
import and no network is wanted at the deadline. It leaves the session (setsid, and a systemd scope of its own where systemd runs), and
is watched by a second process of the same kind, which takes over when it is killed.

What ends it: a confirmation or an order to roll back (inotify on the state file), the deadline (a timer that counts through suspend), and
the death of the module before it said that everything is applied (end of file on the pipe between them).

Only one of the two brings the network back: whoever has won the rename of the state file for it. The guard, which has, takes the module's
turn to write too, see C(turn).
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import time
from typing import Any, Callable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    DeadlineExceeded,
    HypervisorNetworkError,
    Refused,
    UndoFailed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Plan
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.transaction import (
    Transaction,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.turn import Turn
from ansible_collections.hypervisor.network.plugins.module_utils._guard.wakeup import Wakers, libc
from ansible_collections.hypervisor.network.plugins.module_utils._host import child as children
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, systemd

_READY, _APPLIED, _UNDO_FAILED = b"r", b"a", b"u"
_READY_SECONDS = 20.0
_TRIES = 2
_MCL_CURRENT_FUTURE = 1 | 2
_SPARED = -900
_WHY = {
    b"": "the module died before everything was applied",
    _UNDO_FAILED: "the module could not undo its work",
}
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
            "network": procfs.own_namespace("net"),
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
        self._module = procfs.Process(os.getpid()).identity() or procfs.Identity(0, 0, "")
        self._watcher = -1
        self._turn: Turn | None = None
        self._own_state = transactions.ARMED
        self.told: list[str] = []

    def arm(self, before: Any, changes: Plan) -> None:
        """Start the guard and wait until it says that it is ready. Raises Refused; then nothing was changed."""
        lock = transactions.lock(self._netns)
        deadline = time.clock_gettime(time.CLOCK_BOOTTIME) + self._seconds
        try:
            self.told = transactions.set_aside()
            facts, snapshot = self._record(before, changes)
            self._facts = {**self._facts, **facts, "deadline": deadline}
            self.transaction = transactions.begin(self._facts, snapshot)
            self._turn = Turn(self.transaction)
            held = transactions.hold(self.transaction)
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
                keep=(theirs, lock, held),
                last=lambda: self._end(lock),
            )
        for descriptor in (theirs, lock, held):
            os.close(descriptor)
        os.waitpid(child, 0)
        self._pipe = ours
        if not select.select([ours], [], [], _READY_SECONDS)[0] or os.read(ours, 1) != _READY:
            self.transaction.move(transactions.ARMED, transactions.ROLLED_BACK)
            raise Refused(
                "The guard did not start, so nothing was changed; look at the machine's memory and process limits, or say guard_timeout: 0."
            )

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Around each single write of the module. Raises DeadlineExceeded where it is the guard's turn; before there is a guard, anybody may write."""
        if self._turn is None:
            yield
            return
        with self._turn.held(self._own_state):
            yield

    def applied(self) -> None:
        """Everything is applied and was read back: from now on a confirmation counts.

        Raises DeadlineExceeded where the guard was faster, Refused where it is gone.
        """
        dead = bool(select.select([self._pipe], [], [], 0)[0])
        if dead and self.transaction.state == transactions.ARMED:
            raise Refused(
                "The guard died while the network was changed; look in the journal what killed it, and run the task again."
            )
        if not self.transaction.move(transactions.ARMED, transactions.APPLIED):
            raise DeadlineExceeded(
                "The guard has taken over, since its time was over or somebody ordered it."
            )
        try:
            os.write(self._pipe, _APPLIED)
        except OSError:
            raise DeadlineExceeded(
                "The guard died when everything was applied; look in the journal what killed it, and run the task again."
            ) from None

    def claim(self) -> None:
        """Win the right to undo what the module did. Where it is the guard's, wait for its end, and raise what became of the host."""
        with contextlib.suppress(OSError):  # no rename at all: the guard goes back when we are gone
            if self.transaction.move(transactions.ARMED, transactions.UNDOING):
                self._own_state = transactions.UNDOING
                return
        raise self._overtaken()

    def hand_over(self, why: str) -> None:
        """The module's own undo failed, C(why) in sentences: have the guard go back, wait for its end, and raise what became of the host."""
        if self.transaction.state != transactions.UNDOING:
            raise self._overtaken()
        try:
            os.write(self._pipe, _UNDO_FAILED)
        except OSError:
            raise UndoFailed(
                f"{why} The guard was killed too; what watches it goes back when this task has ended."
            ) from None
        raise self._overtaken(f"{why} But")

    def stand_down(self, why: str) -> None:
        """The module undid its work by itself, because of C(why). Raises where the guard took over before it was through."""
        if not self.transaction.move(transactions.UNDOING, transactions.ROLLED_BACK):
            raise self._overtaken()
        with contextlib.suppress(OSError):
            self.transaction.note(transactions.ROLLED_BACK, why=why, ended=time.time())

    def _overtaken(self, failed: str = "") -> HypervisorNetworkError:
        """What became of the host in the guard's hands, as an error to raise; C(failed) says what went wrong before, if anything did."""
        through = transactions.wait_for_guard(self._netns)
        facts = self.transaction.facts
        begin = failed or (
            f"Applying took longer than {self._seconds:g} s;"
            if self._late()
            else f"The transaction {self.transaction.id} was ended while it was applied ({facts.get('why', facts['state'])});"
        )
        if facts["state"] == transactions.ROLLED_BACK:
            cure = "; give a larger guard_timeout" if self._late() else "; run the task again"
            return DeadlineExceeded(
                f"{begin} the guard has given the host back{'' if failed else cure}."
            )
        if facts["state"] == transactions.CONFIRMED:
            return Refused(
                f"{begin} it was confirmed by hand, so nothing is undone; run the task again for what is missing."
            )
        if not through:
            return UndoFailed(
                f"{begin} the guard is still giving the host back, and is through when {self.transaction.path} holds the file rolled-back."
            )
        return UndoFailed(
            f"{begin} the guard could not give the host back: {facts.get('error') or 'it was killed.'}"
        )

    def _late(self) -> bool:
        return time.clock_gettime(time.CLOCK_BOOTTIME) >= self._facts["deadline"]

    def facts(self) -> dict[str, Any]:
        """What a task returns of its pending transaction, empty where there is none."""
        if not self.transaction.id:
            return {}
        left = self._facts["deadline"] - time.clock_gettime(time.CLOCK_BOOTTIME)
        return {
            "id": self.transaction.id,
            "state": self.transaction.state,
            "what": self._facts["what"],
            "timeout": self._seconds,
            "seconds_left": round(max(0.0, left), 1),
        }

    # What follows runs in the guard.

    def _live(self, way_back: _WayBack, pipe: int, deadline: float) -> None:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        children.set_oom_score(_SPARED)  # both: who watches is as small, and as needed
        self._watcher = os.getpid()
        self._turn = None  # of the module's, which is closed here
        turn = Turn(self.transaction)
        watched = os.fork()
        if watched:
            self._watch(way_back, watched, pipe, deadline, turn)
            return
        self._open_again()
        _stay_in_memory()
        systemd.enter(
            f"hypervisor-network-guard-{self.transaction.id}", (os.getpid(), os.getppid())
        )
        wakers = Wakers(self.transaction.path, deadline)
        os.write(pipe, _READY)
        self._wait(way_back, pipe, wakers, turn)

    def _end(self, lock: int) -> None:
        """What the last of the two does: the watcher, or the guard whose watcher was killed. The lock is free from then on."""
        if self._watcher in (os.getpid(), -1) or os.getppid() != self._watcher:
            transactions.unlock(self._netns, lock)

    def _watch(
        self, way_back: _WayBack, guard: int, pipe: int, deadline: float, turn: Turn
    ) -> None:
        """Do nothing until the guard is gone, and then what the guard should have done."""
        os.close(pipe)  # so that the module meets the end of file where the guard dies
        os.waitpid(guard, 0)
        if self._state() in (transactions.ARMED, transactions.UNDOING):
            # the module sees it too, and undoes by itself what it can
            procfs.wait_gone(
                self._module, max(0.0, deadline - time.clock_gettime(time.CLOCK_BOOTTIME))
            )
        if self._state() in ("", *transactions.PENDING):
            self._open_again()
            self._roll_back(way_back, "the guard was killed", turn)

    def _state(self) -> str:
        """The transaction's state; empty where its record is gone, so that nobody can confirm it any more."""
        try:
            return self.transaction.state
        except (BadInput, OSError):
            return ""

    def _wait(self, way_back: _WayBack, pipe: int, wakers: Wakers, turn: Turn) -> None:
        watching_pipe = True
        while True:
            ready = wakers.wait([pipe] if watching_pipe else [])
            if pipe in ready:
                watching_pipe = False
                said = os.read(pipe, 1)
            state = self._state()
            if state in transactions.ENDED:
                return
            why = ""
            if state == transactions.ROLLING_BACK:
                why = transactions.ASKED_FOR
            elif pipe in ready and said != _APPLIED and state != transactions.APPLIED:
                why = _WHY[said]
            elif wakers.expired:
                why = (
                    f"nobody confirmed it within {self._seconds:g} s"
                    if state == transactions.APPLIED
                    else f"applying took longer than {self._seconds:g} s"
                )
            if why:
                self._roll_back(way_back, why, turn)
                return

    def _roll_back(self, way_back: _WayBack, why: str, turn: Turn) -> None:
        if not self._claim():
            return  # confirmed in the last moment, or undone
        turn.take(self._module)
        done, error = way_back()
        with contextlib.suppress(OSError):  # a full disk: the rename below needs no room
            self.transaction.note(
                transactions.ROLLING_BACK, why=why, undone=done, error=error, ended=time.time()
            )
        with contextlib.suppress(OSError):
            self.transaction.move(
                transactions.ROLLING_BACK,
                transactions.ROLLBACK_FAILED if error else transactions.ROLLED_BACK,
            )

    def _claim(self) -> bool:
        """Win the right to go back; False where it has ended. A record that is gone, or on a disk that takes no rename, can't be confirmed either."""
        while True:
            state = self._state()
            if state in transactions.ENDED:
                return False
            if state in ("", transactions.ROLLING_BACK):
                return True
            try:
                if self.transaction.move(state, transactions.ROLLING_BACK):
                    return True
            except OSError:
                return True

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
