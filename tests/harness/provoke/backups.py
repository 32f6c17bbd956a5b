# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of backups: what is at the target and in QEMU, in few words."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._backup import plan, spec
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import (
    Backup,
    File,
    Manifest,
    bitmap,
)

from .stage import Stage, scene

TARGET, BASE, OTHER = "/srv/backups", "/d.qcow2", "/e.qcow2"


def checked(**options: Any) -> spec.Wish:
    given = {
        "guest": "vm1", "target": TARGET, "name": "new", "state": "present", "mode": "incremental", "format": "qcow2", "rate": None,
        "quiesce": False, "keep": None, **options,
    }  # fmt: skip
    return spec.checked(given, "20260101T030000Z", "f00", given.pop("netns", None))


def made(name: str, base: str | None = None, *, complete: bool = True, tracked: bool = True, paths: Sequence[str] = (BASE,)) -> Backup:  # fmt: skip
    """A backup whose bitmaps have its name in theirs."""
    files = {
        path: File(f"{name}/disk{number}.qcow2", "qcow2", 100, 10, "0" * 64, tracked)
        for number, path in enumerate(paths)
    }
    mode = "full" if base is None else "incremental"
    return Backup(name, name, mode, base, 1.0, complete=complete, files=files)


def disk(path: str = BASE, since: str | None = None, good: bool = True, form: str = "qcow2") -> plan.Disk:  # fmt: skip
    """A disk, whose bitmap says what was written C(since) a backup."""
    state = plan.GOOD if good else plan.INCONSISTENT
    bitmaps = {} if since is None else {bitmap(TARGET, since): state}
    return plan.Disk(path, path, form, 100, bitmaps)


@scene
def backups(
    stage: Stage,
    typed: Mapping[str, Any],
    status: str = "running",
    disks: int = 1,
    backups: Sequence[Mapping[str, Any]] = (),
    there: bool = True,
) -> Any:
    """What qemu_backup says to what is C(typed)."""
    wish = checked(**typed)
    found = tuple(disk(path) for path in (BASE, OTHER)[:disks])
    manifest = Manifest(tuple(made(**one) for one in backups))
    return plan.plan(plan.Now("vm1", status, found, manifest, there=there), wish)
