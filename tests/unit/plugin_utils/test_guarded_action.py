# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules a guarded task runs, and how often: the usual run is one, and light."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.hypervisor.network.plugins.plugin_utils import _guarded_action
from ansible_collections.hypervisor.network.plugins.plugin_utils._guarded_action import (
    GuardedAction,
)

UNCHANGED = {"changed": False, "changes": []}
CHANGED = {"changed": True, "changes": ["mac"]}
WANTED = {"failed": True, "guard_wanted": True, "changes": ["mac"], "msg": "Left to the guard."}
ARMED = {**CHANGED, "transaction": {"id": "1", "seconds_left": 10.0, "what": "br0", "timeout": 10}}


class Action(GuardedAction):
    """An action whose modules answer in turn; C(asked) are their names, arguments and check modes."""

    MODULE = "hypervisor.network.linux_bridge"

    def __init__(self, answers: list[dict[str, Any]], check: bool, args: dict[str, Any]) -> None:
        self.asked: list[tuple[str, dict[str, Any], bool]] = []
        self._answers = answers
        self._task = SimpleNamespace(check_mode=check, args=args)

    def _module(self, name: str, args: Any, check_mode: bool) -> dict[str, Any]:
        self.asked.append((name.rpartition(".")[2], dict(args), check_mode))
        return dict(self._answers.pop(0))

    def _too_short(self, predicted: object) -> str:
        return "Too short." if self._timeout() < 20 else ""

    def _confirmed(self, applied: dict[str, Any]) -> dict[str, Any]:
        return {**applied, "confirmed": True}


def ran(
    monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any], check: bool = False, **args: Any
) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any], bool]]]:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    action = Action(list(answers), check, {"name": "br0", **args})
    return action.run(task_vars={}), action.asked


@pytest.mark.parametrize("answer", [UNCHANGED, CHANGED, {"failed": True, "msg": "No."}])
def test_what_wants_no_guard_is_one_run(monkeypatch, answer):
    assert ran(monkeypatch, answer) == (answer, [("linux_bridge", {"name": "br0"}, False)])


def test_check_mode_is_one_run(monkeypatch):
    assert ran(monkeypatch, CHANGED, check=True) == (
        CHANGED,
        [("linux_bridge", {"name": "br0"}, True)],
    )


def test_what_wants_a_guard_is_done_by_the_guarded_form_and_confirmed(monkeypatch):
    result, asked = ran(monkeypatch, WANTED, ARMED, mac="02:00:00:00:00:01")
    assert result == {**ARMED, "confirmed": True}
    args = {"name": "br0", "mac": "02:00:00:00:00:01"}
    assert asked == [
        ("linux_bridge", args, False),
        ("guarded_change", {"module": "linux_bridge", "options": args}, False),
    ]


@pytest.mark.parametrize("answer", [UNCHANGED, {"failed": True, "msg": "No."}])
def test_what_the_guarded_form_says_without_a_guard_is_the_answer(monkeypatch, answer):
    result, asked = ran(monkeypatch, WANTED, answer)
    assert result == answer and len(asked) == 2


def test_a_time_that_is_too_short_is_refused_before_anything_is_changed(monkeypatch):
    result, asked = ran(monkeypatch, WANTED, guard_timeout=12)
    assert result == {"failed": True, "changed": False, "changes": ["mac"], "msg": "Too short."}
    assert len(asked) == 1


def test_a_short_time_does_not_matter_where_no_guard_is_wanted(monkeypatch):
    assert ran(monkeypatch, CHANGED, guard_timeout=12)[0] == CHANGED


@pytest.mark.parametrize(
    ("check", "predicted", "runs"),
    [(False, UNCHANGED, 1), (True, CHANGED, 1), (False, {"failed": True, "msg": "No."}, 1), (False, CHANGED, 2)],
)  # fmt: skip
def test_one_that_only_foresees_is_run_in_check_mode_and_its_guarded_form_where_it_foresees_a_change(
    monkeypatch, check, predicted, runs
):
    monkeypatch.setattr(Action, "ALWAYS_GUARDED", True)
    result, asked = ran(monkeypatch, predicted, ARMED, check=check)
    form = ("guarded_change", {"module": "linux_bridge", "options": {"name": "br0"}}, False)
    assert asked == [("linux_bridge", {"name": "br0"}, True), form][:runs]
    assert result == (predicted if runs == 1 else {**ARMED, "confirmed": True})


def test_a_conversion_whose_time_is_too_short_is_refused_as_it_was_foreseen(monkeypatch):
    monkeypatch.setattr(Action, "ALWAYS_GUARDED", True)
    result, asked = ran(monkeypatch, CHANGED, guard_timeout=12)
    assert result == {**CHANGED, "changed": False, "failed": True, "msg": "Too short."}
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answers", "doing", "state"),
    [
        (
            [],
            "running the module",
            "Nothing was changed, or the guard gives the host back when its time is over.",
        ),
        (
            [ARMED],
            "confirming the change",
            "The guard gives the host back when its time is over, unless it was confirmed.",
        ),
    ],
    ids=["before", "after"],
)
def test_a_fault_of_the_action_itself_is_one_sentence(monkeypatch, answers, doing, state):
    monkeypatch.setattr(Action, "_confirmed", lambda *_: {}["state"])
    result, _asked = ran(monkeypatch, *answers)
    assert result["failed"] and not result["changed"]
    assert f"while {doing}; " in result["msg"] and result["msg"].endswith(state)


def test_a_fault_of_the_action_keeps_its_traceback_under_vvv(monkeypatch):
    monkeypatch.setattr(_guarded_action.display, "verbosity", 3)
    assert ran(monkeypatch)[0]["traceback"][-1] == "IndexError: pop from empty list"


class Reached(Action):
    """One that is reached at once over SSH."""

    _too_short = GuardedAction._too_short

    def _outside(self) -> str:
        return "ssh"

    def _fresh_connection(self) -> Any:
        return contextlib.nullcontext()

    def _low_level_execute_command(self, *_: Any, **__: Any) -> None:
        """It does."""


@pytest.mark.parametrize(
    ("clients", "timeout", "refused"),
    [
        (0, 10, False),
        (1, 10, True),
        (1, 26, True),
        (1, 28, False),
        (2, 28, True),
        (2, 48, False),
        (2, 0, False),
    ],
)
def test_each_dhcp_client_that_is_started_may_take_its_time_for_a_lease(clients, timeout, refused):
    action = Reached([], False, {"guard_timeout": timeout})
    stops = {"kind": "dhcp", "action": "stop"}
    changes = [stops, *({"kind": "dhcp", "action": "start"} for _one in range(clients))]
    said = action._too_short({"changes": changes})
    assert bool(said) is refused, said
    if refused:
        assert f"a DHCP client up to {20 * clients} s for its lease" in said
        assert f"give at least {20 * clients + 7}." in said
