# SPDX-License-Identifier: GPL-3.0-or-later
"""What other rooms ask of a guest's monitor: its drives, and jobs that take long. The door to qmp.py.

A job's command succeeds when it is begun; how it ended stands in query-jobs until it is dismissed. Disks are found by their files:
node names change hands with every overlay.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Mapping, NoReturn

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import (
    FORMATS,
    Drive,
    drive,
    file_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp, connect_any

PREFIX = "hypervisor-network-"  # of the jobs that are ours
_DEADLINE = 4.0
_SLOW = 60.0  # seconds for a command that waits until the guest's writes are out
_STALLED = 300.0  # seconds without a byte
_TICK = 1.0


@dataclass(frozen=True)
class Done:
    """A job that is done: C(seconds) it took, C(total) bytes."""

    job: str
    seconds: float
    total: int

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


class Monitor:
    """One connection for block work."""

    def __init__(self, qmp: Qmp, clock: Callable[[], float] = time.monotonic) -> None:
        self._qmp, self._clock = qmp, clock

    def ask(self, command: str, timeout: float = _SLOW, **arguments: Any) -> Any:
        return self._qmp.execute(command, timeout, **arguments)

    @property
    def status(self) -> str:
        return str(self.ask("query-status")["status"])

    def drives(self) -> list[Drive]:
        """The drives with something in them. While a job works on one, a node of the job is on top of it, which has no bitmaps: it is looked through."""
        found = [one for one in self.ask("query-block") if one.get("inserted")]
        if all(one["inserted"]["drv"] in FORMATS for one in found):
            return [drive(one) for one in found]
        nodes = {
            file_of(one["file"]): one
            for one in self.ask("query-named-block-nodes")
            if one["drv"] in FORMATS
        }
        return [
            drive({**one, "inserted": nodes.get(file_of(one["inserted"]["file"]), one["inserted"])})
            for one in found
        ]

    def node_of(self, file: str) -> str | None:
        """The name of the node that reads the image in a file, whatever opened it."""
        for one in self.ask("query-named-block-nodes", flat=True):
            if one["drv"] != "file" and file_of(one["file"]) == file:
                return str(one["node-name"])
        return None

    def forget_node(self, file: str) -> None:
        """Close an image that nothing uses any more; one that QEMU has closed itself is fine."""
        node = self.node_of(file)
        if node is not None:
            self.ask("blockdev-del", **{"node-name": node})

    def hand(self, descriptor: int, opaque: str) -> str:
        """Give QEMU an open file, and return the path by which it opens that; C(opaque) is what it is told by to be taken back."""
        return f"/dev/fdset/{self._qmp.execute('add-fd', _SLOW, [descriptor], opaque=opaque)['fdset-id']}"

    def take_back(self, opaque: str) -> None:
        """Have QEMU close the files that were given to it under a name that begins so."""
        for one in self.ask("query-fdsets"):
            if any(str(fd.get("opaque", "")).startswith(opaque) for fd in one["fds"]):
                self.ask("remove-fd", **{"fdset-id": one["fdset-id"]})

    def jobs(self) -> dict[str, Mapping[str, Any]]:
        """The jobs that are ours by their names, each as QMP's query-jobs tells it: C(id), C(type), C(status), C(error) of one that failed."""
        return {
            one["id"]: one for one in self.ask("query-jobs") if str(one["id"]).startswith(PREFIX)
        }

    def dismiss_ended(self) -> None:
        """Clear away what a run that was killed left behind of jobs that have ended."""
        for ident, job in self.jobs().items():
            if job["status"] == "concluded":
                self.ask("job-dismiss", id=ident)

    def finish(
        self,
        idents: Iterable[str],
        ready: Callable[[str], None] | None = None,
        moved_to: Callable[[int, int], None] = lambda _at, _total: None,
    ) -> list[Done]:
        """Wait until these jobs are over, calling C(ready(ident)) once where one waits for its last step, and C(moved_to(bytes, of how many)) now and then.

        Raises GuestError with QEMU's sentence of the first that failed, after the others were cancelled; DeadlineExceeded where nothing moves.
        """
        begin = moved = self._clock()
        left, asked, done = list(idents), set(), []
        last: Any = None
        while left:
            jobs = self.jobs()
            for ident in list(left):
                job = jobs.get(ident)
                if job is None or job["status"] == "concluded":
                    left.remove(ident)
                    if job is not None:
                        self.ask("job-dismiss", id=ident)
                    self._check(ident, job, left)
                    done.append(Done(ident, round(self._clock() - begin, 2), int((job or {}).get("total-progress", 0))))  # fmt: skip
                elif job["status"] == "ready" and ready is not None and ident not in asked:
                    asked.add(ident)
                    ready(ident)
            shape = [(job["status"], job.get("current-progress")) for job in jobs.values()]
            if shape != last:
                last, moved = shape, self._clock()
                moved_to(*(sum(int(job.get(f"{word}-progress", 0)) for job in jobs.values()) for word in ("current", "total")))  # fmt: skip
            if left:
                if self._clock() - moved > _STALLED:
                    self.cancel(left)
                    raise_stalled(left[0], _STALLED)
                self._qmp.event(_TICK)
        return done

    def cancel(self, idents: Iterable[str]) -> None:
        """End these jobs, and wait until they are gone."""
        left = [ident for ident in idents if ident in self.jobs()]
        for ident in left:
            with contextlib.suppress(GuestError):  # ended by itself meanwhile
                self.ask("job-cancel", id=ident)
        end = self._clock() + _SLOW
        while left and self._clock() < end:
            jobs = self.jobs()
            for ident in list(left):
                if ident not in jobs:
                    left.remove(ident)
                elif jobs[ident]["status"] == "concluded":
                    self.ask("job-dismiss", id=ident)
                    left.remove(ident)
            if left:
                self._qmp.event(_TICK)

    def _check(self, ident: str, job: Mapping[str, Any] | None, others: list[str]) -> None:
        try:
            check_job(ident, job)
        except GuestError:
            self.cancel(others)
            others.clear()
            raise


def check_job(what: str, job: Mapping[str, Any] | None) -> None:
    """Raise GuestError where a job did not end well."""
    if job is None:
        raise GuestError(f"QEMU's job {what} is gone, and nobody says how it ended; look who dismissed it.")  # fmt: skip
    if job.get("error"):
        raise GuestError(f"QEMU could not end the job {what}: {job['error']}.")


def raise_stalled(what: str, seconds: float) -> NoReturn:
    raise DeadlineExceeded(
        f"QEMU's job {what} has not moved for {seconds:g} s, and was cancelled; look at the disks of the host."
    )


@contextlib.contextmanager
def opened(sockets: Iterable[str]) -> Iterator[Monitor]:
    """A guest's monitor. Raises GuestError and DeadlineExceeded."""
    with connect_any(sockets, _DEADLINE) as qmp:
        yield Monitor(qmp)
