# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starting a guest does around QEMU. The starts themselves are in tests/faults, where there is a QEMU to start."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, systemd
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    adoption,
    needs,
    rundir,
    scopes,
    unit_file,
    unit_setting,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.apply import GuestNoun
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    with_defaults,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervisor import Supervisor
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import Units

from .test_unit import SETTING, Systemctl, shown


@pytest.mark.parametrize(
    ("records", "pids"),
    [
        ({"process.json": 4711}, [4711]),
        ({"process.json": 4711, "serial_log.json": 4712}, [4711, 4712]),
    ],
)
def test_12_8_qemu_and_the_writer_of_its_log_leave_the_session_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: dict[str, int], pids: list[int]
) -> None:
    directory = rundir.RunDirectory("vm1", str(tmp_path))
    directory.make_trusted()
    for name, pid in records.items():
        directory.store(name, procfs.Identity(pid, 1, "b").as_dict())
    entered = []
    monkeypatch.setattr(systemd, "enter", lambda name, who: entered.append((name, list(who))))
    Supervisor(str(tmp_path))._leave_session("vm1", directory)
    assert entered == [("hypervisor-network-guest-vm1-4711", pids)]


def test_12_8_a_guest_that_is_gone_already_enters_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = rundir.RunDirectory("vm1", str(tmp_path))
    directory.make_trusted()
    monkeypatch.setattr(systemd, "enter", lambda name, who: pytest.fail(name))
    Supervisor(str(tmp_path))._leave_session("vm1", directory)


@pytest.mark.parametrize("user", ["root", "0"])
def test_12_3_root_is_refused_before_anything_is_looked_at(tmp_path: Path, user: str) -> None:
    spec = {"emulator": "/bin/true", "user": user, "disks": [], "nics": [], "accel": "tcg"}
    with pytest.raises(Refused, match="allow_root"):
        Supervisor(str(tmp_path)).check("vm1", spec, {})


class OfUnits(Supervisor):
    """Keeps guests by a systemd that notes what it is asked, and starts each of them at once."""

    def check(self, *_asked: Any) -> None:
        """There is nothing to object."""

    def _accel(self, *_asked: Any) -> tuple[str, str]:
        return "tcg", "asked for"

    def _fitted(self, *_asked: Any) -> Any:
        return SimpleNamespace(machine="pc-1")

    @staticmethod
    def _unanswered(*_asked: Any) -> None:
        """It answers."""


@pytest.fixture
def systemctl() -> Systemctl:
    asked = Systemctl()
    asked.answers["show"] = shown()
    return asked


@pytest.fixture
def supervisor(tmp_path: Path, systemctl: Systemctl, monkeypatch: pytest.MonkeyPatch) -> OfUnits:
    monkeypatch.setattr(unit_setting, "of", lambda *_asked: SETTING)
    monkeypatch.setattr(needs, "user_of", lambda *_asked: pwd.getpwnam("nobody"))
    monkeypatch.setattr(OfUnits, "uid_of", lambda *_asked: 0)
    (tmp_path / "etc").mkdir()
    run = str(tmp_path / "run")
    manager = systemd.Manager(systemctl, lambda name: f"/bin/{name}", str(tmp_path))
    units = Units(run, manager, str(tmp_path / "etc"), str(tmp_path / "control"))
    return OfUnits(run, kept_root=str(tmp_path / "kept"), units=units)


def carried_out(
    supervisor: OfUnits,
    state: str,
    names: list[str],
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, list[dict[str, Any]]]:
    """What was done to end each, where something was."""
    spec = {**with_defaults({}), "supervisor": "systemd", "nics": [], "shutdown_timeout": 0}
    spec.update(options or {})
    wishes = [Wish(name, state, spec, supervisor="systemd", **more) for name in names]
    noun = GuestNoun(supervisor, SimpleNamespace, wishes, lambda _path: True)  # type: ignore[arg-type]
    now = noun.read()
    noun.apply(noun.plan(now, wishes), now)
    return noun.stop_steps


def test_systemd_reads_its_units_once_for_all_that_start_and_once_for_all_that_go(
    supervisor: OfUnits, systemctl: Systemctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are started as many at a time as there are processors, here four."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(4)))
    names = [f"vm{number}" for number in range(40)]
    carried_out(supervisor, "running", names)
    verbs = Counter(systemctl.verbs)
    assert verbs["daemon-reload"] == 1 and verbs["start"] == 10
    started = [unit for asked in systemctl.asked if asked[0] == "start" for unit in asked[1:]]
    assert started == [unit_file.unit(name) for name in names]
    first = systemctl.verbs.index("start")
    assert "daemon-reload" in systemctl.verbs[:first], "systemd starts what it has not read"
    assert verbs["show"] < 10 + 5
    systemctl.answers["show"] = shown(ActiveState="inactive", MainPID="0")
    systemctl.asked.clear()
    carried_out(supervisor, "absent", names)
    assert Counter(systemctl.verbs)["daemon-reload"] == 1
    assert not list((tmp_path / "etc").glob("*@vm*"))


def test_a_guest_that_is_not_started_since_another_failed_is_known_as_begun(
    supervisor: OfUnits, systemctl: Systemctl, tmp_path: Path
) -> None:
    """Its unit is written by then, and would begin with the host."""
    systemctl.answers["start"] = lambda asked: Done(1, "", "no")
    spec = {**with_defaults({}), "supervisor": "systemd", "nics": []}
    wishes = [Wish(name, "running", spec, supervisor="systemd") for name in ("vm1", "vm2")]
    noun = GuestNoun(supervisor, SimpleNamespace, wishes, lambda _path: True)  # type: ignore[arg-type]
    before = noun.read()
    changes = noun.plan(before, wishes)
    with pytest.raises(GuestError, match="vm1 is not started"):
        noun.apply(changes, before)
    assert list((tmp_path / "etc").glob("*@vm2*"))
    systemctl.answers["show"] = shown(ActiveState="inactive", MainPID="0")
    back = noun.wish_back(before, changes)
    now = noun.read()
    noun.apply(noun.plan(now, back), now)
    assert not list((tmp_path / "etc").rglob("*@vm*"))


def test_units_that_are_stopped_power_down_side_by_side_and_systemd_is_told_once(
    supervisor: OfUnits, systemctl: Systemctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is asked when all have been asked, which one after the other never are."""
    names = [f"vm{number}" for number in range(5)]
    carried_out(supervisor, "running", names)
    asked = threading.Barrier(len(names), timeout=30)
    with run_as(names, supervisor, systemctl, monkeypatch, lambda _name: asked.wait()):
        steps = carried_out(supervisor, "stopped", names, shutdown_timeout=60.0)
    assert {name: [step["outcome"] for step in said] for name, said in steps.items()} == {
        name: ["ended"] for name in names
    }
    verbs = Counter(systemctl.verbs)
    assert verbs["stop"] == verbs["reset-failed"] == 1


def test_units_that_are_stopped_keep_the_order_of_their_starts(
    supervisor: OfUnits, systemctl: Systemctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["vm1", "vm2", "vm3"]
    for place, name in enumerate(names, 1):
        carried_out(supervisor, "running", [name], options={"start_order": place})
    asked: list[str] = []
    with run_as(names, supervisor, systemctl, monkeypatch, asked.append):
        carried_out(supervisor, "stopped", names, shutdown_timeout=60.0)
    assert asked == names[::-1]


@contextlib.contextmanager
def run_as(
    names: list[str],
    supervisor: OfUnits,
    systemctl: Systemctl,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str], object],
) -> Iterator[None]:
    """Units of these names have processes, which end once they are asked to and C(asked) has come back."""
    pids = {name: subprocess.Popen(["sleep", "600"]) for name in names}

    def ask(directory: rundir.RunDirectory) -> None:
        name = os.path.basename(directory.public)
        asked(name)
        pids[name].terminate()

    def show(words: Sequence[str]) -> Done:
        units = words[words.index("--") + 1 :] if "--" in words else [""]
        own = [re.sub(r".*@|\.service", "", unit) for unit in units]
        blocks = [f"ActiveState=active\nSubState=running\nMainPID={pids[one].pid if one in pids else 0}\n" for one in own]  # fmt: skip
        return Done(0, "\n".join(blocks))

    monkeypatch.setattr(supervisor, "_ask_guest", ask)
    systemctl.answers["show"] = show
    systemctl.asked.clear()
    try:
        yield
    finally:
        for one in pids.values():
            one.kill()
            one.wait()


def test_h14_what_asked_an_adopted_guest_before_asks_nobody_as_it_is_made_anew(
    supervisor: OfUnits, systemctl: Systemctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told that there is no time before it is stopped, and what comes after it reads no such word; a run that is killed meanwhile is known as none."""
    directory = supervisor.directory("vm1")
    directory.define({"spec": with_defaults({})})
    who = procfs.Process(os.getpid()).identity()
    assert who is not None
    directory.make_trusted()
    directory.store("process.json", who.as_dict())
    directory.store(scopes.RECORD, {"seconds": 60})
    said = Path(directory.trusted, "start.env")
    seen: list[object] = []

    hasten = supervisor._units.hasten

    def hastened(places: rundir.RunDirectory) -> str:
        seen.append(directory.load(scopes.RECORD))
        return hasten(places)

    def leave(*_asked: Any) -> None:
        seen.append("HVN_GRACE=0\n" in said.read_text("ascii"))

    def adopt(*asked: Any) -> None:
        seen.extend([said.exists(), asked[5:7]])

    monkeypatch.setattr(supervisor._units, "hasten", hastened)
    monkeypatch.setattr(adoption, "leave", leave)
    monkeypatch.setattr(adoption, "adopt", adopt)
    supervisor.adopt("vm1", 5.0)
    assert seen == [None, True, False, (5.0, str(said))]
    assert directory.load(scopes.RECORD) == {"seconds": 5.0}
