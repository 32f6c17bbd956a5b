# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host has of its guests: read from their run directories, /proc and QMP, and nothing is changed."""

from __future__ import annotations

import os

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import kept, rundir
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import plan as guest_plan
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import connect_any

DEADLINE = 4.0  # for both monitors together: a stopped guest is reported within 5 s
_OUT_OF_MEMORY = "out of memory: the kernel killed it"


class Status:
    """Reads the guests below one run directory; C(kept_root) is where they have what outlives a boot."""

    def __init__(
        self, root: str = rundir.ROOT, deadline: float = DEADLINE, kept_root: str = kept.ROOT
    ) -> None:
        self._root = root
        self._deadline = deadline
        self._kept_root = kept_root

    def names(self) -> list[str]:
        return rundir.names(self._root)

    def directory(self, name: str) -> rundir.RunDirectory:
        return rundir.RunDirectory(name, self._root)

    def kept(self, name: str) -> kept.Kept:
        return kept.Kept(name, self._kept_root)

    def read(self, name: str) -> guest_plan.Guest:
        """What the host has of a guest; at most 5 s, whatever QEMU does."""
        directory = self.directory(name)
        record = directory.load("guest.json")
        beside = self.kept(name)
        own = {"kept": beside.exists, "seeds": frozenset(beside.known(kept.SEED))}
        if record is None:
            return guest_plan.Guest(name, **own)
        own |= {
            "spec": record["spec"],
            "accel": record.get("accel"),
            "accel_reason": record.get("accel_reason"),
        }
        who = process_of(directory)
        if who is None:
            return guest_plan.Guest(name, guest_plan.STOPPED, **own)
        if not who.alive:
            crashed = who.boot_id == procfs.boot_id() and os.path.lexists(directory.pidfile)
            if not crashed:
                return guest_plan.Guest(name, guest_plan.STOPPED, **own)
            return guest_plan.Guest(
                name,
                guest_plan.CRASHED,
                crash_reason=_OUT_OF_MEMORY if processes.killed_for_memory(who) else None,
                **own,
            )
        try:
            with connect_any(directory.sockets, self._deadline) as qmp:
                status = qmp.execute("query-status")["status"]
        except HypervisorNetworkError:
            # it may have ended while it was asked
            status = guest_plan.UNRESPONSIVE if who.alive else guest_plan.STOPPED
        return guest_plan.Guest(name, status, pid=who.pid, since=who.since, **own)


def process_of(directory: rundir.RunDirectory) -> procfs.Identity | None:
    """Who runs a guest, by its record; None where it has none."""
    record = directory.load("process.json")
    return (
        None
        if record is None
        else procfs.Identity(record["pid"], record["start_time"], record["boot_id"])
    )
