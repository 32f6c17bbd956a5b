# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one loop under a guard: who undoes, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    KernelError,
    UndoFailed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.tests.unit._core.test_reconcile import Shelf

LOST = DeadlineExceeded("Applying took longer than 12 s; the guard has given the host back.")


class Told:
    """A guard that remembers what it was told. C(lost) is what the module's claim meets, C(late) what its standing down does."""

    def __init__(self, lost: Exception | None = None, late: Exception | None = None) -> None:
        self.calls: list[str] = []
        self._lost = lost
        self._late = late

    def arm(self, before: Any, changes: Any) -> None:
        self.calls.append("arm")

    def applied(self) -> None:
        self.calls.append("applied")

    def claim(self) -> None:
        self.calls.append("claim")
        if self._lost:
            raise self._lost

    def hand_over(self, why: str) -> None:
        self.calls.append(f"hand over: {why}")
        raise UndoFailed(f"{why} But the guard has given the host back.")

    def stand_down(self, why: str) -> None:
        self.calls.append(f"stand down: {why}")
        if self._late:
            raise self._late


def test_who_fails_undoes_only_once_it_has_won_that() -> None:
    shelf, guard = Shelf({"a": 1}, {2: KernelError("set b", 1)}), Told()
    with pytest.raises(KernelError, match="undone"):
        reconcile(shelf, {"a": 2, "b": 2}, guard=guard)
    assert guard.calls[:2] == ["arm", "claim"] and guard.calls[2].startswith("stand down: Cannot")
    assert shelf.values == {"a": 1}


def test_who_lost_it_to_the_guard_writes_nothing_more() -> None:
    shelf = Shelf({"a": 1}, {2: KernelError("set b", 1)})
    with pytest.raises(DeadlineExceeded, match="^Applying took longer than 12 s;"):
        reconcile(shelf, {"a": 2, "b": 2}, guard=Told(lost=LOST))
    assert shelf.writes == 2 and shelf.calls.count("apply") == 1


def test_who_lost_it_at_the_very_end_of_its_undo_says_so() -> None:
    shelf = Shelf({"a": 1}, {2: KernelError("set b", 1)})
    with pytest.raises(DeadlineExceeded, match="the guard has given the host back"):
        reconcile(shelf, {"a": 2, "b": 2}, guard=Told(late=LOST))


@pytest.mark.parametrize("second", [KernelError("set a", 1), KeyError("eth0")])
def test_what_cannot_be_undone_is_the_guards(second: Exception) -> None:
    shelf, guard = Shelf({"a": 1}, {2: KernelError("set b", 1), 3: second, 4: second}), Told()
    with pytest.raises(UndoFailed, match="But the guard has given the host back"):
        reconcile(shelf, {"a": 2, "b": 2}, guard=guard)
    assert "The undo failed as well" in guard.calls[-1] and "stand down" not in guard.calls[-1]


def test_what_stays_of_a_run_that_was_undone_is_said() -> None:
    shelf = Shelf({"a": 1}, {2: KernelError("set b", 1)})
    shelf.remarks = lambda: ["The bridge br0 stays, because tap1 is on it."]
    with pytest.raises(KernelError) as caught:
        reconcile(shelf, {"a": 2, "b": 2})
    assert str(caught.value).endswith(
        "as it was before. The bridge br0 stays, because tap1 is on it."
    )
