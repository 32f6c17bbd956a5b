# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's serial line in a file that cannot fill the disk, whatever the guest prints.

QEMU appends for ever, and may start no program, so it gets a pipe; a process of ours at the other end writes the file, and ends with QEMU.

In a unit of systemd this file is a program of its own, which needs Python alone: ``serial_log.py PATH DESCRIPTOR PROGRAM WORDS...`` begins such a
writer and becomes the program, which has the pipe as that descriptor.
"""

from __future__ import annotations

import os
import stat
import sys
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


def become(path: str, descriptor: int, words: list[str]) -> None:
    """Have what this process will say to C(descriptor) written to C(path), and execute a program in it. Raises OSError."""
    reader, writer = os.pipe()
    told, tell = os.pipe()
    if os.fork() == 0:
        os.close(writer)
        os.close(told)
        try:
            keep(reader, path, LIMIT, lambda: os.close(tell))
        except OSError as error:
            os.write(tell, str(error).encode())
        os._exit(0)
    os.close(reader)
    os.close(tell)
    complaint = os.read(told, 4096)
    if complaint:
        raise OSError(f"the serial_log cannot be written: {complaint.decode(errors='replace')}")
    os.close(told)
    os.dup2(writer, descriptor, inheritable=True)
    if writer != descriptor:
        os.close(writer)
    os.execv(words[0], words)


if __name__ == "__main__":
    try:
        become(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
    except OSError as fault:
        raise SystemExit(str(fault)) from None
