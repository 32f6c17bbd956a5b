# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the monitor of a guest that was started answers: by what happens in its directory, never by looking again and again."""

from __future__ import annotations

import os
import time

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._host.inotify import Watch
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp


def wait_until_answered(path: str, who: procfs.Identity, seconds: float) -> None:
    """Return once a command is answered at that socket: QEMU greets early, but runs one only when the machine is complete. C(who) is its process.

    QEMU makes the socket itself in a unit: it has a name before anybody listens there, and listening makes no event. But QEMU makes its sockets one
    after the other, so the name of the next one tells that the first listens.

    Raises GuestError where that process has ended, DeadlineExceeded after so many C(seconds), Refused where the directory cannot be watched.
    """
    deadline = time.monotonic() + seconds
    process = procfs.pidfd(who)
    if process is None:
        raise GuestError(f"Nobody answers at {path}: the process {who.pid} has ended.")
    try:
        with Watch(os.path.dirname(path)) as watch:
            while True:
                try:
                    Qmp(path, max(0.1, deadline - time.monotonic())).close()
                    return
                except GuestError as error:
                    why = error
                left = deadline - time.monotonic()
                if left <= 0:
                    raise DeadlineExceeded(str(why))
                if watch.wait(left, process):
                    raise why
    finally:
        os.close(process)
