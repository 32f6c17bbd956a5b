# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes want a guard, and that a module without one leaves them alone."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import (
    WANTED,
    Elsewhere,
    Unguarded,
    check_timeout,
    wanted,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    MAY_CUT_SSH,
    SAFE,
    Change,
)


def params(mode: str = "auto", seconds: float = 60) -> dict[str, Any]:
    return {"guard_mode": mode, "guard_timeout": seconds}


def change(risk: str) -> Change:
    return Change("update", "bridge", "br0", {"up": True}, {"up": False}, risk)


@pytest.mark.parametrize(
    ("mode", "seconds", "risk", "answer"),
    [
        ("auto", 60, MAY_CUT_SSH, True),
        ("auto", 60, INTERRUPTS, False),
        ("auto", 60, SAFE, False),
        ("auto", 0, MAY_CUT_SSH, False),
        ("always", 60, SAFE, True),
        ("always", 0, MAY_CUT_SSH, False),
        ("never", 60, MAY_CUT_SSH, False),
    ],
)
def test_what_wants_a_guard(mode: str, seconds: float, risk: str, answer: bool) -> None:
    assert wanted(params(mode, seconds), [change(SAFE), change(risk)]) is answer


def test_one_without_a_guard_refuses_and_says_whose_turn_it_is() -> None:
    with pytest.raises(Refused) as refused:
        Unguarded(params()).arm(None, [change(MAY_CUT_SSH)])
    assert refused.value.facts[WANTED] is True
    assert refused.value.facts["changes"][0]["name"] == "br0"
    assert "wants a guard (update bridge br0)" in str(refused.value)
    assert "nothing was changed; run it as a task" in str(refused.value)


def test_one_that_only_foresees_leaves_every_change_to_its_guarded_form() -> None:
    with pytest.raises(Refused) as refused:
        Elsewhere().arm(None, [change(SAFE)])
    assert refused.value.facts[WANTED] is True
    assert str(refused.value) == (
        "This is to be changed (update bridge br0), which the task's action carries out and not the module alone, so nothing was changed; run it as a task "
        "of Ansible."
    )


def test_one_without_a_guard_lets_pass_what_wants_none() -> None:
    guard = Unguarded(params())
    guard.arm(None, [change(INTERRUPTS)])
    guard.applied()
    guard.claim()
    guard.hand_over("it is told")
    guard.stand_down("it is told")
    assert guard.told == []
    assert guard.facts() == {}


@pytest.mark.parametrize("seconds", [0, 10, 60.5, 900])
def test_times_that_a_guard_may_have(seconds: float) -> None:
    check_timeout(seconds)


@pytest.mark.parametrize("seconds", [-1, 9.9, 901, float("inf"), float("nan")])
def test_times_that_a_guard_may_not_have(seconds: float) -> None:
    with pytest.raises(BadInput, match="outside 10 to 900 seconds"):
        check_timeout(seconds)
