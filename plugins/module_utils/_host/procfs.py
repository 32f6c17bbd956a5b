# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes as /proc tells of them: the one walk, who a process is for certain, and how to signal exactly that one.

What a process says of itself (its name, its command line) is bytes from anybody: it is decoded with replacement, and never believed by itself.
A pid alone names nobody, it is given to the next process after a while: an identity is pid, start time and boot. Source: proc(5), pidfd_open(2).
"""

from __future__ import annotations

import functools
import os
import select
import signal
import time
from dataclasses import asdict, dataclass
from typing import Any, Collection, Iterator

PROC = "/proc"
_DELETED = " (deleted)"
# proc(5), counted from 0 behind the command: state, ppid, session and start time
_STATE, _PARENT, _SESSION, _START = 0, 1, 3, 19


@dataclass(frozen=True)
class Identity:
    """A process for ever: C(start_time) is field 22 of /proc/PID/stat in ticks since boot, C(boot_id) names the boot."""

    pid: int
    start_time: int
    boot_id: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def alive(self) -> bool:
        """It runs, or can run again; a zombie does not."""
        return self._state() not in ("", "Z", "X")

    @property
    def there(self) -> bool:
        """It is not gone yet: of a zombie, other threads may still be ending, with its files open."""
        return self._state() != ""

    def _state(self) -> str:
        found = Process(self.pid).stat()
        same = (
            found is not None and found.start_time == self.start_time and boot_id() == self.boot_id
        )
        return found.state if found is not None and same else ""

    @property
    def since(self) -> float:
        """When it was started, in seconds since the epoch."""
        with open("/proc/uptime", encoding="ascii") as file:
            uptime = float(file.read().split()[0])
        return time.time() - uptime + self.start_time / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stat:
    """What /proc/PID/stat says: the state's letter, the parent's pid, the session's, and the start time in ticks since boot."""

    state: str
    parent: int
    session: int
    start_time: int


@dataclass(frozen=True)
class Process:
    """One entry of /proc. Whatever is asked of a process that ended meanwhile, or is not ours to see, is empty or None."""

    pid: int
    proc: str = PROC

    def path(self, *names: str) -> str:
        return os.path.join(self.proc, str(self.pid), *names)

    def read(self, name: str) -> bytes:
        """The bytes of one of its files, empty where it can't be read."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except OSError:
            return b""

    def argv(self) -> tuple[str, ...]:
        """Its command line, as it tells it now; a process may write over it, and a kernel's thread has none."""
        words = self.read("cmdline").rstrip(b"\0")
        return tuple(text(word) for word in words.split(b"\0")) if words else ()

    def name(self) -> str:
        """What it calls itself (comm)."""
        return text(self.read("comm")).rstrip("\n")

    def open_files(self) -> dict[int, str]:
        """What each of its descriptors is open on, such as C(socket:[4711]) or a path."""
        found = {}
        try:
            numbers = [int(name) for name in os.listdir(self.path("fd"))]
        except OSError:
            return {}
        for number in numbers:
            try:
                found[number] = text(os.readlink(os.fsencode(self.path("fd", str(number)))))
            except OSError:
                continue  # closed meanwhile
        return found

    def stat(self) -> Stat | None:
        # The command in parentheses may hold anything, so fields are counted behind the last one
        fields = text(self.read("stat")).rpartition(")")[2].split()
        try:
            return Stat(
                fields[_STATE], int(fields[_PARENT]), int(fields[_SESSION]), int(fields[_START])
            )
        except (IndexError, ValueError):
            return None

    def real_uid(self) -> int | None:
        return self._status(b"Uid:", 10)

    def may(self, capability: int) -> bool:
        """Whether it has a capability over what this process sees, and not only in a user namespace of its own."""
        has = self._status(b"CapEff:", 16) or 0
        return bool(has >> capability & 1) and self.namespace("user") == own_namespace(
            "user", self.proc
        )

    def _status(self, key: bytes, base: int) -> int | None:
        for line in self.read("status").splitlines():
            words = line.split()
            if words[:1] == [key]:
                try:
                    return int(words[1], base)
                except (IndexError, ValueError):
                    return None
        return None

    def exe(self) -> str:
        """The program that it executes, by the path it has or, deleted or replaced since, had."""
        try:
            found = os.readlink(os.fsencode(self.path("exe")))
        except OSError:
            return ""
        return text(found)

    def executes(self, files: Collection[str]) -> bool:
        """Whether its program is one of these files, or was until an upgrade replaced it."""
        exe = self.exe()
        if exe.endswith(_DELETED):
            return exe[: -len(_DELETED)] in {os.path.realpath(one) for one in files}
        try:
            own = os.stat(self.path("exe"))
            return any(os.path.samestat(own, os.stat(one)) for one in files)
        except OSError:
            return False

    def namespace(self, kind: str) -> str | None:
        """Which namespace of a kind (net, mnt, user) it is in, such as C(net:[4026531833])."""
        return _namespace(self.path("ns", kind))

    def identity(self) -> Identity | None:
        found = self.stat()
        return None if found is None else Identity(self.pid, found.start_time, boot_id())


def processes(proc: str = PROC) -> Iterator[Process]:
    """Every process that there is, in the order of their numbers."""
    try:
        names = os.listdir(proc)
    except OSError:
        names = []
    for pid in sorted(int(name) for name in names if name.isdigit()):
        yield Process(pid, proc)


def own_namespace(kind: str, proc: str = PROC) -> str | None:
    """The namespace of a kind that this thread is in."""
    return _namespace(os.path.join(proc, "thread-self", "ns", kind)) or _namespace(
        os.path.join(proc, "self", "ns", kind)
    )


def _namespace(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None


def text(words: bytes) -> str:
    """What somebody else wrote, as text: what is none of it is replaced by a mark."""
    return words.decode("utf-8", "replace")


def printable(words: str) -> str:
    """The same in one line, with a mark for each character that would not be seen, or end it."""
    return "".join(one if one.isprintable() else "\ufffd" for one in words)


@functools.cache
def boot_id() -> str:
    """The kernel's name for this boot, which no process outlives."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def pidfd(who: Identity) -> int | None:
    """A descriptor of exactly that process, None where it is gone. The caller closes it."""
    try:
        descriptor = os.pidfd_open(who.pid)
    except ProcessLookupError:
        return None
    if who.there:  # looked at after opening: from here on the number cannot change hands
        return descriptor
    os.close(descriptor)
    return None


def ended(descriptor: int, timeout: float) -> bool:
    """Whether the process of a pidfd ended within C(timeout) seconds, with all its threads."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(max(0, int(timeout * 1000))))


def wait_gone(who: Identity, timeout: float) -> bool:
    """Whether the process ended within C(timeout) seconds, with all its threads. Waits on its pidfd, which is ready from the end on."""
    descriptor = pidfd(who)
    if descriptor is None:
        return True
    try:
        return ended(descriptor, timeout)
    finally:
        os.close(descriptor)


def send_signal(who: Identity, number: int) -> None:
    """Signal exactly that process; one that is gone is fine."""
    descriptor = pidfd(who)
    if descriptor is None:
        return
    try:
        signal_to(descriptor, number)
    finally:
        os.close(descriptor)


def signal_to(descriptor: int, number: int) -> None:
    """Signal the process of a pidfd; one that is gone is fine."""
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        pass
