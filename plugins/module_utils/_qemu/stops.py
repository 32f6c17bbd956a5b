# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops guests side by side: those that end for good, with the first of them. One that is started again is down for its own time alone."""

from __future__ import annotations

from typing import Any, Callable, Collection, Mapping, Protocol, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError


class Step(Protocol):
    """One step of a stop."""

    def as_dict(self) -> dict[str, Any]:
        """What was done, for how many seconds, and what came of it."""


# What was done to each of some guests, by their names, or why it is not ended
Ended = Mapping[str, "Sequence[Step] | GuestError"]


class Stops:
    """The guests of one run that end. C(graces) are the seconds that each is asked for first, C(again) those that are started afterwards."""

    def __init__(
        self,
        stop: Callable[[Mapping[str, float]], Ended],
        graces: Mapping[str, float],
        again: Collection[str],
    ) -> None:
        self._stop, self._graces = stop, graces
        self._for_good = [name for name in graces if name not in again]
        self._ended: dict[str, Sequence[Step] | GuestError] = {}

    def beside(self, name: str) -> list[str]:
        """The guests that end with this one, itself too; none where it was ended with another."""
        if name in self._ended:
            return []
        return self._for_good if name in self._for_good else [name]

    def end(self, name: str) -> Sequence[Step]:
        """What was done to end a guest. Raises GuestError where it lives on."""
        asked = self.beside(name)
        if asked:
            self._ended.update(self._stop({one: self._graces[one] for one in asked}))
        steps = self._ended.pop(name)
        if isinstance(steps, GuestError):
            raise steps
        return steps
