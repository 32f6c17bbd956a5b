# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What is at a target of a guest's backups: each with its files, and what it is based on.

::

    TARGET/vm1/                     root, 0700
    ├── manifest.json               what follows here
    └── 20260101T030000Z/           one backup
        └── disk0.qcow2             an incremental one reads what it lacks from ../BASE/disk0.qcow2
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

PREFIX = "hypervisor-network-backup-"  # of bitmaps and nodes


@dataclass(frozen=True)
class File:
    """A disk in a backup. C(file) is relative to the guest's folder; C(size) what the guest sees, in bytes; C(bytes) of the file; C(tracked): a bitmap
    says what was written since; C(source): the format of the disk itself.
    """

    file: str
    format: str
    size: int
    bytes: int | None = None
    sha256: str | None = None
    tracked: bool = False
    source: str = "qcow2"

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Backup:
    """One backup. C(ident) is in the names of its bitmaps; C(base): what an incremental one is on top of; C(reason): why it is full although
    an incremental one was asked for; C(files) by the path of the disk.
    """

    name: str
    ident: str
    mode: str
    base: str | None = None
    seconds: float = 0.0
    consistency: str = "crash"
    note: str | None = None
    reason: str | None = None
    complete: bool = False
    files: Mapping[str, File] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "files": {path: one.as_dict() for path, one in self.files.items()}}


@dataclass(frozen=True)
class Manifest:
    """The backups at a target, the oldest first."""

    backups: tuple[Backup, ...] = ()

    def backup(self, name: str | None) -> Backup | None:
        return next((one for one in self.backups if one.name == name), None)

    def with_backup(self, backup: Backup) -> Manifest:
        if self.backup(backup.name) is None:
            return Manifest((*self.backups, backup))
        return Manifest(tuple(backup if one.name == backup.name else one for one in self.backups))

    def without(self, name: str) -> Manifest:
        return Manifest(tuple(one for one in self.backups if one.name != name))

    def based_on(self, name: str) -> list[str]:
        """The backups that are nothing without this one, the nearest first."""
        found = [name]
        for one in self.backups:
            if one.base in found:
                found.append(one.name)
        return found[1:]

    def chains(self) -> list[list[str]]:
        """The full backups, the oldest first, each with what is based on it."""
        return [[one.name, *self.based_on(one.name)] for one in self.backups if one.base is None]

    def as_dict(self, guest: str) -> dict[str, Any]:
        return {"guest": guest, "backups": [one.as_dict() for one in self.backups]}


def parsed(path: str, found: Mapping[str, Any] | None) -> Manifest:
    """The manifest that was read. Raises Refused where that is none: what is there could be somebody's backups."""
    try:
        if found is None:
            raise ValueError
        return Manifest(tuple(_backup(one) for one in found["backups"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(
            f"{path} is no manifest of backups that is whole; bring it back, or name another target."
        ) from None


def _backup(found: Mapping[str, Any]) -> Backup:
    files = {path: File(**_known(one, File)) for path, one in dict(found.get("files", {})).items()}
    return Backup(**{**_known(found, Backup), "files": files})


def _known(found: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """What this version knows of; another one may have written more."""
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in found.items() if key in names}


def bitmap(target: str, ident: str) -> str:
    """The name of the bitmaps that say what was written since a backup; those of another target are another's."""
    return f"{bitmaps_of(target)}{ident}"


def bitmaps_of(target: str) -> str:
    """How the names of all bitmaps of a target begin."""
    return f"{PREFIX}{hashlib.sha256(target.encode()).hexdigest()[:8]}-"
