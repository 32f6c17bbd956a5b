# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a guest: by its records, a process and a monitor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir, status
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status

SPEC = {"memory": 64}


@pytest.fixture
def directory(tmp_path: Path) -> rundir.RunDirectory:
    made = rundir.RunDirectory("vm1", str(tmp_path))
    made.make_trusted()
    made.make_public(os.geteuid(), os.getegid())
    made.store("guest.json", {"spec": SPEC, "accel": "tcg", "accel_reason": "asked for"})
    return made


@pytest.fixture
def reader(tmp_path: Path) -> Status:
    return Status(str(tmp_path), 0.2)


def this_process() -> procfs.Identity:
    who = procfs.Process(os.getpid()).identity()
    assert who is not None
    return who


def test_a_guest_that_nobody_defined(reader: Status) -> None:
    assert reader.names() == [] and reader.read("vm1").status == "absent"


def test_a_guest_that_was_stopped(directory: rundir.RunDirectory, reader: Status) -> None:
    found = reader.read("vm1")
    assert (found.status, found.spec, found.accel) == ("stopped", SPEC, "tcg")
    assert reader.names() == ["vm1"]


def test_a_process_that_answers_no_monitor(directory: rundir.RunDirectory, reader: Status) -> None:
    directory.store("process.json", this_process().as_dict())
    found = reader.read("vm1")
    assert (found.status, found.pid) == ("unresponsive", os.getpid())


def test_a_process_that_is_gone(directory: rundir.RunDirectory, reader: Status) -> None:
    gone = {**this_process().as_dict(), "start_time": 1}
    directory.store("process.json", gone)
    assert reader.read("vm1").status == "stopped"
    Path(directory.pidfile).touch()
    assert reader.read("vm1").status == "crashed"
    directory.store("process.json", {**gone, "boot_id": "another"})
    assert reader.read("vm1").status == "stopped"


def test_a_process_that_ended_while_it_was_asked(
    directory: rundir.RunDirectory, reader: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.store("process.json", this_process().as_dict())
    answers = iter([True, False])
    monkeypatch.setattr(procfs.Identity, "alive", property(lambda _self: next(answers)))
    assert reader.read("vm1").status == "stopped"


def test_a_monitor_that_answers(
    directory: rundir.RunDirectory, reader: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Monitor:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def execute(self, _command: str) -> dict[str, str]:
            return {"status": "running"}

    directory.store("process.json", this_process().as_dict())
    monkeypatch.setattr(status, "connect_any", lambda _sockets, _deadline: Monitor())
    assert reader.read("vm1").status == "running"
