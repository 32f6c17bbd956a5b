# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one loop, over a noun that lives in memory: a shelf of named values."""

from __future__ import annotations

import gc
from typing import Mapping

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    ISSUES,
    Fault,
    KernelError,
    ReadBackError,
    Refused,
    UndoFailed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile


class Shelf:
    """C(breaks) maps the number of a write to what it raises; C(deaf) names values that take no write."""

    def __init__(
        self,
        values: Mapping[str, int],
        breaks: Mapping[int, BaseException] | None = None,
        deaf: tuple[str, ...] = (),
    ) -> None:
        self.values = dict(values)
        self.breaks = dict(breaks or {})
        self.deaf = deaf
        self.calls: list[str] = []
        self.writes = 0

    def read(self) -> dict[str, int]:
        self.calls.append("read")
        return dict(self.values)

    def plan(self, now: Mapping[str, int], wish: Mapping[str, int | None]) -> Plan:
        if -1 in wish.values():
            raise Refused("Not that.")
        return [
            _change(key, now.get(key), value)
            for key, value in sorted(wish.items())
            if now.get(key) != value
        ]

    def apply(self, changes: Plan, now: Mapping[str, int]) -> None:
        self.calls.append("apply")
        for change in changes:
            self.writes += 1
            if self.writes in self.breaks:
                raise self.breaks[self.writes]
            if change.name in self.deaf:
                continue
            if change.after is None:
                self.values.pop(change.name, None)
            else:
                self.values[change.name] = change.after["is"]

    def wish_back(self, before: Mapping[str, int], changes: Plan) -> dict[str, int | None]:
        return {change.name: before.get(change.name) for change in changes}


def _change(key: str, now: int | None, wish: int | None) -> Change:
    before = None if now is None else {"is": now}
    after = None if wish is None else {"is": wish}
    action = "create" if before is None else "delete" if after is None else "update"
    return Change(action, "value", key, before, after)


def test_nothing_to_do_reads_once_and_writes_nothing() -> None:
    shelf = Shelf({"a": 1})
    outcome = reconcile(shelf, {"a": 1})
    assert not outcome.changed and shelf.calls == ["read"] and outcome.after is outcome.before


def test_a_change_is_written_and_read_back() -> None:
    shelf = Shelf({"a": 1})
    outcome = reconcile(shelf, {"a": 2, "b": 3})
    assert outcome.changed and shelf.calls == ["read", "apply", "read"]
    assert outcome.before == {"a": 1} and outcome.after == {"a": 2, "b": 3}


def test_check_mode_plans_the_same_and_never_applies() -> None:
    shelf = Shelf({"a": 1})
    predicted = reconcile(shelf, {"a": 2}, check_mode=True)
    assert shelf.calls == ["read"] and shelf.values == {"a": 1}
    assert predicted.changes == reconcile(shelf, {"a": 2}).changes


def test_a_refusal_while_planning_touches_nothing_and_claims_no_undo() -> None:
    shelf = Shelf({"a": 1})
    with pytest.raises(Refused, match=r"^Not that\.$"):
        reconcile(shelf, {"a": 2, "b": -1})
    assert shelf.calls == ["read"]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_failure_at_any_write_leaves_what_was(at: int) -> None:
    shelf = Shelf({"a": 1, "c": 9}, {at: KernelError("write", 1)})
    with pytest.raises(KernelError) as caught:
        reconcile(shelf, {"a": 2, "b": 3, "c": 4})
    assert shelf.values == {"a": 1, "c": 9}
    assert str(caught.value).endswith(
        f"Everything this run did was undone ({at - 1} {'step' if at == 2 else 'steps'}); the host is as it was before."
    )
    assert caught.value.errno == 1


def test_what_was_accepted_and_is_not_there_is_an_error_and_undone() -> None:
    shelf = Shelf({"a": 1, "b": 1}, deaf=("b",))
    with pytest.raises(
        ReadBackError,
        match=r"still differs: update value b \(is: 1 is not 2\); look for what .*\. Everything this run did was undone \(1 step\)",
    ):
        reconcile(shelf, {"a": 2, "b": 2})
    assert shelf.values == {"a": 1, "b": 1}


def test_what_does_not_come_and_what_does_not_go_is_told_by_its_values() -> None:
    shelf = Shelf({"b": 1}, deaf=("a", "b"))
    with pytest.raises(
        ReadBackError,
        match=r"create value a \(is: None is not 2\); delete value b \(is: 1 is not None\); look",
    ):
        reconcile(shelf, {"a": 2, "b": None})


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_whatever_ends_the_run_in_the_middle_is_undone_and_passed_on(error: BaseException) -> None:
    shelf = Shelf({"a": 1, "b": 1}, {2: error})
    with pytest.raises(type(error)) as caught:
        reconcile(shelf, {"a": 2, "b": 2})
    assert caught.value is error and shelf.values == {"a": 1, "b": 1}


UNDECODABLE = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
NONE_OF_OURS = {
    "KeyError ('br0')": KeyError("br0"),
    "ValueError (a bug)": ValueError("a bug"),
    "UnicodeDecodeError ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)": UNDECODABLE,
}
UNDONE = "Everything this run did was undone (1 step); the host is as it was before."


class Faulty(Shelf):
    """A shelf whose verb C(where) raises what is none of ours, at its call number C(call) only."""

    def __init__(self, where: str, call: int, error: Exception) -> None:
        super().__init__({"a": 1})
        self._breaks_at = (where, call, error)
        self._called: list[str] = []

    def _count(self, verb: str) -> None:
        self._called.append(verb)
        where, call, error = self._breaks_at
        if verb == where and self._called.count(verb) == call:
            raise error

    def read(self) -> dict[str, int]:
        self._count("read")
        return super().read()

    def plan(self, now: Mapping[str, int], wish: Mapping[str, int | None]) -> Plan:
        self._count("plan")
        return super().plan(now, wish)

    def prepare(self, _before: object) -> None:
        self._count("prepare")

    def apply(self, changes: Plan, now: Mapping[str, int]) -> None:
        super().apply(changes, now)
        self._count("apply")

    def verify(self, _before: object, _after: object) -> None:
        self._count("verify")


@pytest.mark.parametrize(("named", "error"), NONE_OF_OURS.items(), ids=str)
@pytest.mark.parametrize(
    ("where", "call", "doing", "state"),
    [
        ("read", 1, "reading the host", "Nothing was changed."),
        ("plan", 1, "planning", "Nothing was changed."),
        ("prepare", 1, "preparing the changes", "Nothing was changed."),
        ("apply", 1, "carrying out update value a", UNDONE),
        ("read", 2, "reading back", UNDONE),
        ("plan", 2, "reading back", UNDONE),
        ("verify", 1, "verifying", UNDONE),
    ],
)
def test_what_is_no_error_of_ours_names_the_step_and_what_became_of_the_host(
    where: str, call: int, doing: str, state: str, named: str, error: Exception
) -> None:
    shelf = Faulty(where, call, error)
    with pytest.raises(Fault) as caught:
        reconcile(shelf, {"a": 2})
    assert str(caught.value) == f"{fault(named, doing)} {state}"
    assert caught.value.__cause__ is error and shelf.values == {"a": 1}


def fault(named: str, doing: str) -> str:
    return (
        f"This is a fault of the collection hypervisor.network, which came upon {named} while {doing}; "
        f"please report it at {ISSUES} with what the task says under -vvv."
    )


def test_a_fault_while_undoing_is_told_beside_what_was_undone() -> None:
    shelf = Shelf({"a": 1}, {1: KernelError("write", 1)})
    shelf.wish_back = lambda *_: {}["a"]
    with pytest.raises(UndoFailed) as caught:
        reconcile(shelf, {"a": 2})
    assert str(caught.value) == (
        "Cannot write: the kernel wants CAP_NET_ADMIN; run the task with become (EPERM). "
        "The undo failed as well, the host is half changed, so put right what stopped it and run the task again: "
        + fault("KeyError ('a')", "undoing")
    )


def test_a_fault_of_what_can_not_be_taken_back_says_that_it_stays() -> None:
    shelf = Faulty("apply", 1, ValueError("a bug"))
    shelf.wish_back = lambda *_: None
    with pytest.raises(Fault, match=r"-vvv\. What it had done by then stays\.$"):
        reconcile(shelf, {"a": 2})
    assert shelf.values == {"a": 2}


def test_an_undo_that_fails_says_so_and_why() -> None:
    shelf = Shelf(
        {"a": 1, "b": 1},
        {
            2: KernelError("write", 1),
            3: KernelError("write it back", 16),
            4: KernelError("write it back", 16),
        },
    )
    with pytest.raises(UndoFailed) as caught:
        reconcile(shelf, {"a": 2, "b": 2})
    text = str(caught.value)
    assert (
        "EPERM" in text and "half changed" in text and "write it back" in text and "EBUSY" in text
    )
    assert "is as it was" not in text and isinstance(caught.value.__cause__, KernelError)


def test_an_undo_that_meets_a_manager_at_work_looks_again() -> None:
    """Seen with networkd, which had set the same route meanwhile: what was planned "exists already", and the host was left half changed."""
    shelf = Shelf(
        {"a": 1, "b": 1}, {2: KernelError("write", 1), 3: KernelError("write it back", 17)}
    )
    with pytest.raises(KernelError, match="is as it was before"):
        reconcile(shelf, {"a": 2, "b": 2})
    assert shelf.values == {"a": 1, "b": 1}


def test_an_undo_that_is_accepted_and_not_there_is_no_undo() -> None:
    shelf = Shelf({"a": 1, "b": 1}, {2: KernelError("write", 1)})
    apply = shelf.apply

    def deaf_on_the_way_back(changes: Plan, now: Mapping[str, int]) -> None:
        if shelf.calls.count("apply"):
            shelf.deaf = ("a",)
        apply(changes, now)

    shelf.apply = deaf_on_the_way_back  # type: ignore[method-assign]
    with pytest.raises(UndoFailed, match=r"half changed, .*still differs: update value a"):
        reconcile(shelf, {"a": 2, "b": 2})


class Switch:
    """A dead-man's switch that notes what the loop tells it."""

    def __init__(self, calls: list[str]) -> None:
        self.calls = calls

    def arm(self, before: Mapping[str, int], changes: Plan) -> None:
        self.calls.append(f"arm for {len(changes)} from {dict(before)}")

    def applied(self) -> None:
        self.calls.append("applied")

    def claim(self) -> None:
        self.calls.append("claim")

    def hand_over(self, why: str) -> None:
        self.calls.append("hand over")

    def stand_down(self, why: str) -> None:
        self.calls.append("stand down")


def test_a_guard_is_armed_before_the_first_write_and_told_after_the_read_back() -> None:
    shelf = Shelf({"a": 1})
    reconcile(shelf, {"a": 2}, guard=Switch(shelf.calls))
    assert shelf.calls == ["read", "arm for 1 from {'a': 1}", "apply", "read", "applied"]


def test_a_guard_of_nothing_is_never_armed() -> None:
    shelf = Shelf({"a": 1})
    reconcile(shelf, {"a": 1}, guard=Switch(shelf.calls))
    reconcile(shelf, {"a": 2}, check_mode=True, guard=Switch(shelf.calls))
    assert shelf.calls == ["read", "read"]


def test_a_guard_stands_down_once_the_loop_has_undone_its_own_work() -> None:
    shelf = Shelf({"a": 1, "b": 1}, {2: KernelError("write", 1)})
    with pytest.raises(KernelError):
        reconcile(shelf, {"a": 2, "b": 2}, guard=Switch(shelf.calls))
    assert shelf.calls[-1] == "stand down" and shelf.values == {"a": 1, "b": 1}


def test_a_guard_that_can_not_be_armed_means_that_nothing_is_written() -> None:
    shelf = Shelf({"a": 1})
    guard = Switch(shelf.calls)

    def arm(before: Mapping[str, int], changes: Plan) -> None:
        raise Refused("Nobody would come back.")

    guard.arm = arm  # type: ignore[method-assign]
    with pytest.raises(Refused, match=r"^Nobody would come back\.$"):
        reconcile(shelf, {"a": 2}, guard=guard)
    assert shelf.calls == ["read"]


class Careful(Shelf):
    """One that loads what writing takes, and looks again at the end."""

    def prepare(self, before: Mapping[str, int]) -> None:
        self.calls.append("prepare")

    def verify(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        self.calls.append("verify")
        if after.get("a") == 13:
            raise Refused("Not thirteen.")


def test_what_writing_takes_is_loaded_in_check_mode_too_and_not_for_nothing() -> None:
    shelf = Careful({"a": 1})
    reconcile(shelf, {"a": 1})
    reconcile(shelf, {"a": 2}, check_mode=True)
    assert shelf.calls == ["read", "read", "prepare"]


def test_the_noun_has_the_last_word_and_its_no_is_undone() -> None:
    shelf = Careful({"a": 1})
    with pytest.raises(
        Refused, match=r"Not thirteen\. Everything this run did was undone \(1 step\)"
    ):
        reconcile(shelf, {"a": 13})
    assert shelf.values == {"a": 1}


def test_what_differs_in_many_ways_is_told_in_three_and_a_number() -> None:
    names = "abcde"
    shelf = Shelf(dict.fromkeys(names, 1), deaf=tuple(names))
    with pytest.raises(ReadBackError, match=r"update value c \(is: 1 is not 2\); and 2 more; look"):
        reconcile(shelf, dict.fromkeys(names, 2))


@pytest.mark.parametrize("collecting", [True, False])
def test_the_collector_rests_meanwhile_and_is_as_before_afterwards(collecting: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        shelf = Shelf({"a": 1})
        read, seen = shelf.read, []
        shelf.read = lambda: seen.append(gc.isenabled()) or read()  # type: ignore[method-assign]
        reconcile(shelf, {"a": 2})
        assert gc.isenabled() is collecting and seen == [False, False]
    finally:
        (gc.enable if was else gc.disable)()
