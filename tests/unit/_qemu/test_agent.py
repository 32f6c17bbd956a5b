# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest agent's client against an agent that behaves as badly as a guest can."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import agent
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.agent import Agent
from ansible_collections.hypervisor.network.tests.harness.model.guest_agent import (
    LIMIT,
    SYNC,
    FakeAgent,
    refusing,
)

FREEZE, THAW = "guest-fsfreeze-freeze", "guest-fsfreeze-thaw"
SOON = 0.3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(agent.socket_of(str(tmp_path)))


@pytest.mark.parametrize("stale", [b"", b'{"return": 1}\n', b'no json\n[]\n{"return"', b'\xff{"error": {}}\n', b"[" * 100_000 + b"\n"])  # fmt: skip
def test_what_an_earlier_talk_left_behind_is_no_answer(path: Path, stale: bytes) -> None:
    with FakeAgent(path, {"guest-ping": {"return": "now"}}, stale), Agent(str(path), SOON) as one:
        assert one.call("guest-ping") == "now"


@pytest.mark.parametrize("stale", [b"x" * (2 * 1024 * 1024), b'{"return": 1}\n' * 10])
def test_an_agent_that_does_not_synchronise(path: Path, stale: bytes) -> None:
    begin = time.monotonic()
    with FakeAgent(path, {SYNC: None}, stale), pytest.raises(DeadlineExceeded, match="does not answer"):  # fmt: skip
        Agent(str(path), SOON)
    assert time.monotonic() - begin < 5


def test_nobody_listens_and_no_answer(path: Path) -> None:
    with pytest.raises(DeadlineExceeded, match="No such file"):
        Agent(str(path))
    with FakeAgent(path, {"guest-ping": None}), Agent(str(path), SOON) as one:
        with pytest.raises(DeadlineExceeded):
            one.call("guest-ping")


@pytest.mark.parametrize("error", [{"desc": "no\nway"}, "no way", {"class": "no way"}])
def test_a_refusal_in_its_own_words(path: Path, error: object) -> None:
    with FakeAgent(path, {"guest-ping": {"error": error}}), Agent(str(path), SOON) as one:
        with pytest.raises(GuestError, match="refuses guest-ping: .*no way"):
            one.call("guest-ping", path="/")


def hold(path: Path, told: list[str], fail: bool = False) -> agent.Held:
    with agent.frozen(str(path), lambda: told.append("held"), lambda: told.append("let go")) as held:  # fmt: skip
        told.append("within")
        if fail:
            raise ValueError
    return held


def test_file_systems_are_held_still_and_let_go(path: Path) -> None:
    told: list[str] = []
    with FakeAgent(path) as fake:
        assert hold(path, told).note is None
        assert fake.seen == [FREEZE, THAW] and not fake.frozen
    assert told == ["held", "within", "let go"]


def test_file_systems_are_let_go_whatever_fails(path: Path) -> None:
    told: list[str] = []
    with FakeAgent(path) as fake:
        with pytest.raises(ValueError):
            hold(path, told, fail=True)
        assert not fake.frozen and told[-1] == "let go"
    path.unlink()
    with FakeAgent(path, {FREEZE: refusing("a hook failed")}) as fake:
        with pytest.raises(GuestError, match="a hook failed"):
            hold(path, told)
        assert fake.seen == [FREEZE, THAW] and told[-2:] == ["held", "let go"]


def test_a_guest_that_let_go_by_itself_after_ten_seconds(path: Path) -> None:
    told: list[str] = []
    with FakeAgent(path, {THAW: refusing(LIMIT)}):
        note = hold(path, told).note
    assert note is not None and LIMIT in note and told == ["held", "within", "let go"]


def test_a_thaw_that_is_not_answered_is_remembered(path: Path, monkeypatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(agent, "_ANSWER", SOON)
    with FakeAgent(path, {THAW: None}):
        note = hold(path, told).note
    assert note is not None and "does not answer" in note and told == ["held", "within"]
