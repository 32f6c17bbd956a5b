# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time changes the links of this machine: two that plan at once would undo each other's work."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

DIRECTORY = "/run/hypervisor-network"
_PATIENCE = 60.0
_TICK = 0.02


@contextlib.contextmanager
def alone(directory: str = DIRECTORY, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock, waited for up to C(patience) seconds. It is on the directory itself, so no file is left, and goes with the process.

    Who may not make the directory may not change links either, and goes on without: the kernel will say so. Raises Refused.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o711)
        # readable for its owner only: nobody else can take the lock
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        yield
        return
    except OSError as error:
        raise Refused(
            f"Cannot lock {directory}: {error.strerror}; make it a directory of root with mode 0711."
        ) from None
    try:
        _check(directory, os.fstat(descriptor))
        _wait(descriptor, time.monotonic() + patience, patience)
        yield
    finally:
        os.close(descriptor)


def _check(directory: str, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(
            f"{directory} can be written by others than the user {os.geteuid()}; remove it, and it will be made anew."
        )


def _wait(descriptor: int, deadline: float, patience: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() > deadline:
            raise Refused(
                f"Another run has been changing links of this machine for {patience:g} seconds; run the task again when it is done."
            )
        time.sleep(_TICK)  # flock(2) has no deadline to wait with
