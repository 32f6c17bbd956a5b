# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this collection keeps things on a host, and the one check that nobody else can put anything there.

A directory that others may write to could hold their lock, their record, their script in place of ours.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

RUN = "/run/hypervisor-network"  # until the next boot: locks, scripts of DHCP clients, guests
RUN_MODE = 0o711  # a guest's user comes through to its own directory, and sees nothing else
KEPT = "/var/lib/hypervisor-network"  # over a boot: the records of guarded changes
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def own_directory(path: str, mode: int) -> None:
    """Make the directory, whatever the umask is, or refuse what somebody else put there first. Raises Refused."""
    try:
        os.close(opened(path, mode))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Refused(
                f"Cannot make {path}: {error.strerror}; run the task with become."
            ) from None
        raise Refused(f"Cannot make {path}: {error.strerror}; {cure(error, mode)}.") from None


def cure(error: OSError, mode: int) -> str:
    """What to do where a directory of ours cannot be made, and not for want of rights."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room on that file system"
    return f"make it a directory of root with mode {mode:04o}"


def opened(path: str, mode: int) -> int:
    """The same, opened. Raises Refused, OSError where it cannot be made or opened."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, mode)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return opened(path, mode)  # it went
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and os.path.lexists(path):
            raise _foreign(path, mode) from None
        raise
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
            raise _foreign(path, mode)
        # made under a umask, or by a part of this collection that lets nobody through
        if mode & ~found.st_mode:
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode) | mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _foreign(path: str, mode: int) -> Refused:
    return Refused(
        f"{path} is not a directory that only root can write to; look who made it, and remove it, or make it root's with mode {mode:04o}."
    )


def is_only_ours(path: str) -> bool:
    """Whether nobody but root, or this user, could put another file in the place of this one: no directory above it is somebody else's.

    In a directory with the sticky bit others may make files, and not touch ours: it is fine above the last one.
    """
    folder = os.path.dirname(path)
    if not os.path.isabs(path) or os.path.normpath(path) != path or os.path.islink(path):
        return False
    try:
        last = os.stat(folder)
        found = [last]
        while folder != "/":
            folder = os.path.dirname(os.path.realpath(folder))
            found.append(os.stat(folder))
    except OSError:
        return False
    return all(
        one.st_uid in (0, os.geteuid())
        and (not one.st_mode & _OTHERS_WRITE or (one is not last and one.st_mode & stat.S_ISVTX))
        for one in found
    )
