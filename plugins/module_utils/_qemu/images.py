# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk images: what one is, and making one where it is missing.

A raw image is never recognised by looking: whoever writes to a raw disk could write a qcow2 header that names any file of
the host as its backing file, and have it served on the next start.
"""

from __future__ import annotations

import os
import stat
import subprocess
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs

_QCOW2 = b"QFI\xfb"
_CREATE_DEADLINE = 300.0


def exists(path: str) -> bool:
    """Whether there is something at this path, be it a broken link."""
    return os.path.lexists(path)


def check(path: str, what: str) -> None:
    """Raise Refused unless there is a regular file, under that very name: devices and links are somebody else's files."""
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        raise Refused(f"The {what} {path} cannot be used: {error.strerror}.") from None
    if stat.S_ISLNK(mode):
        raise Refused(f"The {what} {path} is a symbolic link; name the file itself.")
    if not stat.S_ISREG(mode):
        raise Refused(f"The {what} {path} is no regular file; name an image file.")


def format_of(path: str) -> str:
    """The format of an image nobody named one for: qcow2 by its header. Raises Refused for anything else."""
    check(path, "disk image")
    if _begins_qcow2(path):
        return "qcow2"
    raise Refused(
        f"The disk image {path} has no qcow2 header, and raw is not guessed; if it is a raw image, say format: raw."
    )


def create(recipe: Mapping[str, Any], uid: int, gid: int) -> None:
    """Make an image with qemu-img. C(recipe): path, format, size in bytes or None, backing_file or None."""
    program = programs.path_of("qemu-img")
    if program is None:
        raise MissingDependency(
            "The program qemu-img is missing; install it with 'apt-get install qemu-utils'."
        )
    path, backing = recipe["path"], recipe["backing_file"]
    if not os.path.isdir(os.path.dirname(path)):
        raise Refused(
            f"There is no directory {os.path.dirname(path)} for the disk image {path}; make it first."
        )
    words = [program, "create", "-q", "-f", recipe["format"]]
    if backing is not None:
        check(backing, "backing file")
        words += ["-b", backing, "-F", "qcow2" if _begins_qcow2(backing) else "raw"]
    words.append(path)
    if recipe["size"] is not None:
        words.append(str(recipe["size"]))
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_CREATE_DEADLINE,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise GuestError(f"qemu-img cannot make {path}: {done.stderr}")
        os.fchown(descriptor, uid, gid)
    except BaseException:
        remove(path)
        raise
    finally:
        os.close(descriptor)


def remove(path: str) -> None:
    """Remove an image that this run made."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _begins_qcow2(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_QCOW2)) == _QCOW2
