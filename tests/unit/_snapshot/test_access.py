# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run held a guest in is let go, each by what held it."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import access
from ansible_collections.hypervisor.network.tests.harness.model.records import Records


class Guest:
    """A guest that runs, in that status of QEMU's; C(told) is what its monitor and its agent were asked."""

    def __init__(self, patch: pytest.MonkeyPatch, status: str, note: str | None = None) -> None:
        self.records = Records(held={"frozen": True, "paused": True})
        self.told: list[str] = []
        self.status = status
        patch.setattr(access.monitor, "opened", lambda _sockets: nullcontext(self))
        patch.setattr(access.agent, "thaw", lambda path: self.told.append(f"thaw {path}") or note)
        spec: dict[str, Any] = {}
        found = SimpleNamespace(down=status == "stopped", spec=spec)
        self.access = access.Access(
            "vm1", SimpleNamespace(directory=lambda _name: self.records, read=lambda _name: found)
        )

    def ask(self, command: str) -> None:
        self.told.append(command)


def test_file_systems_and_processors_are_let_go_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(monkeypatch, "paused")
    assert guest.access.thaw() == []
    # a backup goes no further: the merge that holds the processors is not on record yet
    assert guest.records.kept == {"held.json": {"paused": True}}
    guest.access.resume()
    assert guest.told == ["thaw /nowhere/agent.sock", "cont"] and guest.records.kept == {}
    assert guest.access.thaw() == []
    guest.access.resume()
    assert len(guest.told) == 2


@pytest.mark.parametrize("status", ["running", "stopped"])
def test_one_that_is_not_held_any_more_is_only_forgotten(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    guest = Guest(monkeypatch, status)
    guest.access.resume()
    assert guest.told == [] and guest.records.kept == {"held.json": {"frozen": True}}


def test_a_thaw_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(monkeypatch, "running", "no answer")
    assert guest.access.thaw() == ["vm1 may still hold its file systems: no answer"]


def test_what_is_held_is_on_record_while_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(monkeypatch, "running")
    guest.records.kept.clear()

    class Silent:
        def __init__(self, _path: str) -> None:
            raise GuestError("nobody answers")

    monkeypatch.setattr(access.agent, "Agent", Silent)
    with pytest.raises(GuestError, match="nobody answers"):
        guest.access.check_agent()
    with pytest.raises(GuestError, match="nobody answers"), guest.access.freeze():
        raise AssertionError("it is not held")
    assert guest.records.kept == {}
    guest.access.pause(True)
    assert guest.records.kept == {"held.json": {"paused": True}}
    guest.access.pause(False)
    assert guest.records.kept == {}
