# SPDX-License-Identifier: GPL-3.0-or-later
"""Sleep until something in a directory changes, instead of looking again and again. Source: inotify(7)."""

from __future__ import annotations

import ctypes
import os
import select

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

_IN_CLOEXEC, _IN_NONBLOCK = 0o2000000, 0o4000
# written to, moved from and to, made
_EVENTS = 0x2 | 0x40 | 0x80 | 0x100
_LIBC = ctypes.CDLL(None, use_errno=True)


class Watch:
    """A look at one directory, also a context that ends it. Raises Refused where the kernel gives none."""

    def __init__(self, folder: str) -> None:
        self._descriptor = _LIBC.inotify_init1(_IN_CLOEXEC | _IN_NONBLOCK)
        failed = self._descriptor < 0
        if failed or _LIBC.inotify_add_watch(self._descriptor, os.fsencode(folder), _EVENTS) < 0:
            reason = os.strerror(ctypes.get_errno())
            self.close()
            raise Refused(
                f"{folder} cannot be watched: {reason}; look at the sysctls fs.inotify and at the limits of open files."
            )

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def wait(self, seconds: float, *others: int) -> list[int]:
        """Sleep until something changed there, or with one of these descriptors, for so many seconds at most; those of C(others) that it happened to."""
        ready = select.select([self._descriptor, *others], [], [], max(0.0, seconds))[0]
        if self._descriptor in ready:
            os.read(self._descriptor, 64 * 1024)
        return [one for one in others if one in ready]
