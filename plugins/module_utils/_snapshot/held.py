# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest is held in while its disks are worked on. It is on record, so that what a killed run left held is let go by the next."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

FROZEN, PAUSED = "frozen", "paused"
_RECORD = "held.json"


class Directory(Protocol):
    """Where a guest's records are, see _qemu/rundir."""

    def load(self, record: str) -> Any:
        """A record, None where there is none."""

    def store(self, record: str, content: Mapping[str, Any]) -> None:
        """Put a record in place."""

    def drop(self, record: str) -> None:
        """Remove a record, if it is there."""


class Held:
    """The record of one guest."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    @property
    def words(self) -> tuple[str, ...]:
        """FROZEN for its file systems, PAUSED for its processors."""
        found = self._directory.load(_RECORD) or {}
        return tuple(word for word in sorted(found) if found[word])

    def add(self, word: str) -> None:
        self._directory.store(_RECORD, dict.fromkeys({*self.words, word}, True))

    def remove(self, word: str) -> None:
        left = {*self.words} - {word}
        if left:
            self._directory.store(_RECORD, dict.fromkeys(left, True))
        else:
            self._directory.drop(_RECORD)
