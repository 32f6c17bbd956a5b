# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that begin side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.starts import Starts

DOWN = [("set_link", {"name": "nic0", "up": False})]


class Starter:
    """Writes down what it is asked for; C(dies) does not come up."""

    def __init__(self, dies: str = "") -> None:
        self.said: list[str] = []
        self._dies = dies

    def start(self, name: str, _spec: Any, paused: bool = False) -> str:
        self.said.append(f"start {name}{' paused' * paused}")
        return f"process of {name}"

    def await_machine(self, name: str, started: str) -> None:
        assert started == f"process of {name}"
        self.said.append(f"await {name}")
        if name == self._dies:
            raise GuestError("it died")

    def tell(self, name: str, steps: Any) -> None:
        assert steps == DOWN
        self.said.append(f"tell {name}")

    def resume(self, name: str) -> None:
        self.said.append(f"resume {name}")


def test_as_many_begin_at_a_time_as_is_said() -> None:
    starter = Starter()
    starts = Starts(starter, 2)
    for name in ("a", "b", "c"):
        starts.begin(name, {}, False, [])
    assert starter.said == ["start a", "start b", "await a", "start c"]
    starts.finish()
    assert starter.said[4:] == ["await b", "await c"]
    starts.finish()
    assert len(starter.said) == 6


def test_as_many_as_this_process_has_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 5, 7})
    starter = Starter()
    starts = Starts(starter)
    for name in "abcd":
        starts.begin(name, {}, False, [])
    assert starter.said == ["start a", "start b", "start c", "await a", "start d"]


@pytest.mark.parametrize(
    ("paused", "steps", "said"),
    [
        (False, DOWN, ["start a paused", "await a", "tell a", "resume a"]),
        (True, DOWN, ["start a paused", "await a", "tell a"]),
        (True, [], ["start a paused", "await a"]),
    ],
)
def test_what_is_set_before_the_first_instruction(paused: bool, steps: Any, said: Any) -> None:
    starter = Starter()
    starts = Starts(starter, 4)
    starts.begin("a", {}, paused, steps)
    starts.finish()
    assert starter.said == said


def test_one_that_dies_is_told_and_no_more_begin() -> None:
    starter = Starter(dies="a")
    starts = Starts(starter, 1)
    starts.begin("a", {}, False, [])
    with pytest.raises(GuestError, match="it died"):
        starts.begin("b", {}, False, [])
    assert starter.said == ["start a", "await a"]


def test_a_guest_that_does_not_come_up_is_told_with_what_its_serial_line_said_since(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    log.write_text("an earlier start\n", encoding="ascii")
    starts = Starts(Starter("b"), 4)
    starts.begin("b", {"serial_log": str(log)}, False, [])
    with log.open("a", encoding="ascii") as stream:
        stream.write("Kernel panic.\n")
    with pytest.raises(GuestError) as found:
        starts.finish()
    assert str(found.value) == "it died Its serial line ended with: Kernel panic."
