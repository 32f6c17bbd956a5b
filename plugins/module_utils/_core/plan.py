# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A plan: the difference between two states, as changes in words that a user reads and an adapter carries out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

SAFE = "safe"
INTERRUPTS = "interrupts"
MAY_CUT_SSH = "may_cut_ssh"


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


@dataclass(frozen=True)
class Outcome:
    """What a run did, or in check mode would do. In check mode C(after) is C(before)."""

    changes: tuple[Change, ...]
    before: Any
    after: Any

    @property
    def changed(self) -> bool:
        return bool(self.changes)


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
