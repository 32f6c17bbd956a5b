# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to write a file whole or not at all, also when the plug is pulled or the disk is full.

It is written beside, fsynced, renamed into its place, and the directory fsynced. The umask of whoever called has no say in its mode.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from typing import Callable

# Neither a shell pattern '*' nor ifupdown's source-directory takes a name that begins with a dot.
STAGED = ".hypervisor-network-"
PRIVATE = 0o600


def write(
    path: str,
    content: bytes,
    mode: int = PRIVATE,
    like: str | None = None,
    lasting: bool = True,
) -> None:
    """Put C(content) in the place of a file, which keeps its mode and owner; a new one gets C(mode), or those of the file C(like).

    What is not C(lasting) is of this boot alone, and no disk is waited for. A symbolic link in that place is replaced, not followed. Raises OSError; then
    nothing is changed.
    """
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        name = os.path.basename(path)
        model = _regular(name, directory) or (None if like is None else _regular(like))

        def finish(descriptor: int) -> None:
            if model is not None and os.geteuid() == 0:
                os.fchown(descriptor, model.st_uid, model.st_gid)
            os.fchmod(descriptor, mode if model is None else stat.S_IMODE(model.st_mode))

        put(stage(directory, content, finish, lasting), name, directory, lasting)
    finally:
        os.close(directory)


def stage(
    directory: int, content: bytes, finish: Callable[[int], None], lasting: bool = True
) -> str:
    """Write a file beside those of an open directory, have C(finish) give it its mode, and return its name: all of it is on the disk, if C(lasting)."""
    name = f"{STAGED}{secrets.token_hex(8)}"
    descriptor = os.open(
        name,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
        PRIVATE,
        dir_fd=directory,
    )
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            finish(descriptor)
            if lasting:
                os.fsync(descriptor)
    except BaseException:
        discard(name, directory)
        raise
    return name


def put(staged: str, name: str, directory: int, lasting: bool = True) -> None:
    """Rename what was staged into its place, for good if C(lasting)."""
    try:
        os.rename(staged, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        discard(staged, directory)
        raise
    if lasting:
        os.fsync(directory)


def discard(staged: str, directory: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(staged, dir_fd=directory)


def sweep(directory: int) -> None:
    """Remove what runs that were killed left behind; the caller has a lock that says that none is under way."""
    for name in os.listdir(directory):
        if name.startswith(STAGED):
            discard(name, directory)


def _regular(path: str, directory: int | None = None) -> os.stat_result | None:
    try:
        found = os.stat(path, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None
