# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a guest as a noun for the one loop. A backup is in the manifest, as not complete, before its first byte is written."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._backup import (
    allocated,
    checks,
    files,
    live,
    plan,
    read,
)
from ansible_collections.hypervisor.network.plugins.module_utils._backup.files import Folder
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import (
    Backup,
    Manifest,
    bitmap,
    bitmaps_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._backup.spec import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HungUp,
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Outcome,
    Plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import monitor
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import (
    checks as image_checks,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import (
    live as drives,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.access import Access

PROGRESS = "backup.json"  # in the trusted directory: how far a backup has come


class BackupNoun:
    """See C(_core/reconcile.Noun)."""

    def __init__(self, wish: Wish, status: Status | None = None) -> None:
        self.wish = wish
        self._access = Access(wish.guest, status)
        self._folder = Folder(wish.target, wish.guest)
        self.jobs: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def read(self) -> plan.Now:
        return read.read(self._access.status, self.wish)

    def plan(self, now: plan.Now, wish: Wish) -> Plan:
        return plan.plan(now, wish)

    def prepare(self, before: plan.Now) -> None:
        """Refuse what a run would, in check mode too."""
        creates = any(one.action == "create" for one in plan.plan(before, self.wish))
        if creates and self.wish.quiesce and not before.down:
            self._access.check_agent()

    def wish_back(self, before: plan.Now, changes: Plan) -> Wish | None:
        return plan.wish_back(self.wish, changes)

    def apply(self, changes: Plan, now: plan.Now) -> None:
        with self._access.directory.busy():
            for change in changes:
                with _told(change):
                    getattr(self, f"_{change.action}_{change.kind}")(change)

    def _create_backup(self, change: Change) -> None:
        made: Backup = replace(change.payload, seconds=time.time())
        self._folder.make(made.name)
        self._store(self._manifest().with_backup(made))
        base = self._manifest().backup(made.base)
        below = {path: self._below(base, path) for path in made.files}
        for path, file in made.files.items():
            files.create(self._folder.file(file.file), file.format, file.size, *below[path])
        with self._access.monitor() as asked:
            if asked is None:
                self._convert(made)
            else:
                made = self._write(asked, made, base)
        sealed = {}
        for path, file in made.files.items():
            target = self._folder.file(file.file)
            size, digest = files.sealed(target, file.format, *below[path])
            sealed[path] = replace(file, bytes=size, sha256=digest)
        self._store(self._manifest().with_backup(replace(made, files=sealed, complete=True)))
        self._forget_bitmaps(made.ident)

    @staticmethod
    def _below(base: Backup | None, path: str) -> tuple[str | None, str | None]:
        """The file below another one, as that names it so that both can be moved together, and its format."""
        if base is None:
            return None, None
        return os.path.join("..", base.files[path].file), base.files[path].format

    def _convert(self, made: Backup) -> None:
        images = self._access.images()
        for path, file in made.files.items():
            begin = time.monotonic()
            target = self._folder.file(file.file)
            files.convert(images.top(path), target, file.format, self.wish.rate, images.user)
            self.jobs.append(
                monitor.Done(
                    f"convert {path}", round(time.monotonic() - begin, 2), file.size
                ).as_dict()  # fmt: skip
            )

    def _write(self, asked: monitor.Monitor, made: Backup, base: Backup | None) -> Backup:
        live.clear(asked)
        there = drives.writable(asked.drives())
        images = self._access.images()
        own = {path: {layer.path for layer in images.own(path)} for path in images.disks}
        by_path = {read.path_of(drive, own): drive for drive in there}
        parts = []
        for path, file in made.files.items():
            drive = image_checks.plugged(path, by_path.get(path))
            new = bitmap(self.wish.target, made.ident) if file.tracked else None
            since = None if base is None else bitmap(self.wish.target, base.ident)
            parts.append(live.Part(drive, self._folder.file(file.file), file.format, new, since))
        freeze = self._access.freeze if self.wish.quiesce else nullcontext
        public = self._access.directory.public
        place = allocated.Place(public, images.user, self._folder.file(made.name))
        try:
            done, note = live.write(asked, parts, self.wish.rate, place, freeze, self._progress)
        finally:
            self._access.directory.drop(PROGRESS)
        self.jobs += [job.as_dict() for job in done]
        if note is None:
            return made
        self.notes.append(checks.not_still(made.name, note))
        return replace(made, consistency=plan.CRASH, note=note)

    def _progress(self, at: int, total: int) -> None:
        self._access.directory.store(
            PROGRESS, {"name": self.wish.name, "bytes": at, "total": total}
        )

    def _forget_bitmaps(self, ident: str) -> None:
        """This target needs the bitmaps of its last backup only."""
        wanted, own = bitmap(self.wish.target, ident), bitmaps_of(self.wish.target)
        with self._access.monitor() as asked:
            if asked is not None:
                live.forget(asked, drives.writable(asked.drives()), lambda name: name.startswith(own) and name != wanted)  # fmt: skip

    def _discard_backup(self, change: Change) -> None:
        """What was begun, and is not complete."""
        made: Backup = change.payload
        with self._access.monitor() as asked:
            if asked is not None:
                live.clear(asked)
                unwanted = bitmap(self.wish.target, made.ident)
                live.forget(asked, drives.writable(asked.drives()), lambda name: name == unwanted)
        self._remove_backup(change)

    def _remove_backup(self, change: Change) -> None:
        made: Backup = change.payload
        if made.complete:  # what is written here may be more than a full disk takes
            self._store(self._manifest().with_backup(replace(made, complete=False)))
        self._folder.remove(made.name)
        self._store(self._manifest().without(made.name))

    def _release_guest(self, change: Change) -> None:
        """A run was killed while it held the guest's file systems still."""
        self.notes += self._access.thaw()

    def _manifest(self) -> Manifest:
        return self._folder.load()

    def _store(self, manifest: Manifest) -> None:
        self._folder.store(manifest, self.wish.guest)


@contextmanager
def _told(change: Change) -> Iterator[None]:
    """A full disk at the target is as good a reason to stop as any other."""
    try:
        yield
    except (HypervisorNetworkError, OSError) as error:
        known = isinstance(error, HypervisorNetworkError)
        text = str(error) if known else f"The host cannot do it: {error}."
        checks.failed(text, isinstance(error, HungUp))


def described(noun: BackupNoun, wish: Wish, outcome: Outcome) -> list[dict[str, Any] | None]:
    """The wished backup after an outcome, None where there is none; in check mode as the plan foretells it."""
    return [next((one for one in every(wish, outcome) if one["name"] == wish.name), None)]


def every(wish: Wish, outcome: Outcome) -> list[dict[str, Any]]:
    """All backups of the guest at the target after an outcome."""
    foretold = outcome.changes if outcome.after is outcome.before else ()
    return plan.described(outcome.after, Folder(wish.target, wish.guest).path, foretold)
