# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a guest that is a plain process was taken over by systemd (adoption.py), by its cgroup."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, systemd
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervision import scope_of

RECORD = "scope.json"  # in the trusted directory: C({"seconds": what the guest has to shut down}), written when all of it is done


def helper_of(name: str) -> str:
    """The service that asks the guest in a scope to shut down."""
    return f"hypervisor-network-guest-{name}-stop.service"


def helped(name: str, transient: str = systemd.TRANSIENT) -> bool:
    """Whether that service is there."""
    return os.path.lexists(os.path.join(transient, helper_of(name)))


def is_within(pid: int, name: str, proc: str = procfs.PROC) -> bool:
    """Whether a process is in the scope of that guest."""
    paths = procfs.text(procfs.Process(pid, proc).read("cgroup")).splitlines()
    return any(path.endswith(f"/{scope_of(name)}") for path in paths)


def scope(
    pid: int,
    name: str,
    record: Mapping[str, Any] | None,
    transient: str = systemd.TRANSIENT,
) -> str | None:
    """The scope that a guest runs in, None where it was not taken over, or not with all that belongs to that."""
    whole = record is not None and helped(name, transient) and is_within(pid, name)
    return scope_of(name) if whole else None
