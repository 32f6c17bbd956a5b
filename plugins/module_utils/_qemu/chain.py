# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A guest's snapshots, and which overlay is on top of each of its disks."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

INTERNAL, EXTERNAL = "internal", "external"
# How far a snapshot has come: its overlays are being made; QEMU may have begun to use them; it is there; it is being merged; a revert is under way
MAKING, PENDING, PRESENT, DELETING, REVERTING = (
    "making",
    "pending",
    "present",
    "deleting",
    "reverting",
)


@dataclass(frozen=True)
class Entry:
    """One snapshot. C(disks): by the path in the guest's definition the overlay that holds what was written since; of an internal one the image
    that holds it. C(seconds) since the epoch; C(consistency) is one of stopped, quiesced, crash, memory.
    """

    name: str
    kind: str
    phase: str = PRESENT
    seconds: float = 0.0
    consistency: str = "crash"
    note: str | None = None
    disks: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "disks": dict(self.disks)}

    def now(self, phase: str) -> Entry:
        return replace(self, phase=phase)


@dataclass(frozen=True)
class Chain:
    """The snapshots of a guest, the oldest first; C(garbage) are overlays that were merged, and only wait to be removed."""

    entries: tuple[Entry, ...] = ()
    garbage: tuple[str, ...] = ()

    def entry(self, name: str) -> Entry | None:
        return next((one for one in self.entries if one.name == name), None)

    def with_entry(self, entry: Entry) -> Chain:
        """The chain with this in the place of the entry of its name, or at the end."""
        if self.entry(entry.name) is None:
            return replace(self, entries=(*self.entries, entry))
        return replace(
            self,
            entries=tuple(entry if one.name == entry.name else one for one in self.entries),
        )

    def without(self, name: str, garbage: Iterable[str] = ()) -> Chain:
        return Chain(
            tuple(one for one in self.entries if one.name != name), (*self.garbage, *garbage)
        )

    def merged(self, name: str, path: str) -> Chain:
        """The chain after the overlay of one disk went into the layer below it."""
        entry = self.entry(name)
        if entry is None:
            return self
        left = {disk: overlay for disk, overlay in entry.disks.items() if disk != path}
        chain = self.without(name) if not left else self.with_entry(replace(entry, disks=left))
        return replace(chain, garbage=(*chain.garbage, entry.disks[path]))

    def tops(self) -> dict[str, str]:
        """The overlay on top of each disk that has one, by the path in the definition."""
        found: dict[str, str] = {}
        for entry in self.entries:
            if entry.kind == EXTERNAL and entry.phase != MAKING:
                found.update(entry.disks)
        return found


def parsed(guest: str, path: str, found: Mapping[str, Any] | None) -> Chain:
    """The chain of a record. Raises Refused where that is not whole."""
    if found is None:
        raise Refused(
            f"The record of {guest}'s snapshots {path} is not whole; bring it back from a backup, or remove it if the guest has no overlays."
        )
    known = {one.name for one in fields(Entry)}  # another version may have written more
    return Chain(
        tuple(
            Entry(**{key: value for key, value in one.items() if key in known})
            for one in found.get("entries", ())
        ),
        tuple(found.get("garbage", ())),
    )


def check_whole(guest: str, snapshot: str, phase: str) -> None:
    """Raise Refused where a revert to this snapshot was interrupted."""
    if phase == REVERTING:
        raise Refused(
            f"{guest} is not started: going back to its snapshot {snapshot} was interrupted, and its disks are of two moments; run qemu_snapshot "
            f"with name: {snapshot} and state: reverted again."
        )
