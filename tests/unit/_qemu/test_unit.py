# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units in a folder of the test's own, and a systemctl that writes down what it is asked. What systemd does then is seen in the lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import systemd
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    rundir,
    unit_file,
    unit_setting,
    unit_tpm,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import unit as units_room
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import with_defaults
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import Units, identity

NAME = "hypervisor-network-guest@vm1.service"
SPEC = {**with_defaults({}), "autostart": True}
SETTING = unit_file.Setting("nobody", ["/usr/bin/true"], ["/bin/true"], "/run/x/vm1", "/run/x/.vm1")


class Systemctl:
    """What it is asked, and an answer for each verb."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answers: dict[str, Callable[[Sequence[str]], Done]] = {}

    def __call__(self, words: Sequence[str], seconds: float = 0) -> Done:
        if words[0].endswith("journalctl"):
            return Done(0, "qemu: no such\n  tap \n")
        asked = [word for word in words[1:] if not word.startswith("--no-")]
        self.asked.append(asked)
        if asked[0] in self.answers:
            return self.answers[asked[0]](asked)
        return Done(0)

    @property
    def verbs(self) -> list[str]:
        return [asked[0] for asked in self.asked]


def shown(**told: Any) -> Callable[[Sequence[str]], Done]:
    """An answer of C(systemctl show) for each unit that is asked for."""
    own = {"ActiveState": "active", "SubState": "running", "MainPID": str(os.getpid()), **told}
    block = "".join(f"{key}={value}\n" for key, value in own.items())

    def answer(asked: Sequence[str]) -> Done:
        units = asked[asked.index("--") + 1 :] if "--" in asked else [""]
        return Done(0, "\n".join([block] * len(units)))

    return answer


@pytest.fixture
def systemctl(tmp_path: Path) -> Systemctl:
    (tmp_path / "etc").mkdir()
    return Systemctl()


@pytest.fixture
def units(tmp_path: Path, systemctl: Systemctl) -> Units:
    manager = systemd.Manager(systemctl, lambda name: f"/bin/{name}", str(tmp_path))
    return Units(str(tmp_path / "run"), manager, str(tmp_path / "etc"), str(tmp_path / "control"))


def test_a_unit_is_written_once_and_systemd_told_only_then(
    units: Units, systemctl: Systemctl, tmp_path: Path
) -> None:
    assert not units.written("vm1")
    digest = units.write("vm1", SPEC, SETTING)
    assert systemctl.verbs == ["daemon-reload"] and units.written("vm1")
    assert units.enabled("vm1") and units.edited("vm1", digest) == []
    for name in (unit_file.TEMPLATE, unit_file.TARGET, unit_file.ORDER, f"{NAME}.d/guest.conf"):
        assert (tmp_path / "etc" / name).stat().st_mode & 0o777 == 0o644
    links = {
        f"{unit_file.TARGET}.wants/{NAME}": unit_file.TEMPLATE,
        f"multi-user.target.wants/{unit_file.TARGET}": unit_file.TARGET,
    }
    for link, file in links.items():
        assert os.readlink(tmp_path / "etc" / link) == str(tmp_path / "etc" / file)
    assert units.write("vm1", SPEC, SETTING) == digest
    assert systemctl.verbs == ["daemon-reload"]


def test_a_tpm_is_units_of_its_own_that_go_with_it(
    units: Units, systemctl: Systemctl, tmp_path: Path
) -> None:
    socket, service = unit_tpm.units("vm1")
    digest = units.write("vm1", {**SPEC, "tpm": True}, SETTING)
    drop_in = tmp_path / "etc" / f"{socket}.d" / "guest.conf"
    assert "SocketUser=nobody" in drop_in.read_text(encoding="ascii")
    assert units.edited("vm1", digest) == []
    systemctl.answers["show"] = shown()
    state = units.read(["vm1"])["vm1"]
    assert state.tpm and systemctl.asked[-1][-2:] == [NAME, service]
    systemctl.answers["show"] = shown(ActiveState="failed")
    assert not units.read(["vm1"])["vm1"].tpm
    drop_in.write_text("[Socket]\nSocketMode=0666\n", encoding="ascii")
    assert units.edited("vm1", digest) == [str(drop_in)]
    assert units.end({"vm1": rundir.RunDirectory("vm1", str(tmp_path / "run"))}) == {}
    assert systemctl.asked[-2:] == [["stop", NAME, socket, service], ["reset-failed", NAME, socket, service]]  # fmt: skip
    again = units.write("vm1", SPEC, SETTING)
    assert not drop_in.parent.exists() and units.edited("vm1", again) == []
    assert systemctl.verbs[-1] == "daemon-reload"
    units.write("vm1", {**SPEC, "tpm": True}, SETTING)
    units.remove("vm1")
    assert not drop_in.parent.exists()


def test_one_that_does_not_begin_with_the_host_any_more(units: Units, systemctl: Systemctl) -> None:
    units.write("vm1", SPEC, SETTING)
    units.write("vm1", {**SPEC, "autostart": False}, SETTING)
    assert systemctl.verbs == ["daemon-reload"] * 2
    assert not units.enabled("vm1")
    units.write("vm1", {**SPEC, "autostart": False}, SETTING)
    assert systemctl.verbs == ["daemon-reload"] * 2


def test_the_programs_of_a_unit_run_with_python_alone(units: Units, tmp_path: Path) -> None:
    units.write("vm1", SPEC, SETTING)
    monitor = unit_setting.program(str(tmp_path / "run"), "monitor.py")
    for words in (monitor, unit_setting.program(str(tmp_path / "run"), "serial_log.py")):
        path = Path(words[2])
        assert path.parent == tmp_path / "run" / ".kept" / "units"
        assert path.stat().st_mode & 0o777 == 0o644
        done = subprocess.run(
            [sys.executable, *words[1:3]], capture_output=True, text=True, check=False
        )
        assert "ImportError" not in done.stderr and "ModuleNotFoundError" not in done.stderr
    done = subprocess.run(
        [*monitor, "stop", str(tmp_path), "1"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "QEMU has ended already.\n")


@pytest.mark.parametrize("name", [f"{NAME}.d/guest.conf", unit_file.TEMPLATE, unit_file.TARGET])
@pytest.mark.parametrize("how", ["edited", "removed", "masked"])
def test_a_file_that_is_not_as_it_was_written_is_told(
    units: Units, tmp_path: Path, name: str, how: str
) -> None:
    digest = units.write("vm1", SPEC, SETTING)
    path = tmp_path / "etc" / name
    if how == "edited":
        path.write_text(path.read_text("ascii") + "# by hand\n", "ascii")
    else:
        path.unlink()
    if how == "masked":
        path.symlink_to("/dev/null")
    assert units.edited("vm1", digest) == [str(path)]
    assert units.write("vm1", SPEC, SETTING) == digest
    assert units.edited("vm1", digest) == []


def test_h14_files_of_another_version_of_the_collection_are_not_edited(
    units: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = units.write("vm1", SPEC, SETTING)
    newer = {**units_room._COMMON, unit_file.TEMPLATE: "# newer\n"}
    monkeypatch.setattr(units_room, "_COMMON", newer)
    assert units.edited("vm1", digest) == []


def test_what_is_written_together_is_read_once(units: Units, systemctl: Systemctl) -> None:
    with units.together():
        for name in ("vm1", "vm2"):
            units.write(name, SPEC, SETTING)
        assert systemctl.verbs == []
    assert systemctl.verbs == ["daemon-reload"]


def test_what_was_written_together_until_something_failed_is_read_too(
    units: Units, systemctl: Systemctl
) -> None:
    with pytest.raises(KeyError), units.together():
        units.write("vm1", SPEC, SETTING)
        raise KeyError
    assert systemctl.verbs == ["daemon-reload"]


def test_what_one_start_alone_is_told_and_an_end(
    units: Units, systemctl: Systemctl, tmp_path: Path
) -> None:
    limits = tmp_path / "control" / f"{NAME}.d"
    limits.mkdir(parents=True)
    directory = rundir.RunDirectory("vm1", str(tmp_path / "run"))
    units.ready("vm1", directory, paused=True)
    environment = Path(directory.trusted, "start.env")
    assert environment.read_text("ascii") == "HVN_DELAY=0\nHVN_PAUSED=-S\n"
    assert systemctl.verbs == ["daemon-reload"] and not limits.exists()
    assert units.end({"vm1": directory}) == {}
    assert environment.read_text("ascii") == "HVN_DELAY=0\nHVN_GRACE=0\n"
    assert systemctl.verbs == ["daemon-reload", "stop", "reset-failed"]


def test_many_end_with_one_call_and_one_that_fails_is_told_alone(
    units: Units, systemctl: Systemctl, tmp_path: Path
) -> None:
    places = {
        name: rundir.RunDirectory(name, str(tmp_path / "run")) for name in ("vm1", "vm2", "vm3")
    }
    assert units.end(places) == {} and units.end({}) == {}
    assert systemctl.verbs == ["stop", "reset-failed"]
    assert (
        systemctl.asked[0][1:] == systemctl.asked[1][1:] == [unit_file.unit(one) for one in places]
    )
    for directory in places.values():
        assert "GRACE=0" in Path(directory.trusted, "start.env").read_text("ascii")
    systemctl.asked.clear()
    second = unit_file.unit("vm2")
    systemctl.answers["stop"] = lambda asked: Done(1, "", "no") if second in asked else Done(0)
    failed = units.end(places)
    assert list(failed) == ["vm2"] and "(no)" in str(failed["vm2"])
    assert systemctl.verbs == ["stop", "stop", "reset-failed", "stop", "stop", "reset-failed"]


def test_what_an_administrator_adds_is_left_alone_and_goes_with_the_guest(
    units: Units, systemctl: Systemctl, tmp_path: Path
) -> None:
    digest = units.write("vm1", SPEC, SETTING)
    own = tmp_path / "etc" / f"{NAME}.d" / "override.conf"
    own.write_text("[Service]\nNice=1\n", "ascii")
    units.write("vm1", SPEC, SETTING)
    assert own.exists() and units.edited("vm1", digest) == []
    units.remove("vm1")
    assert not own.parent.exists() and not units.enabled("vm1")
    assert systemctl.verbs == ["daemon-reload"] * 2
    units.remove("vm1")
    assert systemctl.verbs == ["daemon-reload"] * 2


def test_trap_5_a_unit_whose_disks_got_other_images_is_held_back_until_it_is_written_again(
    units: Units, tmp_path: Path
) -> None:
    root = str(tmp_path / "run")
    rundir.hold("vm1", root)  # there is no unit yet
    assert not units.held("vm1")
    units.write("vm1", SPEC, SETTING)
    rundir.hold("vm1", root)
    assert units.held("vm1") and not units.held("vm2")
    units.write("vm1", SPEC, SETTING)
    assert not units.held("vm1")
    rundir.hold("vm1", root)
    units.remove("vm1")
    assert not units.held("vm1")
    assert "AssertPathExists=!/var/lib/hypervisor-network/units/%i.hold" in unit_file.TEMPLATE_TEXT


def test_systemd_is_asked_once_for_all(units: Units, systemctl: Systemctl) -> None:
    systemctl.answers["show"] = shown(Job="17")
    states = units.read(["vm1", "vm2"])
    assert systemctl.asked[0][-2:] == [NAME, NAME.replace("vm1", "vm2")]
    assert len(systemctl.asked) == 1
    assert states["vm2"].pid == os.getpid() and states["vm2"].job
    assert identity(states["vm1"]).pid == os.getpid()
    assert units.read([]) == {} and len(systemctl.asked) == 1


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"Result": "oom-kill"}, "out of memory: the kernel killed it"),
        ({"Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "9"}, "killed by signal 9"),
        ({"Result": "core-dump", "ExecMainCode": "3", "ExecMainStatus": "6"}, "killed by signal 6"),
        (
            {"Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "1"},
            "QEMU ended with exit status 1",
        ),
        ({"Result": "timeout"}, "systemd calls it failed: timeout"),
    ],
)
def test_why_a_unit_failed(
    units: Units, systemctl: Systemctl, told: dict[str, str], why: str
) -> None:
    systemctl.answers["show"] = shown(ActiveState="failed", MainPID="0", **told)
    state = units.read(["vm1"])["vm1"]
    assert state.failed and state.why == why and identity(state) is None


@pytest.mark.parametrize(
    ("active", "result", "failed"),
    [
        ("deactivating", "oom-kill", True),
        ("deactivating", "success", False),
        ("active", "success", False),
        ("inactive", "success", False),
    ],
)
def test_h11_a_unit_that_the_kernel_ended_has_failed_before_systemd_says_so(
    units: Units, systemctl: Systemctl, active: str, result: str, failed: bool
) -> None:
    systemctl.answers["show"] = shown(ActiveState=active, MainPID="0", Result=result)
    assert units.read(["vm1"])["vm1"].failed is failed


def test_limits_are_set_while_it_runs_where_they_changed(
    units: Units, systemctl: Systemctl
) -> None:
    units.limit("vm1", SPEC, SPEC)
    assert systemctl.asked == []
    units.limit("vm1", SPEC, {**SPEC, "memory_max": 512, "cpu_affinity": ["0", "2-3"]})
    units.limit("vm1", {**SPEC, "memory_max": 512}, SPEC)
    assert [asked[3:] for asked in systemctl.asked] == [
        ["MemoryMax=512M", "CPUQuota=", "CPUWeight=", "AllowedCPUs=0 2-3"],
        ["MemoryMax=infinity", "CPUQuota=", "CPUWeight=", "AllowedCPUs="],
    ]


def test_without_systemd_nothing_is_asked(tmp_path: Path, systemctl: Systemctl) -> None:
    manager = systemd.Manager(systemctl, lambda name: f"/bin/{name}", str(tmp_path / "none"))
    units = Units(str(tmp_path / "run"), manager, str(tmp_path / "etc"))
    assert units.read(["vm1"]) == {}
    folder = tmp_path / "etc" / f"{NAME}.d"
    folder.mkdir()
    units.remove("vm1")  # of a host that was booted without it
    assert not folder.exists() and systemctl.asked == []


def test_a_record_of_digests_is_whole(units: Units, tmp_path: Path) -> None:
    units.write("vm1", SPEC, SETTING)
    record = json.loads((tmp_path / "run" / ".kept" / "units" / "digests.json").read_text("ascii"))
    own = [unit_file.TEMPLATE, unit_file.TARGET, unit_file.ORDER, unit_tpm.SOCKET, unit_tpm.SERVICE]
    assert sorted(record) == sorted(own)
