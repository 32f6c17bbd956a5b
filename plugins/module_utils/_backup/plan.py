# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Backups of a guest: (what is at the target and in QEMU, a wish) -> changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._backup import spec
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import (
    Backup,
    File,
    Manifest,
    bitmap,
)
from ansible_collections.hypervisor.network.plugins.module_utils._backup.spec import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, listed
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    ABSENT,
    DOWN,
    UNRESPONSIVE,
)

KIND = "backup"
STOPPED, CRASH, QUIESCED = "stopped", "crash", "quiesced"
# What a bitmap can be good for
GOOD, INCONSISTENT = "good", "inconsistent"


@dataclass(frozen=True)
class Disk:
    """A drive that is to be backed up. C(top): the image on top; C(bitmaps): those of this collection by name, and what they are good for."""

    path: str
    top: str
    format: str
    size: int
    bitmaps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Now:
    """What was read. C(there): the target is a directory; C(missing): files of the manifest that are not there; C(held): what a run that was
    killed may have left the guest in.
    """

    guest: str
    status: str
    disks: tuple[Disk, ...] = ()
    manifest: Manifest = field(default_factory=Manifest)
    missing: frozenset[str] = frozenset()
    there: bool = True
    held: tuple[str, ...] = ()

    @property
    def down(self) -> bool:
        return self.status in DOWN


def plan(now: Now, wish: Wish) -> list[Change]:
    """The changes that bring the backups of a guest to the wish. Raises Refused."""
    _check(now, wish)
    changes = []
    if now.held and not now.down:
        changes.append(
            Change(
                "release",
                "guest",
                now.guest,
                dict.fromkeys(now.held, True),
                dict.fromkeys(now.held, False),
            )  # fmt: skip
        )
    left = now.manifest
    for one in now.manifest.backups:
        if not one.complete:
            changes.append(Change("discard", KIND, one.name, {"complete": False}, None, payload=one))  # fmt: skip
            left = left.without(one.name)
    now = replace(now, manifest=left)
    if wish.state == spec.ABSENT:
        return [*changes, *_absent(now, wish)]
    if left.backup(wish.name) is None:
        made = _new(now, wish)
        after = {
            "mode": made.mode,
            "base": made.base,
            "reason": made.reason,
            "consistency": made.consistency,
            "files": {path: one.file for path, one in made.files.items()},
        }
        changes.append(Change("create", KIND, wish.name, None, after, payload=made))
        left = left.with_backup(made)
    return [*changes, *_old(left, wish.keep)]


def _check(now: Now, wish: Wish) -> None:
    if not now.there:
        raise Refused(
            f"There is no directory {wish.target} for backups; make it, or mount what it is on, first."
        )
    if wish.state == spec.ABSENT:
        return
    if now.status == ABSENT:
        raise Refused(
            f"There is no guest {now.guest} on this host; define it with qemu_guest first."
        )
    if now.status == UNRESPONSIVE:
        raise Refused(
            f"{now.guest} runs and does not answer its monitor, so its disks cannot be read at one moment; look why, or end it with qemu_guest, state: stopped."
        )
    if not now.disks:
        raise Refused(
            f"{now.guest} has no disk that it may write to, so there is nothing to back up; give it one in 'disks'."
        )


def _absent(now: Now, wish: Wish) -> list[Change]:
    one = now.manifest.backup(wish.name)
    if one is None:
        return []
    needing = now.manifest.based_on(wish.name)
    if needing:
        raise Refused(
            f"The backup {wish.name} of {now.guest} is the base of {listed(needing)}, which would be nothing without it; remove the last of them first."
        )
    return [_removal(one)]


def _old(left: Manifest, keep: int | None) -> list[Change]:
    """The chains that are more than C(keep), what is on top first."""
    if keep is None:
        return []
    names = [name for chain in left.chains()[:-keep] for name in reversed(chain)]
    return [_removal(one) for name in names if (one := left.backup(name)) is not None]


def _removal(one: Backup) -> Change:
    return Change("remove", KIND, one.name, {"mode": one.mode, "base": one.base}, None, payload=one)  # fmt: skip


def _new(now: Now, wish: Wish) -> Backup:
    reason = None if wish.mode == spec.FULL else why_full(now, wish)
    base = now.manifest.backups[-1] if wish.mode == spec.INCREMENTAL and reason is None else None
    files = {}
    for number, disk in enumerate(now.disks):
        name = f"{wish.name}/disk{number}.{wish.format}"
        # only an image of qcow2 keeps a bitmap over a stop of the guest
        tracked = not now.down and disk.format == "qcow2"
        files[disk.path] = File(name, wish.format, disk.size, tracked=tracked, source=disk.format)
    consistency = STOPPED if now.down else QUIESCED if wish.quiesce else CRASH
    return Backup(
        wish.name, wish.ident, spec.FULL if base is None else spec.INCREMENTAL, None if base is None else base.name, 0.0, consistency, None, reason,
        False, files,
    )  # fmt: skip


def why_full(now: Now, wish: Wish) -> str | None:
    """Why there cannot be an incremental backup; None where there can."""
    if not now.manifest.backups:
        return "there is no backup at the target yet"
    last = now.manifest.backups[-1]
    chain = [last.name]
    while (base := now.manifest.backup(chain[-1])) is not None and base.base is not None:
        chain.append(base.base)
    gone = [one.file for name in chain for one in _files(now, name) if one.file in now.missing]
    if gone:
        return f"{listed(gone)} is gone from the target"
    if now.down:
        return "the guest does not run, and only a running QEMU reads its bitmaps"
    if set(last.files) != {disk.path for disk in now.disks}:
        return "the guest has other disks than in the last backup"
    name = bitmap(wish.target, last.ident)
    for disk in now.disks:
        if not last.files[disk.path].tracked:
            return f"nothing has kept what was written to {disk.path} since the last backup"
        state = disk.bitmaps.get(name)
        if state is None:
            return f"the image {disk.top} has no bitmap of what was written since the last backup, as after a snapshot, or QEMU's death"
        if state != GOOD:
            return f"the bitmap in {disk.top} is inconsistent, as after QEMU's death"
    return None


def _files(now: Now, name: str) -> Iterable[File]:
    one = now.manifest.backup(name)
    return () if one is None else one.files.values()


def wish_back(wish: Wish, changes: Iterable[Change]) -> Wish | None:
    """The wish that takes back what was made; None where a backup was removed."""
    if any(change.action == "remove" for change in changes):
        return None
    return replace(wish, state=spec.ABSENT)


def described(now: Now, folder: str, changes: Iterable[Change] = ()) -> list[dict[str, Any]]:
    """The backups as a module returns them, the oldest first; C(changes) are those that check mode foretells."""
    manifest = now.manifest
    for change in changes:
        if change.kind == KIND:
            manifest = (
                manifest.with_backup(change.payload)
                if change.action == "create"
                else manifest.without(change.name)
            )
    return [_described(one, folder) for one in manifest.backups]


def _described(one: Backup, folder: str) -> dict[str, Any]:
    found = one.as_dict()
    del found["ident"]
    found["restore"] = [
        f"qemu-img convert -p -f {file.format} -O {file.source} {folder}/{file.file} {path}"
        for path, file in one.files.items()
    ]
    return found
