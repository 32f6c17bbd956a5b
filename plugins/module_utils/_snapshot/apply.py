# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a guest as a noun for the one loop. Each step is on record before it begins, so that the next run can go on."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any, Callable, Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Outcome,
    Plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    chain as chain_model,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    chains,
    devices,
    monitor,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import Chain, Entry
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import (
    checks,
    live,
    model,
    plan,
    read,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.access import Access
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.offline import (
    keep,
    layers_of,
    overlay_path,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.spec import Wish

PROGRESS = "snapshot.json"  # in the trusted directory: how far a merge has come


class SnapshotNoun:
    """See C(_core/reconcile.Noun). C(refresh) writes the unit of the guest again, if it is one, once its disks have other images."""

    def __init__(
        self,
        wish: Wish,
        status: Status | None = None,
        refresh: Callable[[str], None] = lambda _guest: None,
    ) -> None:
        self._wish = wish
        self._refresh = refresh
        self._access = Access(wish.guest, status)
        self._loaded: str | None = None
        self.jobs: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def read(self) -> model.Now:
        return read.read(self._access.status, self._wish, self._loaded)

    def plan(self, now: model.Now, wish: Wish) -> Plan:
        return plan.plan(now, wish)

    def prepare(self, before: model.Now) -> None:
        """Refuse what a run would, in check mode too."""
        creates = any(one.action == "create" for one in plan.plan(before, self._wish))
        if creates and self._wish.quiesce and not before.down:
            self._access.check_agent()

    def wish_back(self, before: model.Now, changes: Plan) -> Wish | None:
        return plan.wish_back(self._wish, changes)

    def apply(self, changes: Plan, now: model.Now) -> None:
        with self._access.directory.busy():
            try:
                for change in changes:
                    with _told(change):
                        getattr(self, f"_{change.action}_{change.kind}")(change)
            except BaseException:
                with suppress(HypervisorNetworkError, OSError):
                    self._refresh(self._wish.guest)
                raise
            # what systemd starts at the next boot are the images that are on top now
            self._refresh(self._wish.guest)

    def _create_snapshot(self, change: Change) -> None:
        entry: Entry = replace(change.payload, seconds=time.time())
        self._store(self._chain().with_entry(entry))
        internal = entry.kind == chain_model.INTERNAL
        entry = self._save(entry) if internal else self._overlay(entry)
        self._store(self._chain().with_entry(entry.now(chain_model.PRESENT)))

    def _save(self, entry: Entry) -> Entry:
        with self._access.monitor() as asked:
            if asked is None:
                images = self._access.images()
                for path in entry.disks.values():
                    images.offline.save(path, entry.name)
                    keep(path)
                return entry
            drives = live.writable(asked.drives())
            self._told(live.forget(asked, entry.name, drives))
            self._told(live.save(asked, entry.name, drives))
            return replace(entry, seconds=time.time())

    def _overlay(self, entry: Entry) -> Entry:
        images = self._access.images()
        below = {path: images.top(path) for path in entry.disks}
        for path, overlay in entry.disks.items():
            images.offline.overlay(overlay, below[path])
        self._store(self._chain().with_entry(entry.now(chain_model.PENDING)))
        with self._access.monitor() as asked:
            if asked is None:
                return entry
            drives = asked.drives()
            overlays = {}
            for path, overlay in entry.disks.items():
                files = [layer.path for layer in layers_of(below[path])]
                drive = live.drive_of(drives, files[:1])
                how = devices.caching(images.disks.get(path, {}))
                overlays[overlay] = checks.plugged(path, drive), how
            note = live.overlay(asked, overlays, self._access.freeze if self._wish.quiesce else nullcontext)  # fmt: skip
            if note is None:
                return replace(entry, seconds=time.time())
            self.notes.append(not_still(entry.name, note))
            return replace(entry, seconds=time.time(), consistency=plan.CRASH, note=note)

    def _complete_snapshot(self, change: Change) -> None:
        """QEMU writes to the overlays already; only the record does not say so."""
        self._store(self._chain().with_entry(change.payload.now(chain_model.PRESENT)))

    def _discard_snapshot(self, change: Change) -> None:
        """What was begun, and nobody uses."""
        entry: Entry = change.payload
        # a start must not look for what is removed now
        self._store(self._chain().with_entry(entry.now(chain_model.MAKING)))
        if entry.kind == chain_model.INTERNAL:
            self._forget(entry)
        else:
            with self._access.monitor() as asked:
                for overlay in entry.disks.values():
                    if asked is not None:
                        asked.forget_node(overlay)
                    self._access.images().offline.remove(overlay)
        self._store(self._chain().without(entry.name))

    def _delete_snapshot(self, change: Change) -> None:
        entry: Entry = change.payload
        self._store(self._chain().with_entry(entry.now(chain_model.DELETING)))
        if entry.kind == chain_model.INTERNAL:
            self._forget(entry)
            self._store(self._chain().without(entry.name))
            return
        for path in self._merged_first(entry):
            self._merge(entry.name, path, entry.disks[path])
        for path in self._chain().garbage:
            self._remove_garbage(path)

    def _merged_first(self, entry: Entry) -> list[str]:
        """The disks of a snapshot, those first whose overlay QEMU has let go of, for a run that was killed before that was on record."""
        with self._access.monitor() as asked:
            drives = [] if asked is None else asked.drives()
        used = {file for drive in drives for file in drive.files}
        return sorted(entry.disks, key=lambda path: entry.disks[path] in used)

    def _forget(self, entry: Entry) -> None:
        with self._access.monitor() as asked:
            if asked is not None:
                self._told(live.forget(asked, entry.name, live.writable(asked.drives())))
                return
            images = self._access.images()
            for path in entry.disks.values():
                if any(one.name == entry.name for one in images.offline.tables(path).snapshots):
                    images.offline.forget(path, entry.name)

    def _merge(self, name: str, path: str, overlay: str) -> None:
        images = self._access.images()
        layers = layers_of(images.top(path))
        number = [layer.path for layer in layers].index(overlay)

        def recorded() -> None:
            self._store(self._chain().merged(name, path))

        def came(at: int, total: int) -> None:
            where = {"name": name, "disk": path, "bytes": at, "total": total}
            self._access.directory.store(PROGRESS, where)

        with self._access.monitor() as asked:
            drive = None
            if asked is not None:
                asked.dismiss_ended()
                drive = live.drive_of(asked.drives(), [layer.path for layer in layers])
            if asked is None or drive is None:
                images.offline.merge(layers[number], layers[number - 1] if number else None)
                recorded()
            elif overlay not in drive.files:
                recorded()  # a run was killed right after QEMU had let go of it
            else:
                # all that QEMU has let go of is on record: a guest that a killed run holds need not be held while more is merged
                self._access.resume()
                try:
                    done = live.merge(
                        asked, drive, layers[number], recorded, self._access.pause, came
                    )
                finally:
                    self._access.directory.drop(PROGRESS)
                self._told(done)

    def _remove_file(self, change: Change) -> None:
        self._remove_garbage(change.name)

    def _remove_garbage(self, path: str) -> None:
        with self._access.monitor() as asked:
            if asked is not None:
                asked.forget_node(path)
        self._access.images().offline.remove(path)
        chain = self._chain()
        self._store(replace(chain, garbage=tuple(one for one in chain.garbage if one != path)))

    def _revert_snapshot(self, change: Change) -> None:
        entry: Entry = change.payload
        with self._access.monitor() as asked:
            if asked is not None:
                self._told(live.load(asked, entry.name, live.writable(asked.drives())))
                self._loaded = entry.name
                return
        before = self._chain()
        self._store(before.with_entry(entry.now(chain_model.REVERTING)))
        images = self._access.images()
        for image in entry.disks.values():
            if entry.kind == chain_model.INTERNAL:
                images.offline.go_back(image, entry.name)
                keep(image)
                continue
            below = images.look.image(image, "qcow2", False).backing
            if below is not None:
                images.offline.overlay_anew(image, below, overlay_path(image, "new"))
        known = before.entry(entry.name) is not None
        chain = self._chain()
        self._store(
            chain.with_entry(entry.now(chain_model.PRESENT)) if known else chain.without(entry.name)
        )

    def _release_guest(self, change: Change) -> None:
        """A run was killed while it held the guest still."""
        self.notes += self._access.thaw()
        self._access.resume()

    def _chain(self) -> Chain:
        return chains.load(self._wish.guest)

    def _store(self, chain: Chain) -> None:
        chains.store(self._wish.guest, chain)

    def _told(self, jobs: list[monitor.Done]) -> None:
        self.jobs += [job.as_dict() for job in jobs]


def not_still(name: str, note: str) -> str:
    return f"The snapshot {name} is not consistent for the guest's file systems, only as after a power cut: {note}"


@contextmanager
def _told(change: Change) -> Iterator[None]:
    """What cannot be taken back says how it goes on; a full disk is as good a reason to stop as any other."""
    try:
        yield
    except (HypervisorNetworkError, OSError) as error:
        known = isinstance(error, HypervisorNetworkError)
        text = str(error) if known else f"The host cannot do it: {error}."
        checks.failed(change.action, text)


def described(noun: SnapshotNoun, wish: Wish, outcome: Outcome) -> list[dict[str, Any] | None]:
    """The wished snapshot after an outcome, None where there is none; in check mode as the plan foretells it."""
    return [next((one for one in every(outcome) if one["name"] == wish.name), None)]


def every(outcome: Outcome) -> list[dict[str, Any]]:
    """All snapshots of the guest after an outcome."""
    foretold = outcome.changes if outcome.after is outcome.before else ()
    return plan.described(outcome.after, foretold)
