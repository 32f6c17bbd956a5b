# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a run returns of its guests: as they are after it, or in check mode, where nothing was done, as the plan predicts them."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import plan as guest_plan
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    ABSENT,
    DOWN,
    describe,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import Wish


def described(
    steps: Mapping[str, Sequence[Mapping[str, Any]]], wishes: Iterable[Wish], outcome: Outcome
) -> list[dict[str, Any]]:
    """The guests after an outcome, as qemu_guest returns each; in check mode as the plan predicts them. C(steps) are those of their stops by their names."""
    found = []
    for wish in wishes:
        guest = outcome.after.guests[wish.name]
        one = describe(guest)
        if outcome.after is outcome.before:
            one.update(_predicted(wish.name, outcome.changes))
        one["pending_changes"] = guest_plan.pending(outcome.after, wish)
        if outcome.after is outcome.before:
            for option in _taken(wish.name, outcome.changes):
                one["pending_changes"].pop(option, None)
        one["stop_steps"] = list(steps.get(wish.name, ()))
        found.append(one)
    return found


def _predicted(name: str, changes: Iterable[Change]) -> Mapping[str, Any]:
    predicted: dict[str, Any] = {}
    for change in changes:
        if change.kind == guest_plan.KIND and change.name == name:
            predicted.update({"status": ABSENT} if change.after is None else change.after)
    # nobody knows the number of a process that is started yet
    return {**predicted, "pid": None} if predicted.get("status") in DOWN else predicted


def _taken(name: str, changes: Iterable[Change]) -> Iterator[str]:
    """The options that these changes leave nothing of to be done."""
    for change in changes:
        if change.kind == guest_plan.DISK and change.action == "grow":
            if change.after is not None and change.after["guest"] == name:
                yield guest_plan.SIZES
        elif change.name == name and change.action in ("adjust", "start"):
            yield from change.after or ()
