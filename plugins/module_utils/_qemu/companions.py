# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of a guest beside QEMU, each of which it reaches by a socket: they are there before it, and end with it."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import socket
from dataclasses import dataclass
from typing import Iterable, Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir

TPM = "tpm"
NAMES = (TPM,)
_CONTROL_FD = 3
_DEADLINE = 5.0


@dataclass(frozen=True)
class Companion:
    """A process of C(user), who is another than the guest's: C(words) are its command line but for the socket, which is handed to it."""

    name: str
    words: Sequence[str]
    socket: str
    user: pwd.struct_passwd

    def listening(self, descriptor: int) -> list[str]:
        """The whole command line: at a socket that it is handed. What it makes itself would be 0770, whatever the umask."""
        return [*self.words, "--ctrl", f"type=unixio,fd={descriptor}"]


@contextlib.contextmanager
def listening(path: str, user: pwd.struct_passwd) -> Iterator[socket.socket]:
    """A listening unix socket, 0600, of that user. Made here: it can be connected to before the other end runs, so nobody polls for it. Raises BadInput."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as listener:
        before = os.umask(0o177)
        try:
            listener.bind(path)
        except OSError as error:
            raise BadInput(f"Cannot listen at {path}: {error.strerror}.") from None
        finally:
            os.umask(before)
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        listener.listen(1)
        yield listener


@contextlib.contextmanager
def started(
    them: Iterable[Companion],
    directory: rundir.RunDirectory,
    user: pwd.struct_passwd,
    errors: int,
) -> Iterator[None]:
    """Start them, each with its record, for a guest of that C(user), who alone may connect to them. Raises GuestError.

    Should the block fail, they end, since QEMU would not take them along.
    """
    try:
        for one in them:
            directory.drop(_record(one.name))
            with listening(one.socket, user) as listener:
                processes.spawn(
                    one.listening(_CONTROL_FD),
                    {_CONTROL_FD: listener.fileno()},
                    errors,
                    one.user,
                    lambda who, name=one.name: directory.store(_record(name), who.as_dict()),
                )
        yield
    except BaseException:
        end(directory)
        raise


def end(directory: rundir.RunDirectory) -> None:
    """End those that did not end with QEMU, and forget all. Raises GuestError where one cannot be ended."""
    for name in NAMES:
        who = _identity(directory, name)
        if who is not None and not _ended(who):
            raise GuestError(
                f"The process {who.pid} ({name} of a guest) lives on after SIGKILL: it hangs in the kernel; look at its stack and the disk."
            )
        directory.drop(_record(name))


def gone(directory: rundir.RunDirectory, name: str) -> bool:
    """Whether one runs no more that is no unit of its own. One without a record is within the guest's unit: it is asked whether it still listens."""
    who = _identity(directory, name)
    return not (_listens(socket_of(directory.public, name)) if who is None else who.alive)


def shared(directory: rundir.RunDirectory, name: str, uid: int) -> bool:
    """Whether one runs as the guest's own user, whose number is C(uid), or within its unit, as earlier versions of this collection had it."""
    who = _identity(directory, name)
    if who is None:
        return _listens(socket_of(directory.public, name))
    return procfs.Process(who.pid).real_uid() == uid and who.alive


def socket_of(public: str, name: str) -> str:
    """Where a companion listens, in the guest's own run directory."""
    return os.path.join(public, f"{name}.sock")


def _listens(path: str) -> bool:
    """Whether a process has this socket open. It serves one client, so another one waits for ever: nothing is waited for here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as client:
        client.setblocking(False)
        try:
            client.connect(path)
        except BlockingIOError:  # its queue is full
            return True
        except OSError:
            return False
    return True


def _ended(who: procfs.Identity) -> bool:
    # it may be about to end by itself: QEMU has told it, or hung up
    for number, seconds in ((None, 0.5), (signal.SIGTERM, _DEADLINE), (signal.SIGKILL, _DEADLINE)):
        if number is not None:
            procfs.send_signal(who, number)
        if procfs.wait_gone(who, seconds):
            return True
    return False


def _identity(directory: rundir.RunDirectory, name: str) -> procfs.Identity | None:
    record = directory.load(_record(name))
    if record is None:
        return None
    return procfs.Identity(record["pid"], record["start_time"], record["boot_id"])


def _record(name: str) -> str:
    return f"{name}.json"
