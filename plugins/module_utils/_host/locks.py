# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time: of those that change links, because two that plan at once would undo each other's work, and of guards.

Every lock is a flock(2), so it goes with the last process that has it open, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import places

DIRECTORY = places.RUN
_PATIENCE = 60.0
_TICK = 0.02
_TAKEN = (errno.EAGAIN, errno.EACCES)


@contextlib.contextmanager
def alone(directory: str = DIRECTORY, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock, waited for up to C(patience) seconds. It is on the directory itself, so no file is left, and goes with the process.

    Who may not make the directory may not change links either, and goes on without: the kernel will say so. Raises Refused.
    """
    try:
        # readable for its owner only: nobody else can take the lock
        descriptor = places.opened(directory, places.RUN_MODE)
    except PermissionError:
        yield
        return
    except OSError as error:
        raise Refused(
            f"Cannot lock {directory}: {error.strerror}; {places.cure(error, places.RUN_MODE)}."
        ) from None
    try:
        _wait(descriptor, time.monotonic() + patience, patience)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, deadline: float, patience: float) -> None:
    while True:
        if _taken(descriptor):
            return
        if time.monotonic() > deadline:
            raise Refused(
                f"Another run has been changing links of this machine for {patience:g} seconds; run the task again when it is done."
            )
        time.sleep(_TICK)  # flock(2) has no deadline to wait with


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def hold(path: str, wait: bool = False) -> int | None:
    """A lock by the name of a file, held by whoever has the descriptor that is returned, or inherits it; see C(let_go).

    None while somebody else has it; with C(wait), until it is free. The directory is one that only root can write to.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if wait:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            elif not _taken(descriptor):
                os.close(descriptor)
                return None
            if _is_named(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # who had it let it go, and its file with it, between our open and our lock
        os.close(descriptor)


def let_go(descriptor: int, path: str) -> None:
    """End a lock that is held, for all who inherited it, and leave no file."""
    try:
        if _is_named(descriptor, path):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _is_named(descriptor: int, path: str) -> bool:
    """Whether a lock's file is still the one that others will find."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
