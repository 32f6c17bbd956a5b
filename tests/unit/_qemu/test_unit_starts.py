# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that are written, read and started together. What systemd does then is seen in tests/faults/test_h_systemd.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import systemd
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import Units
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit_starts import UnitStarts

from .test_unit import NAME, SETTING, SPEC, Systemctl, shown


@pytest.fixture
def systemctl(tmp_path: Path) -> Systemctl:
    (tmp_path / "etc").mkdir()
    return Systemctl()


@pytest.fixture
def starts(units: Units) -> UnitStarts:
    return UnitStarts(units)


@pytest.fixture
def units(tmp_path: Path, systemctl: Systemctl) -> Units:
    manager = systemd.Manager(systemctl, lambda name: f"/bin/{name}", str(tmp_path))
    return Units(str(tmp_path / "run"), manager, str(tmp_path / "etc"), str(tmp_path / "control"))


def test_a_start_is_not_delayed_and_forgets_what_was_set_before(
    starts: UnitStarts, units: Units, systemctl: Systemctl, tmp_path: Path
) -> None:
    systemctl.answers["show"] = shown()
    (tmp_path / "control" / f"{NAME}.d").mkdir(parents=True)
    directory = rundir.RunDirectory("vm1", str(tmp_path / "run"))
    starts.prepare("vm1", directory, paused=True)
    assert starts.awaits("vm1") and "start" not in systemctl.verbs
    assert starts.started("vm1").pid == os.getpid() and not starts.awaits("vm1")
    assert systemctl.verbs == ["daemon-reload", "show", "start", "show"]
    environment = Path(directory.trusted, "start.env")
    assert environment.read_text("ascii") == "HVN_DELAY=0\nHVN_PAUSED=-S\n"
    assert environment.stat().st_mode & 0o777 == 0o600
    assert units.end({"vm1": directory}) == {}
    assert environment.read_text("ascii") == "HVN_DELAY=0\nHVN_GRACE=0\n"
    assert systemctl.verbs[-2:] == ["stop", "reset-failed"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("1", "2", "qemu: no such tap; see 'journalctl -u"),
        ("", "", "systemctl start .*Job failed"),
        # masked, for one: what it said last is of a start that went well
        ("1", "1", "systemctl start .*Job failed"),
    ],
)
def test_a_start_that_fails_says_what_qemu_said_in_it(
    starts: UnitStarts, systemctl: Systemctl, tmp_path: Path, before: str, after: str, said: str
) -> None:
    answers = [
        shown(ActiveState="failed", MainPID="0", InvocationID=invocation)
        for invocation in (before, after)
    ]
    systemctl.answers["start"] = lambda _asked: Done(1, "", "Job failed.")

    def show(asked: Sequence[str]) -> Done:
        return answers.pop(0)(asked)

    systemctl.answers["show"] = show
    directory = rundir.RunDirectory("vm1", str(tmp_path / "run"))
    starts.prepare("vm1", directory, paused=False)
    with pytest.raises(GuestError, match=f"vm1 is not started: {said}"):
        starts.started("vm1")


def test_what_is_written_together_is_read_before_a_start_and_at_the_end(
    starts: UnitStarts, units: Units, systemctl: Systemctl
) -> None:
    systemctl.answers["show"] = shown()
    root = units._root
    with units.together():
        units.write("vm1", SPEC, SETTING)
        units.write("vm2", SPEC, SETTING)
        assert systemctl.verbs == []
        for name in ("vm1", "vm2"):
            starts.prepare(name, rundir.RunDirectory(name, root), False)
            starts.started(name)
        assert systemctl.verbs.count("daemon-reload") == 1 and systemctl.verbs[0] != "start"
        units.write("vm3", SPEC, SETTING)
    assert systemctl.verbs.count("daemon-reload") == 2
    units.write("vm4", SPEC, SETTING)
    assert systemctl.verbs.count("daemon-reload") == 3


def test_what_is_written_is_read_where_something_fails_too(
    units: Units, systemctl: Systemctl
) -> None:
    systemctl.answers["daemon-reload"] = lambda _asked: Done(1, "", "systemd is gone")
    with pytest.raises(KeyError), units.together():
        units.write("vm1", SPEC, SETTING)
        raise KeyError("vm1")
    assert systemctl.verbs == ["daemon-reload"]
    with pytest.raises(GuestError, match="systemd is gone"), units.together():
        pass


def together(starts: UnitStarts, *names: str) -> dict[str, str]:
    """What became of guests that are prepared together: the pid of each, or why it is not started."""
    root = starts._units._root
    for name in names:
        starts.prepare(name, rundir.RunDirectory(name, root), False)
    found = {}
    for name in names:
        try:
            found[name] = str(starts.started(name).pid)
        except GuestError as error:
            found[name] = str(error)
    return found


class Starting:
    """A systemd that starts all but C(fails), which it begins and has QEMU's words of, and C(masked), which it does not begin."""

    def __init__(self, systemctl: Systemctl, fails: str = "", masked: str = "") -> None:
        self._fails, self._masked = fails, masked
        self._begun: set[str] = set()
        systemctl.answers.update({"start": self.start, "show": self.show})

    def start(self, asked: Sequence[str]) -> Done:
        names = [unit.partition("@")[2].partition(".")[0] for unit in asked[1:]]
        self._begun.update(name for name in names if name != self._masked)
        if self._masked in names:
            return Done(1, "", f"Unit {self._masked} is masked.")
        return Done(1, "", "A job failed.") if self._fails in names else Done(0)

    def show(self, asked: Sequence[str]) -> Done:
        blocks = []
        for unit in asked[asked.index("--") + 1 :]:
            name = unit.partition("@")[2].partition(".")[0]
            runs = name in self._begun and name != self._fails
            active, pid = ("active", os.getpid()) if runs else ("failed", 0)
            number = f"{int(name in self._begun)}{name}"  # of the last start, which may be long ago
            blocks.append(f"ActiveState={active}\nMainPID={pid}\nInvocationID={number}\n")
        return Done(0, "\n".join(blocks))


def test_what_is_prepared_together_is_started_in_its_order_by_one_call_and_looked_at_once(
    starts: UnitStarts, systemctl: Systemctl
) -> None:
    Starting(systemctl)
    names = ["vm2", "vm1", "vm3"]
    starts._units.read(names)
    assert together(starts, *names) == dict.fromkeys(names, str(os.getpid()))
    assert systemctl.verbs == ["show", "start", "show"]
    assert systemctl.asked[1][1:] == [NAME.replace("vm1", name) for name in names]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"fails": "vm2"}, "vm2 is not started: qemu: no such tap; see 'journalctl -u"),
        ({"masked": "vm2"}, "vm2 is not started: systemctl start .* failed (Unit vm2 is masked.)"),
    ],
)
def test_one_that_is_not_started_is_told_with_its_own_words_and_the_others_run(
    starts: UnitStarts, systemctl: Systemctl, how: dict[str, str], said: str
) -> None:
    Starting(systemctl, **how)
    found = together(starts, "vm1", "vm2", "vm3")
    assert (found["vm1"], found["vm3"]) == (str(os.getpid()),) * 2
    first, last = said.split(" .* ") if " .* " in said else (said, "")
    assert found["vm2"].startswith(first) and last in found["vm2"]
    assert "vm1" not in found["vm2"] and "vm3" not in found["vm2"]


def test_what_was_prepared_and_not_begun_is_not_begun_by_another_block(
    starts: UnitStarts, systemctl: Systemctl
) -> None:
    Starting(systemctl)
    root = starts._units._root
    with pytest.raises(KeyError), starts.together():
        starts.prepare("vm1", rundir.RunDirectory("vm1", root), False)
        raise KeyError("vm1")
    with starts.together():
        assert not starts.awaits("vm1")
        together(starts, "vm2")
    assert not [asked for asked in systemctl.asked if asked[0] == "start" and NAME in asked]
