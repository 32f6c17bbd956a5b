# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running guest is told, by a monitor that notes it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import commands
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import Card, Seen


class Monitor:
    """Notes what it is told; the guest is in that state."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.told: list[str] = []

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_error: object) -> None:
        """It is closed."""

    def execute(self, command: str, _timeout: float = 0.0, **_arguments: Any) -> Any:
        if command in ("human-monitor-command", "query-block", "query-named-block-nodes"):
            return []  # a look at what an earlier run left
        self.told.append(command)
        return {"status": self.status}


@pytest.fixture(params=["running", "paused"])
def monitor(request: Any, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    one = Monitor(request.param)
    monkeypatch.setattr(commands, "connect_any", lambda _sockets, _deadline: one)
    return one


def test_a_guest_is_held_still_and_let_go_on(tmp_path: Path, monitor: Monitor) -> None:
    guests = commands.Commands(str(tmp_path))
    guests.pause("vm1")
    guests.resume("vm1")
    assert monitor.told == ["stop", "cont"]


def test_a_guest_that_does_not_run_goes_on_to_shut_down(tmp_path: Path, monitor: Monitor) -> None:
    guests = commands.Commands(str(tmp_path))
    guests._ask_guest(guests.directory("vm1"))
    goes_on = ["cont"] if monitor.status == "paused" else []
    assert monitor.told == ["query-status", *goes_on, "system_powerdown"]


def test_a_guest_takes_over_what_it_can(
    tmp_path: Path, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = SimpleNamespace(disk=None)
    fake = SimpleNamespace(user_of=lambda *_asked: None, look=lambda *_asked: look)
    monkeypatch.setattr(commands, "needs", fake)
    guests = commands.Commands(str(tmp_path))
    guests.adjust("vm1", {}, [("set_link", {"name": "nic0"})], 1.0)
    assert monitor.told == ["set_link"]
    guests._store_slots("vm1", {}, {})
    assert guests.directory("vm1").definition() is None, "it does not run any more"
    plugger = SimpleNamespace(run=lambda _steps: None, slots=lambda: {"nic0": {"addr": "5.0"}})
    monkeypatch.setattr(commands.plug, "Plugger", lambda *_asked: plugger)
    there = Guest("vm1", "running", seen=Seen((Card("nic0", "m", "e1000", "tap1"),)))
    monkeypatch.setattr(guests, "read", lambda _name: there)
    guests.directory("vm1").define({"machine": "pc-1"})
    guests.adjust("vm1", {"nics": [{"mac": "m", "tap": "tap1"}]}, [("unplug", {})], 1.0)
    record = guests.directory("vm1").definition()
    known = {"machine": "pc-1", "of": {"nic:m": {"addr": "5.0"}}}
    assert record == {"machine": "pc-1", "slots": known}
    guests.directory("vm1").define({"machine": "pc-1"})
    assert guests.directory("vm1").definition() == record, "a definition forgets where devices are"
