# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a guest's serial line says something, by its log.

The log is the guest's word and its user's file: it is read as bytes from outside, line by line, and no line of it is longer than one that a
search may take long over.
"""

from __future__ import annotations

import os
import re
import stat
import time

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._host.inotify import Watch

_LONGEST_LINE = 2000
_TAIL = 300
_CHUNK = 64 * 1024
# What a terminal takes for colours and places of the cursor (ECMA-48), which firmware writes between letters
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")


class SerialLog:
    """The log of a guest from this moment on: make it before the start."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = _opened(path)
        self._at = 0 if self._file is None else os.fstat(self._file).st_size
        self._line = ""
        self._said = ""

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def wait_for(
        self, name: str, pattern: str, seconds: float, pid: int, asked: float | None = None
    ) -> None:
        """Return once a line has C(pattern) in it. C(name) and C(pid) are the guest's and its process's, which may end.

        C(asked) are the seconds that the user gave, of which C(seconds) are left.

        Raises DeadlineExceeded, GuestError, with the end of what was said.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + seconds
        with Watch(os.path.dirname(self._path)) as watch:
            who = procfs.Process(pid).identity()
            process = None if who is None else procfs.pidfd(who)
            if process is None:
                raise self._ended(name, pattern)
            try:
                while True:
                    ended = bool(watch.wait(0, process))
                    if self._found(wanted):
                        return
                    if ended:
                        raise self._ended(name, pattern)
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise DeadlineExceeded(
                            f"{name} runs, but its serial line did not say {pattern!r} within {seconds if asked is None else asked:g} s; "
                            f"it {self.last_words()}; wait longer with wait_timeout, or look into the guest."
                        )
                    watch.wait(left, process)
            finally:
                os.close(process)

    def _ended(self, name: str, pattern: str) -> GuestError:
        return GuestError(
            f"{name} ended before its serial line said {pattern!r}; it {self.last_words()}; look why it does not stay."
        )

    def last_words(self) -> str:
        """What it ended with by now, as the end of a sentence about it."""
        while True:
            said = self._read()
            if not said:
                break
            self._keep(said.decode("utf-8", "replace"))
        plain = _ESCAPES.sub("", self._said)
        said_last = " ".join("".join(c if c.isprintable() else " " for c in plain).split())
        return f"ended with: {said_last[-_TAIL:]}" if said_last else "said nothing at all"

    def _keep(self, text: str) -> None:
        self._said = (self._said + text)[-4 * _TAIL :]

    def _found(self, wanted: re.Pattern[str]) -> bool:
        """Whether something new has it. Also what is no whole line yet: a prompt never is."""
        while True:
            said = self._read()
            if not said:
                return False
            text = said.decode("utf-8", "replace")
            self._keep(text)
            lines = (self._line + text).splitlines() or [""]
            if any(wanted.search(_ESCAPES.sub("", line[-_LONGEST_LINE:])) for line in lines):
                return True
            self._line = "" if text.endswith("\n") else lines[-1][-_LONGEST_LINE:]

    def _read(self) -> bytes:
        """What is new in the file, or in the one that is in its place by now."""
        for _again in range(2):
            if self._file is not None:
                size = os.fstat(self._file).st_size
                if size < self._at:  # emptied where it could not be renamed
                    self._at = 0
                said = os.pread(self._file, _CHUNK, self._at)
                self._at += len(said)
                if said:
                    return said
            newer = _opened(self._path)
            if newer is None:
                return b""
            if self._file is not None and os.path.samestat(os.fstat(newer), os.fstat(self._file)):
                os.close(newer)
                return b""
            self.close()
            self._file, self._at = newer, 0
        return b""


def _opened(path: str) -> int | None:
    """The log, None where there is none yet, or something else in its place."""
    try:
        found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        return None
    return found
