# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that end when they are asked, when they are told, or never; many of them at the same time."""

from __future__ import annotations

import dataclasses
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import termination
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.termination import (
    Ending,
    end_all,
)

Child = subprocess.Popen  # of sleep, or of a shell that is deaf to SIGTERM
DEAF = ["sh", "-c", "trap '' TERM; echo; exec sleep 600"]
PATIENCE = 30.0


@pytest.fixture
def child() -> Iterator[Callable[..., Child[bytes]]]:
    made: list[Child[bytes]] = []

    def make(*words: str) -> Child[bytes]:
        made.append(subprocess.Popen(words or ["sleep", "600"], stdout=subprocess.PIPE))
        return made[-1]

    yield make
    for one in made:
        one.kill()
        one.communicate()


@pytest.fixture
def hanging(child: Callable[..., Child[bytes]], monkeypatch: pytest.MonkeyPatch) -> Child[bytes]:
    """One that no signal reaches, and nobody waits long for."""
    monkeypatch.setattr(termination, "_TERM_DEADLINE", 0.1)
    monkeypatch.setattr(termination, "_KILL_DEADLINE", 0.1)
    one, send = child(), procfs.send_signal
    monkeypatch.setattr(
        procfs, "send_signal", lambda who, number: None if who.pid == one.pid else send(who, number)
    )
    return one


def of(child: Child[bytes], ask: Callable[[], None] = lambda: None, grace: float = 0.0) -> Ending:
    who = procfs.Process(child.pid).identity()
    assert who is not None
    return Ending(who, ask, grace)


def words(found: object) -> list[tuple[str, str]]:
    assert isinstance(found, list), found
    return [(step.step, step.outcome) for step in found]


def test_nobody() -> None:
    assert end_all({}) == {}


def test_h05_a_guest_is_asked_then_told_then_killed(
    child: Callable[..., Child[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(termination, "_TERM_DEADLINE", 0.2)
    willing, unwilling, deaf = child(), child(), child(*DEAF)
    deaf.stdout.read(1)
    found = end_all(
        {
            "willing": of(willing, willing.terminate, PATIENCE),
            "unwilling": of(unwilling, grace=0.2),
            "deaf": of(deaf, grace=0.1),
            "not asked": of(child(), lambda: pytest.fail("it was asked")),
        }
    )
    assert {name: words(one) for name, one in found.items()} == {
        "willing": [("system_powerdown", "ended")],
        "unwilling": [("system_powerdown", "still running"), ("SIGTERM", "ended")],
        "deaf": [
            ("system_powerdown", "still running"),
            ("SIGTERM", "still running"),
            ("SIGKILL", "ended"),
        ],
        "not asked": [("SIGTERM", "ended")],
    }


def test_all_are_asked_before_one_is_waited_for(child: Callable[..., Child[bytes]]) -> None:
    """Each question comes back when all have been asked, which one after the other never are."""
    asked = threading.Barrier(40, timeout=PATIENCE)
    them = {f"vm{number}": child() for number in range(40)}

    def ask(one: Child[bytes]) -> None:
        asked.wait()
        one.terminate()

    endings = {name: of(one, lambda one=one: ask(one), 2 * PATIENCE) for name, one in them.items()}
    found = end_all(endings)
    assert list(found) == list(them)
    assert all(words(one) == [("system_powerdown", "ended")] for one in found.values())


def test_the_last_place_ends_first_those_of_one_side_by_side_and_those_without_beside_all(
    child: Callable[..., Child[bytes]],
) -> None:
    """One without a place ends after all others, two of a place when both were asked, and who was asked finds those of a later place gone."""
    places = {"db": 1, "app": 2, "web": 3, "cache": 3, "test": None}
    them = {name: child() for name in places}
    both, without, seen = threading.Barrier(2, timeout=PATIENCE), threading.Event(), {}

    def ask(name: str) -> None:
        seen[name] = {one for one, made in them.items() if made.poll() is None}
        if places[name] == 3:
            both.wait()
        if name == "test":
            assert without.wait(PATIENCE)
        them[name].terminate()
        if name == "db":
            without.set()

    found = end_all(
        {
            name: dataclasses.replace(
                of(them[name], lambda name=name: ask(name), 2 * PATIENCE), place=place
            )
            for name, place in places.items()
        }
    )
    assert list(found) == list(places)
    assert all(words(one) == [("system_powerdown", "ended")] for one in found.values())
    assert seen["app"] == {"db", "app", "test"} and seen["db"] == {"db", "test"}


def test_one_that_lives_on_holds_nobody_up_for_ever(
    child: Callable[..., Child[bytes]], hanging: Child[bytes]
) -> None:
    other = child()
    last = dataclasses.replace(of(hanging), place=2)
    found = end_all({"vm1": dataclasses.replace(of(other), place=1), "vm2": last})
    assert isinstance(found["vm2"], GuestError) and words(found["vm1"])[-1][1] == "ended"


def test_each_has_its_own_deadline(child: Callable[..., Child[bytes]]) -> None:
    """The second is told when its time is over, which is why the first ends within its own, which is longer."""
    first, second = child(), child()
    waits = threading.Thread(target=lambda: (second.wait(), first.terminate()))
    waits.start()
    found = end_all({"vm1": of(first, grace=PATIENCE), "vm2": of(second, grace=0.2)})
    waits.join()
    assert words(found["vm1"]) == [("system_powerdown", "ended")]
    assert words(found["vm2"])[-1] == ("SIGTERM", "ended")


def test_a_question_that_fails_is_told_and_the_next_step_follows_at_once(
    child: Callable[..., Child[bytes]],
) -> None:
    def refuse() -> None:
        raise GuestError("no monitor")

    begin = time.monotonic()
    found = end_all({"vm1": of(child(), refuse, 2 * PATIENCE)})
    assert words(found["vm1"]) == [
        ("system_powerdown", "failed: no monitor"),
        ("SIGTERM", "ended"),
    ]
    assert time.monotonic() - begin < PATIENCE


def test_h01_one_that_somebody_killed_is_waited_for_and_no_step(
    child: Callable[..., Child[bytes]],
) -> None:
    one = child()
    ending = of(one, lambda: pytest.fail("it was asked"), PATIENCE)
    one.kill()
    one.wait()
    assert end_all({"vm1": ending}) == {"vm1": []}


def test_one_that_lives_on_is_told_and_the_others_are_ended(
    child: Callable[..., Child[bytes]], hanging: Child[bytes]
) -> None:
    other = child()
    found = end_all({"vm1": of(hanging), "vm2": of(other)})
    assert isinstance(found["vm1"], GuestError)
    assert "lives on after SIGKILL" in str(found["vm1"]) and str(hanging.pid) in str(found["vm1"])
    assert words(found["vm2"])[-1][1] == "ended"
