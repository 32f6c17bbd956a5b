# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the monitor of a guest that was started answers: by what happens in its directory, never by looking again and again."""

from __future__ import annotations

import os
import time

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._host.inotify import Watch
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp


def unanswered(path: str, who: procfs.Identity, seconds: float) -> str | None:
    """Why no command is answered at that socket within C(seconds), or before C(who), its process, ends. None as soon as one is, once the machine is complete.

    In a unit QEMU makes it itself: it has a name before anybody listens there, and listening is no event. But QEMU makes its sockets one after the
    other, so the name of the next one tells that the first listens. Raises Refused where the directory of a process that lives cannot be watched.
    """
    deadline = time.monotonic() + seconds
    process = procfs.pidfd(who)
    if process is None:
        return "it has ended"
    try:
        with Watch(os.path.dirname(path)) as watch:
            while True:
                try:
                    Qmp(path, max(0.1, deadline - time.monotonic())).close()
                    return None
                except (DeadlineExceeded, GuestError) as error:
                    why = str(error)
                left = deadline - time.monotonic()
                if left <= 0 or watch.wait(left, process):
                    return why
    except Refused:
        if procfs.ended(process, 0):
            return "it has ended"
        raise
    finally:
        os.close(process)
