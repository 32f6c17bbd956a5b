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
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import State

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
    assert reader.there() == [] and reader.read("vm1").status == "absent"


def test_a_process_whose_definition_somebody_took_away_is_no_guest_that_is_absent(
    directory: rundir.RunDirectory, reader: Status
) -> None:
    directory.drop("guest.json")
    assert reader.read("vm1").status == "absent"
    directory.store("process.json", {**this_process().as_dict(), "start_time": 1})
    assert reader.read("vm1").status == "absent"
    directory.store("process.json", this_process().as_dict())
    found = reader.read("vm1")
    assert (found.status, found.pid, found.spec) == ("unresponsive", os.getpid(), {})
    assert reader.there() == [found]


def test_a_guest_that_was_stopped(directory: rundir.RunDirectory, reader: Status) -> None:
    found = reader.read("vm1")
    assert (found.status, found.spec, found.accel) == ("stopped", SPEC, "tcg")
    assert [one.name for one in reader.there()] == ["vm1"]


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


def answering(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], *sockets: str) -> None:
    """Have these monitors, or all, give these answers."""

    def ask_each(asked: Any, _seconds: float) -> dict[str, Any]:
        return {
            path: ([answers.get(command) for command, _arguments in questions], "7.2.22")
            for path, questions in asked.items()
            if not sockets or path in sockets
        }

    monkeypatch.setattr(status, "ask_each", ask_each)


def test_a_monitor_that_answers(
    directory: rundir.RunDirectory, reader: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, Any] = {"query-status": {"status": "running"}}
    directory.store("process.json", this_process().as_dict())
    answering(monkeypatch, answers)
    assert reader.read("vm1").status == "running"
    assert reader.read("vm1").seen is None, "concluded from no answer"
    answers |= {"qom-list": [], "query-block": [], "human-monitor-command": ""}
    found = reader.read("vm1").seen
    assert found is not None and found.version == "7.2.22"
    answers["query-status"] = "what?"
    assert reader.read("vm1").status == "unresponsive"


def test_another_client_that_holds_the_first_monitor_is_gone_round(
    directory: rundir.RunDirectory, reader: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.store("process.json", this_process().as_dict())
    answering(monkeypatch, {"query-status": {"status": "running"}}, directory.sockets[1])
    assert reader.read("vm1").status == "running"


def test_guests_are_asked_together_but_for_more_than_can_be_open_at_once(
    directory: rundir.RunDirectory, reader: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], float]] = []
    names = ["vm1", "vm2", "vm3", "vm4"]
    for name in names[1:]:
        rundir.RunDirectory(name, directory.root).define({"spec": SPEC})

    def ask_each(paths: Any, seconds: float) -> dict[str, Any]:
        asked.append(([os.path.relpath(path, directory.root) for path in paths], seconds))
        return {path: ([{}], None) for path in paths if "vm2" not in path}

    monkeypatch.setattr(status, "ask_each", ask_each)
    monkeypatch.setattr(status, "_AT_ONCE", 3)
    reader.read_all([*names, "nobody"])
    first = [f"{name}/qmp.sock" for name in names]
    assert asked == [(first[:3], 0.1), (first[3:], 0.1), (["vm2/spare.sock"], 0.1)]


def test_what_there_is_room_for_is_asked_of_those_that_are_changed_alone(
    directory: rundir.RunDirectory, reader: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.store("process.json", this_process().as_dict())
    answers = {"query-status": {"status": "running"}, "query-block": [], "human-monitor-command": "",
               "qom-list": [{"name": "scsi0", "type": "child<x>"}]}  # fmt: skip
    answering(monkeypatch, answers)
    for plugging, wanted in (((), set()), (("vm1",), {"scsi0"})):
        found = reader.read_all(["vm1"], plugging)["vm1"].seen
        assert found is not None and found.devices == wanted


def test_a_disk_that_holds_the_guest_still_is_told_by_its_path(
    directory: rundir.RunDirectory, reader: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"disk0-dev": "ok", "disk1-dev": "nospace", "disk10-dev": "failed", "x": "failed"}
    inserted = {"node-name": "n", "drv": "raw", "ro": False}
    blocks = [
        {
            # of a disk that is no virtio-blk it is the name alone
            "qdev": device if device == "disk1-dev" else f"/machine/peripheral/{device}",
            "io-status": state,
            "inserted": {
                **inserted,
                "file": f"/srv/{device}",
                "image": {"filename": f"/srv/{device}"},
            },
        }
        for device, state in states.items()
    ]
    paths = [f"/srv/{device}" for device in states if device != "x"]
    directory.define({"spec": {**SPEC, "disks": [{"path": path} for path in paths]}})
    directory.store("process.json", this_process().as_dict())
    answers: dict[str, Any] = {
        "query-status": {"status": "io-error"},
        "qom-list": [{"name": device, "type": "child<x>"} for device in states],
        "query-block": [*blocks, {"device": "floppy"}],
        "human-monitor-command": "",
    }
    answering(monkeypatch, answers)
    found = reader.read("vm1")
    full, broken = found.problems
    assert found.status == "io-error"
    assert "disk1-dev" in full and "is full; make room there; then run qemu_guest again" in full
    assert "disk10-dev" in broken and "failed" in broken
    answers["query-block"] = None
    assert reader.read("vm1").problems == ()


UNIT = {**SPEC, "supervisor": "systemd", "autostart": True}


class SomeUnits:
    """Units of which systemd says what a test wants."""

    def __init__(self, **state: Any) -> None:
        own = {"active": "active", "sub": "running", "pid": 0, "result": "success", "code": "0"}
        own.update({"status": "0", "invocation": "abc", "job": False})
        self.state = State(**{**own, **state})
        self.asked: list[list[str]] = []
        self.files: set[str] = set()

    def written(self, name: str) -> bool:
        return name in self.files

    def read(self, names: list[str]) -> dict[str, State]:
        self.asked.append(list(names))
        return dict.fromkeys(names, self.state)

    def enabled(self, _name: str) -> bool:
        return False

    def edited(self, _name: str, digest: str | None) -> list[str]:
        return [] if digest == "as written" else ["/etc/x"]

    def held(self, _name: str) -> bool:
        return False

    def said(self, _state: State) -> str:
        return "qemu: no tap"


def of_unit(directory: rundir.RunDirectory, units: SomeUnits, digest: str = "as written") -> Any:
    directory.define({"spec": UNIT, "unit": digest})
    return Status(directory.root, 0.2, units=units).read("vm1")


def test_a_unit_that_runs(directory: rundir.RunDirectory) -> None:
    found = of_unit(directory, SomeUnits(pid=os.getpid()))
    assert (found.status, found.pid, found.kept_by) == ("unresponsive", os.getpid(), "systemd")
    assert (found.unit, found.unit_state) == (
        "hypervisor-network-guest@vm1.service",
        "active (running)",
    )


def test_a_unit_whose_definition_somebody_took_away_is_no_guest_that_is_absent_while_it_runs(
    tmp_path: Path,
) -> None:
    for state, expected in (
        ({"pid": os.getpid()}, ("unresponsive", os.getpid(), "systemd", {})),
        ({"active": "inactive"}, ("absent", None, None, {})),
    ):
        units = SomeUnits(**state)
        status = Status(str(tmp_path), 0.2, units=units)
        assert status.read("vm1").status == "absent" and units.asked == [[]]
        units.files.add("vm1")
        found = status.read("vm1")
        assert (found.status, found.pid, found.kept_by, found.spec) == expected
        assert units.asked[-1] == ["vm1"]


def test_whether_it_begins_with_the_host_is_what_the_host_says(
    directory: rundir.RunDirectory,
) -> None:
    assert of_unit(directory, SomeUnits()).spec == {**UNIT, "autostart": False}


def test_a_unit_that_was_edited(directory: rundir.RunDirectory) -> None:
    assert of_unit(directory, SomeUnits()).edited == ()
    assert of_unit(directory, SomeUnits(), "another").edited == ("/etc/x",)


def test_a_unit_that_does_not_run(directory: rundir.RunDirectory) -> None:
    found = of_unit(directory, SomeUnits(active="inactive", sub="dead"))
    assert (found.status, found.kept_by, found.pid) == ("stopped", None, None)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"result": "exit-code", "status": "1"}, "QEMU ended with exit status 1: qemu: no tap"),
        ({"result": "signal", "code": "2", "status": "9"}, "killed by signal 9"),
        ({"result": "oom-kill"}, "out of memory: the kernel killed it"),
    ],
)
def test_a_unit_that_failed(
    directory: rundir.RunDirectory, state: dict[str, Any], why: str
) -> None:
    found = of_unit(directory, SomeUnits(active="failed", **state))
    assert (found.status, found.crash_reason) == ("crashed", why)


def test_trap_5_one_that_is_held_back_says_why(directory: rundir.RunDirectory) -> None:
    units = SomeUnits(active="inactive", sub="dead")
    units.held = lambda _name: True  # type: ignore[method-assign]
    found = of_unit(directory, units)
    assert found.unit_state == "inactive (dead, held back, since its disks got other images)"


def test_h11_one_that_the_kernel_killed_before_systemd_looked_why(
    directory: rundir.RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = status.processes
    monkeypatch.setattr(killed, "killed_for_memory", lambda who: who.pid == 4711)
    state = {"active": "failed", "result": "signal", "code": "2", "status": "9"}
    for pid, why in ((4711, "out of memory: the kernel killed it"), (5, "killed by signal 9")):
        found = of_unit(directory, SomeUnits(last_pid=pid, **state))
        assert found.crash_reason == why


def test_systemd_is_asked_of_units_alone_and_once(directory: rundir.RunDirectory) -> None:
    units = SomeUnits()
    status = Status(directory.root, 0.2, units=units)
    assert status.read("vm1").status == "stopped"
    for name in ("vm2", "vm3"):
        rundir.RunDirectory(name, directory.root).define({"spec": UNIT, "unit": "x"})
    assert sorted(status.read_all(["vm1", "vm2", "vm3"])) == ["vm1", "vm2", "vm3"]
    assert units.asked[-1] == ["vm2", "vm3"] and len(units.asked) == 2
    assert [one.name for one in status.there()] == ["vm1", "vm2", "vm3"]
    assert [one.name for one in status.there("vm2")] == ["vm2"] == units.asked[-1]


def test_h14_a_process_of_an_earlier_version_is_none_of_systemd_s(
    directory: rundir.RunDirectory,
) -> None:
    directory.store("process.json", this_process().as_dict())
    found = of_unit(directory, SomeUnits(active="inactive"))
    assert (found.pid, found.kept_by) == (os.getpid(), "process")


def test_without_systemd_a_unit_does_not_run(directory: rundir.RunDirectory) -> None:
    units = SomeUnits()
    units.read = lambda _names: {}  # type: ignore[method-assign]
    assert of_unit(directory, units).status == "stopped"
