# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard sleeps on: a timer that counts through suspend, and inotify on its directory. Sources: timerfd_create(2), inotify(7)."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

_CLOCK_BOOTTIME, _TFD_CLOEXEC, _IN_CLOEXEC = 7, 0o2000000, 0o2000000
_IN_MOVED = 0x40 | 0x80
libc = ctypes.CDLL(None, use_errno=True)


class Wakers:
    """What the guard sleeps on: a timer on CLOCK_BOOTTIME, and inotify on its directory."""

    def __init__(self, path: str, deadline: float) -> None:
        self._deadline = deadline
        self._timer = libc.timerfd_create(_CLOCK_BOOTTIME, _TFD_CLOEXEC)
        seconds = int(deadline)
        absolute = 1
        spec = struct.pack("=qqqq", 0, 0, seconds, int((deadline - seconds) * 1e9))
        self._inotify = libc.inotify_init1(_IN_CLOEXEC)
        failed = (
            self._timer < 0
            or self._inotify < 0
            or libc.timerfd_settime(self._timer, absolute, spec, None) < 0
        )
        if failed or libc.inotify_add_watch(self._inotify, os.fsencode(path), _IN_MOVED) < 0:
            raise Refused(
                f"The guard cannot watch its deadline and {path}: {os.strerror(ctypes.get_errno())}; look at the sysctls fs.inotify and at the "
                "limits of open files."
            )

    @property
    def expired(self) -> bool:
        return time.clock_gettime(time.CLOCK_BOOTTIME) >= self._deadline

    def wait(self, others: list[int]) -> list[int]:
        """Sleep until something happens; the descriptors of C(others) that it happened to."""
        ready = select.select([self._timer, self._inotify, *others], [], [])[0]
        if self._inotify in ready:
            os.read(self._inotify, 4096)
        return ready
