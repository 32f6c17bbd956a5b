# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A plan is the difference between two states, and it serves every need.

C(plan(now, wish)) applied is the run; shown, it is check mode; C(plan(after, wish)) must be empty, and that is the
read-back; C(plan(now, before)) is the undo. This file holds the words of a plan and the one loop that walks it, and it is
the only place that knows check mode. Side effects come in as the methods of a noun.
"""

from __future__ import annotations

import contextlib
import gc
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Protocol, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._errors import (
    HypervisorNetworkError,
    ReadBackError,
    UndoFailed,
)

SAFE = "safe"
INTERRUPTS = "interrupts"
MAY_CUT_SSH = "may_cut_ssh"
_PASSES = 2


@dataclass(frozen=True)
class Change:
    """One step of a plan, in words that a user reads and an adapter executes.

    C(action) is a verb (create, update, delete, attach, detach, add, remove, replace, start, stop ...), C(kind) the noun it
    acts on (bridge, port, tap, address, route, stanza, guest ...), C(name) which one. C(before) and C(after) hold the managed
    keys only, None where it does not exist. C(risk) is one of safe, interrupts, may_cut_ssh. C(payload) is what the adapter
    needs beyond the words (a route exactly as the kernel dumped it); users never see it.
    """

    action: str
    kind: str
    name: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    risk: str = SAFE
    payload: Any = field(default=None, compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The change as a module returns it."""
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "before": None if self.before is None else dict(self.before),
            "after": None if self.after is None else dict(self.after),
            "risk": self.risk,
        }

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.name}"


Plan = Sequence[Change]


class Noun(Protocol):
    """What the loop needs of a noun: three verbs that touch the machine, and two that only think."""

    def read(self) -> Any:
        """Dump what is there now, as a snapshot."""

    def plan(self, now: Any, wish: Any) -> Plan:
        """PURE: the changes from C(now) to C(wish), in the order of their dependencies; may raise BadInput or Refused."""

    def apply(self, changes: Plan, now: Any) -> None:
        """Carry out a plan that was made from the snapshot C(now), in its order, stopping at the first error."""

    def wish_back(self, before: Any, changes: Plan) -> Any:
        """PURE: the wish that describes C(before) for everything that C(changes) touch."""


class Guard(Protocol):
    """What the loop needs of a dead-man's switch; see _guard.py."""

    def arm(self, before: Any, changes: Plan) -> None:
        """Be ready to bring back C(before) from whatever C(changes) lead to, or raise: nothing was changed yet."""

    def applied(self) -> None:
        """Everything is applied and read back; from now on a confirmation counts."""

    def stand_down(self) -> None:
        """The loop failed and has undone its work by itself."""


@dataclass(frozen=True)
class Outcome:
    """What a run did, or in check mode would do. In check mode C(after) is C(before)."""

    changes: tuple[Change, ...]
    before: Any
    after: Any

    @property
    def changed(self) -> bool:
        return bool(self.changes)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Lists of thousands are small objects that all live: the collector would look at them again and again, and find nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@_uncollected()
def reconcile(
    noun: Noun, wish: Any, check_mode: bool = False, guard: Guard | None = None
) -> Outcome:
    """Read, plan, apply, read back; undo on any failure after the first write.

    A noun with a C(prepare(before)) loads what writing takes as soon as there is something to write, in check mode too, which then refuses what the run
    would. One with a C(verify(before, after)) has the last word before success. A C(guard) is armed before the first write.
    Raises what planning and applying raise, with a sentence on the undo added; ReadBackError where the host accepted every
    write and still differs from the wish; UndoFailed where the way back failed too.
    """
    before = noun.read()
    changes = tuple(noun.plan(before, wish))
    prepare = getattr(noun, "prepare", None)
    if changes and prepare is not None:
        prepare(before)
    if check_mode or not changes:
        return Outcome(changes, before, before)
    if guard is not None:
        guard.arm(before, changes)
    try:
        noun.apply(changes, before)
        after = noun.read()
        left = tuple(noun.plan(after, wish))
        if left:
            raise ReadBackError(
                f"The host accepted every write and still differs: {_in_words(left)}."
            )
        verify = getattr(noun, "verify", None)
        if verify is not None:
            verify(before, after)
        if guard is not None:
            guard.applied()
    except BaseException as error:  # Ctrl-C and SystemExit leave no half-made network either
        _undo(noun, before, changes, error)
        if guard is not None:
            guard.stand_down()
        raise
    return Outcome(changes, before, after)


def _undo(noun: Noun, before: Any, changes: Plan, error: BaseException) -> None:
    """Bring back C(before), and say so in C(error)'s message."""
    try:
        back = restore(noun, before, changes)
    except HypervisorNetworkError as second:
        raise UndoFailed(
            f"{error} The undo failed as well, the host is half changed: {second}"
        ) from error
    if isinstance(error, HypervisorNetworkError):
        error.args = (
            f"{error} Everything this run did was undone ({len(back)} steps); the host is as it was before.",
        )


def restore(noun: Noun, before: Any, changes: Plan) -> list[Change]:
    """Bring back C(before) for everything that C(changes) touch, from whatever stands now; returns what it took. Raises ReadBackError.

    What was deleted has to be there again before it can be seen what it lacks, so one look is not enough.
    """
    done: list[Change] = []
    wish = noun.wish_back(before, changes)
    for _again in range(_PASSES):
        now = noun.read()
        back = tuple(noun.plan(now, wish))
        if not back:
            return done
        noun.apply(back, now)
        done += back
    left = tuple(noun.plan(noun.read(), wish))
    if left:
        raise ReadBackError(f"The host accepted every write and still differs: {_in_words(left)}.")
    return done


def _in_words(changes: Plan) -> str:
    parts = []
    for change in changes[:3]:
        keys = sorted(change.after or change.before or {})
        parts.append(
            f"{change} ({', '.join(f'{key}: {(change.before or {}).get(key)} is not {(change.after or {}).get(key)}' for key in keys)})"
        )
    more = len(changes) - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def listed(names: Sequence[str], most: int = 10) -> str:
    """The names for a sentence; of many the first C(most), and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def differing(now: Mapping[str, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of C(wish) that are given (not None) and differ from C(now): habit one, None means unmanaged."""
    return {
        key: value for key, value in wish.items() if value is not None and now.get(key) != value
    }


def update(
    kind: str, name: str, now: Mapping[str, Any], wish: Mapping[str, Any], risk: str = SAFE
) -> list[Change]:
    """At most one update change that brings C(now) to C(wish)."""
    after = differing(now, wish)
    if not after:
        return []
    return [Change("update", kind, name, {key: now.get(key) for key in after}, after, risk)]


def diff_of(changes: Plan) -> dict[str, dict[str, Any]]:
    """Ansible's diff of a plan: C({before: {"kind name": managed keys}, after: ...}), what does not exist is left out."""
    sides: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    for change in changes:
        label = f"{change.kind} {change.name}"
        for side, values in (("before", change.before), ("after", change.after)):
            if values is None:
                continue
            # Two changes of one thing (create, then attach) read as one entry; the first "before" and the last "after" win.
            entry = sides[side].setdefault(label, {})
            for key, value in values.items():
                if side == "after" or key not in entry:
                    entry[key] = value
    return sides
