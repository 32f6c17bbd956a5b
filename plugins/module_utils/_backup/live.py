# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a guest that runs: one transaction begins them for all disks, so that all are of that moment.

QEMU gets each file as a descriptor, so that nobody but root reaches backups. A new bitmap begins with each, in the same transaction; the one
of the last backup is only read, and goes when this one is done: whatever happens in between, it is as it was.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._backup import allocated, files
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import PREFIX
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import monitor as monitors
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor import (
    Done,
    Drive,
    Monitor,
)

Freeze = Callable[[], AbstractContextManager[Any]]
_JOB = f"{monitors.PREFIX}backup-"
_SLOWEST = 64 * 1024  # bytes a second: less than a cluster a second never ends


@dataclass(frozen=True)
class Part:
    """One disk: C(path) of the file that is written, C(new) the bitmap that begins, C(since) the one that says what to write, all where it is None."""

    drive: Drive
    path: str
    format: str
    new: str | None = None
    since: str | None = None


def write(
    monitor: Monitor,
    parts: Sequence[Part],
    rate: int | None,
    place: allocated.Place,
    freeze: Freeze = nullcontext,
    moved_to: Callable[[int, int], None] = lambda _at, _total: None,
) -> tuple[list[Done], str | None]:
    """Write a backup to its end; returns the jobs, and why the guest's file systems were not held still where that was asked for.

    C(rate) in bytes a second is divided among the disks. C(place) is for what says which parts of them are empty.
    """
    nodes = [f"{PREFIX}{number}" for number, _part in enumerate(parts)]
    actions: list[dict[str, Any]] = []
    jobs = []
    for node, part in zip(nodes, parts):
        _open(monitor, node, part)
        if part.new is not None:
            actions.append(_action("block-dirty-bitmap-add", node=part.drive.node, name=part.new, persistent=True))  # fmt: skip
        what, by = _whole(part.drive), part.since
        if by is None and rate is not None and what["sync"] == "full":
            first = allocated.actions(monitor, part.drive, f"{node}-map", place)
            actions += first
            by = allocated.WHOLE if first else None
        if by is not None:
            what = {"sync": "bitmap", "bitmap": by, "bitmap-mode": "never"}
        if rate is not None:
            what["speed"] = max(_SLOWEST, rate // len(parts))
        jobs.append(f"{_JOB}{len(jobs)}")
        more = {"job-id": jobs[-1], "auto-dismiss": False, **what}
        actions.append(_action("blockdev-backup", device=part.drive.node, target=node, **more))
    with freeze() as held:
        monitor.ask("transaction", actions=actions)
    done = monitor.finish(jobs, moved_to=moved_to)
    clear(monitor)
    return done, getattr(held, "note", None)


def _whole(drive: Drive) -> dict[str, str]:
    """How all of a disk is written. QEMU takes time for what is empty too, as if it were data: 1 TiB with nothing in it, at 100 MiB a second, three hours.

    What the only image of a disk has not allocated is zeros, as it is in the new file; only below an overlay there may be something, and a raw image
    says nothing of that (allocated.py).
    """
    return {"sync": "top" if drive.format == "qcow2" and len(drive.files) == 1 else "full"}


def _open(monitor: Monitor, node: str, part: Part) -> None:
    handed = files.handed(monitor.hand, part.path, os.O_RDWR, node)
    # what it reads from its base is for who restores it: QEMU only writes
    below = {"backing": None} if part.format == "qcow2" else {}
    monitor.ask("blockdev-add", **{"driver": part.format, "node-name": node, **below}, file={"driver": "file", "filename": handed})  # fmt: skip


def _action(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data}


def clear(monitor: Monitor) -> None:
    """End what a backup left in QEMU, whoever began it: jobs, open files, descriptors."""
    monitor.cancel([ident for ident in monitor.jobs() if ident.startswith(_JOB)])
    allocated.clear(monitor)
    forget(monitor, monitor.drives(), lambda name: name in allocated.BITMAPS)
    for one in monitor.ask("query-named-block-nodes", flat=True):
        if str(one["node-name"]).startswith(PREFIX):
            monitor.ask("blockdev-del", **{"node-name": one["node-name"]})
    monitor.take_back(PREFIX)


def forget(monitor: Monitor, drives: Sequence[Drive], unwanted: Callable[[str], bool]) -> None:
    """Remove these bitmaps of ours from all drives, the inconsistent ones too."""
    for drive in drives:
        for bitmap in drive.bitmaps:
            name = str(bitmap.get("name", ""))
            if name.startswith(PREFIX) and unwanted(name):
                with suppress(GuestError):  # it goes with another drive that has the same image
                    monitor.ask("block-dirty-bitmap-remove", node=drive.node, name=name)
