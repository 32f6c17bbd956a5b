# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many monitors that are asked at the same time, and some of them behave badly."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import survey
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.survey import ask_each
from ansible_collections.hypervisor.network.tests.harness.model.monitors import Server, serving
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

SOON = 0.3  # seconds that are long enough to answer, and short enough to wait for


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    with serving(tmp_path) as make:
        yield make


QUESTIONS = [("query-status", {}), ("qom-list", {"path": "/"}), ("query-block", {})]


def in_order(request: dict[str, Any]) -> list[Any]:
    """One of the questions refused, and an event in between; none has a number, and none says what it does not have to."""
    assert request.keys() <= {"execute", "arguments"} and request.get("arguments") != {}
    if request["execute"] == "qom-list":
        return [{"event": "RESET"}, {"error": {"desc": "no"}}]
    return [{"return": request["execute"]}]


SAID = ["query-status", None, "query-block"], "7.2.0"


def test_several_monitors_are_asked_side_by_side(serve: Callable[..., Server]) -> None:
    """One that never greets costs the others nothing, and all that say nothing cost one deadline together."""
    mute = [serve(greeting=None) for _number in range(4)]
    well = [serve(answer=in_order) for _number in range(3)]
    begin = time.monotonic()
    deadline = (
        1.5  # one after the other four would take 6 s, and no busy machine makes so much of one
    )
    found = ask_each({one.path: QUESTIONS for one in (*mute, *well)}, deadline)
    assert found == {one.path: SAID for one in well}
    assert deadline * 0.9 <= time.monotonic() - begin < deadline * 4


def test_who_answers_all_is_not_waited_for(serve: Callable[..., Server]) -> None:
    begin = time.monotonic()
    assert len(ask_each({serve(answer=in_order).path: QUESTIONS}, 60)) == 1
    assert time.monotonic() - begin < 30


def test_what_has_come_when_the_time_is_over_is_heard(serve: Callable[..., Server]) -> None:
    """This process may have been held still meanwhile."""
    server = serve(answer=in_order)
    times = iter([0.0, 1000.0])

    def clock() -> float:
        now = next(times)
        if now:
            wait_for(lambda: len(server.seen) == 4, "the questions", 60)
            wait_for(lambda: server.said == 6, "the answers", 60)
        return now

    assert ask_each({server.path: QUESTIONS}, 500, clock) == {server.path: SAID}


@pytest.mark.parametrize(
    "wrong",
    [
        {"greeting": {"hello": 1}},
        {"greeting": b"SSH-2.0\n"},
        {"greeting": b"x" * 200},
        {"answer": lambda _request: [None]},
        {"answer": lambda _request: [b"[]\n"]},
    ],
)
def test_a_monitor_that_says_what_is_no_qmp_says_nothing(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    monkeypatch.setattr(survey, "LONGEST_LINE", 150)
    one, other = serve(**wrong), serve(answer=in_order)
    begin = time.monotonic()
    assert ask_each({one.path: QUESTIONS, other.path: QUESTIONS}, 60).keys() == {other.path}
    assert time.monotonic() - begin < 30


def test_a_monitor_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert ask_each({str(tmp_path / "none"): QUESTIONS}, 60) == {}


def test_a_monitor_at_which_too_many_wait_says_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(str(tmp_path / "full"))
        listener.listen(0)
        for _number in range(3):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(str(tmp_path / "full"))
        assert ask_each({str(tmp_path / "full"): QUESTIONS}, 60) == {}


def test_a_line_that_is_nested_without_an_end_is_no_qmp() -> None:
    """A guest that took its QEMU over writes there whatever it wants."""
    with pytest.raises(GuestError, match="does not speak QMP"):
        survey.parsed("/run/guest", b"[" * 100_000)
