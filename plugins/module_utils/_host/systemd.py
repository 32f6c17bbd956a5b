# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit of its own for processes that outlive the session which started them: where systemd runs, what ends a session ends all in it."""

from __future__ import annotations

import os
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host import programs

_SECONDS = 10
_PROPERTIES = (
    "Slice",
    "s",
    "system.slice",
    "TimeoutStopUSec",
    "t",
    "2000000",
    "CollectMode",
    "s",
    "inactive-or-failed",
)
# Since systemd 253 a scope is stopped, all of it, when the kernel takes one of its processes for want of memory; older ones know no policy for scopes
_OOM_POLICY = ("OOMPolicy", "s", "continue")


def enter(
    name: str, pids: Sequence[int], systemd: str = "/run/systemd/system", busctl: str | None = None
) -> None:
    """Move processes into the scope of that name, out of a session that may be cleaned up (KillUserProcesses=yes).

    Where systemd does not run, or does not answer, they stay where they are.
    """
    program = busctl or programs.path_of("busctl")
    if program is None or not os.path.isdir(systemd):
        return
    manager = (
        "org.freedesktop.systemd1",
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
        "StartTransientUnit",
    )
    listed = [str(len(pids)), *(str(pid) for pid in pids)]
    for count, policy in (("5", _OOM_POLICY), ("4", ())):
        properties = [count, "PIDs", "au", *listed, *_PROPERTIES, *policy]
        command = [
            program,
            "--quiet",
            "call",
            *manager,
            "ssa(sv)a(sa(sv))",
            f"{name}.scope",
            "fail",
            *properties,
            "0",
        ]
        try:
            if programs.run(command, _SECONDS).status == 0:
                return
        except OSError:
            return
