# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a regular file, and in words why it can't be read or written."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

_MEANINGS = {
    errno.ENOSPC: "the file system is full; free some space",
    errno.EDQUOT: "the quota is used up; free some space",
    errno.EROFS: "the file system is mounted read-only; remount it read-write",
    errno.EPERM: "it is immutable, or this user may not; see lsattr, and run the task with become",
    errno.EACCES: "this user may not; run the task with become",
    errno.EBUSY: "the file is a mount point of its own, so it cannot be replaced; unmount it",
    errno.ELOOP: "it is a symbolic link; name the file itself",
}


def read_bytes(path: str) -> bytes:
    """A regular file's bytes; Refused where it is none, or cannot be read."""
    with explained("read", path):
        # O_NONBLOCK: opening a pipe would else wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Refused(
                f"{path} is no regular file; leave it out, or name the file that holds the text."
            )
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read()


def is_file(path: str) -> bool:
    """Whether a path leads to a regular file."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


@contextlib.contextmanager
def explained(verb: str, path: str) -> Iterator[None]:
    """An OSError becomes one sentence. Raises Refused."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        meaning = _MEANINGS.get(number, os.strerror(number))
        raise Refused(
            f"Cannot {verb} {path}: {meaning} ({errno.errorcode.get(number, number)})."
        ) from None
