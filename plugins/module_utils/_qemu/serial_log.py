# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's serial line in a file that cannot fill the disk, whatever the guest prints.

QEMU appends for ever, and may start no program, so it gets a pipe; a process of ours at the other end writes the file, and ends with QEMU.
"""

from __future__ import annotations

import os
import stat
from typing import Callable

LIMIT = 16 * 2**20  # bytes; the former file is kept beside it, so twice that in all
_CHUNK = 64 * 1024


def keep(source: int, path: str, limit: int, ready: Callable[[], None]) -> None:
    """Append what comes from the descriptor C(source) to C(path), until its end.

    A plain file that would pass C(limit) bytes becomes C(path).1, or is emptied where the directory is not the user's to write to.
    C(ready) is called once the file is open. Raises OSError where it cannot be.
    """
    log = _opened(path)
    ready()
    capped = stat.S_ISREG(os.fstat(log).st_mode)
    while True:
        said = os.read(source, _CHUNK)
        if not said:
            return
        try:
            if capped and os.fstat(log).st_size + len(said) > limit:
                log = _begun_anew(log, path)
            os.write(log, said)
        except OSError:
            # a disk that others have filled: what is said now is lost, and the guest not held up
            pass


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o600)


def _begun_anew(log: int, path: str) -> int:
    try:
        os.rename(path, f"{path}.1")
        new = _opened(path)
    except OSError:
        os.ftruncate(log, 0)
        return log
    os.close(log)
    return new
