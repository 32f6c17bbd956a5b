# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest takes of the host, its QEMU's version, and what waits for its next start."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import details
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import Chain
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import Card, Seen

SPEC = {"emulator": "qemu-system-x86_64"}
UNIT = "machine.slice/hypervisor-network-guest@vm1.service"


def status(systemd: bool = True) -> Any:
    directory = SimpleNamespace(sockets=("/qmp.sock", "/spare.sock"))
    return SimpleNamespace(systemd=lambda: systemd, directory=lambda _name: directory)


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets which version is installed."""

    def make(installed: str | None) -> None:
        said = f"QEMU emulator version {installed} (Debian 1:7)\n" if installed else None
        monkeypatch.setattr(programs, "printed", lambda _words: said)

    make("7.2.22")
    return make


def guest(kept_by: str = "systemd", version: str | None = "7.2.22") -> Guest:
    own = {"kept_by": kept_by, "unit_state": "active", "seen": Seen(version=version)}
    return Guest("vm1", "running", SPEC, pid=os.getpid(), **own)  # type: ignore[arg-type]


def test_a_unit_that_is_as_it_shall_be(versions: Any) -> None:
    told = details.details(guest(), status())
    assert (told["supervisor_used"], told["unit_state"]) == ("systemd", "active")
    assert (told["qemu_version"], told["qemu_installed"]) == ("7.2.22", "7.2.22")
    assert told["pending_restart"] == []
    assert told["memory_used"] > 2**20 and told["cpu_seconds"] > 0


def test_h14_a_process_that_becomes_a_unit(versions: Any) -> None:
    (why,) = details.details(guest("process"), status())["pending_restart"]
    assert why.startswith("It is a plain process, and becomes a unit")
    taken = dataclasses.replace(guest("process"), scope="hypervisor-network-guest-vm1.scope")
    (why,) = details.details(taken, status())["pending_restart"]
    assert why.startswith("It is a plain process in hypervisor-network-guest-vm1.scope, and")
    assert details.details(guest("process"), status(systemd=False))["pending_restart"] == []


def test_a_tpm_of_an_earlier_version_gets_a_user_of_its_own_at_the_next_start(
    versions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions("7.2.22")
    one = dataclasses.replace(guest(version="7.2.22"), spec={**guest().spec, "tpm": True})
    for shared in (True, False):
        monkeypatch.setattr(details.companions, "shared", lambda *_asked, now=shared: now)
        told = details.details(one, status())["pending_restart"]
        assert [why.partition(" runs")[0] for why in told] == ["Its TPM"] * shared


def test_trap_7_qemu_was_upgraded_under_it(versions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    versions("10.0.13")
    (why,) = details.details(guest(), status())["pending_restart"]
    assert why == "It runs in QEMU 7.2.22, and 10.0.13 is installed."
    versions(None)
    monkeypatch.setattr(procfs.Process, "exe", lambda _self: "/usr/bin/qemu (deleted)")
    (why,) = details.details(guest(version=None), status())["pending_restart"]
    assert why == "It runs in QEMU of another version, and another one is installed."


def test_one_that_does_not_answer_tells_no_version(versions: Any) -> None:
    assert (
        details.details(Guest("vm1", "unresponsive", SPEC, pid=1), status())["qemu_version"] is None
    )


def test_the_chain_of_a_guest_that_is_down_is_looked_at(
    versions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk(asked: Any) -> Image:
        if asked["path"] == "/gone":
            raise GuestError("gone")
        return Image("/a", "qcow2", Image("/base", "raw"))

    look = SimpleNamespace(Look=lambda *_asked: SimpleNamespace(disk=disk))
    monkeypatch.setattr(details, "paths", look)
    monkeypatch.setattr(details, "processes", SimpleNamespace(account=lambda _name: None))
    monkeypatch.setattr(details, "chains", SimpleNamespace(load=lambda _name: Chain()))
    monkeypatch.setattr(details, "images", SimpleNamespace(size=lambda image: len(image.path)))
    down = Guest("vm1", "stopped", {**SPEC, "disks": [{"path": "/a"}, {"path": "/gone"}]})
    found, gone = details.details(down, status())["disks"]
    assert [(one["path"], one["size"]) for one in found["layers"]] == [("/a", 2), ("/base", 5)]
    assert found["size"] == 2 and (gone["size"], gone["layers"]) == (None, [])


def test_an_agent_is_asked_where_there_shall_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Talk:
        def __init__(self, path: str, _seconds: float) -> None:
            self.refuses = path == "/refusing/agent.sock"
            if not self.refuses and path != "/run/vm1/agent.sock":
                raise GuestError("nobody")

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_error: object) -> None:
            """It is over."""

        def call(self, _command: str) -> Any:
            if self.refuses:
                raise GuestError("no such command")
            return [{"hardware-address": "M", "ip-addresses": [{"ip-address": "192.0.2.1"}]}]

    monkeypatch.setattr(details, "Agent", Talk)
    runs = Guest("vm1", "running", {"agent": True})
    cases = (
        ("/run/vm1", (True, {"m": ["192.0.2.1"]})),
        ("/refusing", (True, {})),
        ("/other", (False, {})),
    )
    for public, found in cases:
        where = SimpleNamespace(directory=lambda _name, path=public: SimpleNamespace(public=path))
        assert details.agent(runs, where) == found  # type: ignore[arg-type]
    for none in (Guest("vm1", "running"), Guest("vm1", "stopped", {"agent": True})):
        assert details.agent(none, where) == (None, {})  # type: ignore[arg-type]


def test_a_guest_that_is_down_waits_for_nothing(versions: Any) -> None:
    told = details.details(Guest("vm1", "stopped", SPEC), status())
    assert told["pending_restart"] == [] and told["memory_used"] is None
    assert details.details(Guest("vm1"), status())["qemu_installed"] is None


def proc(tmp_path: Path, cgroup: str) -> str:
    folder = tmp_path / "proc" / "7"
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text(f"0::/{cgroup}\n", "ascii")
    (folder / "statm").write_text("900 100 0 0 0 0 0\n", "ascii")
    times = ["S", *["0"] * 10, "250", "50", *["0"] * 10]
    (folder / "stat").write_text(f"7 (a) b) {' '.join(times)}\n", "ascii")
    return str(tmp_path / "proc")


def test_what_is_used_is_that_of_its_cgroup(tmp_path: Path) -> None:
    folder = tmp_path / "cgroup" / UNIT
    folder.mkdir(parents=True)
    (folder / "memory.current").write_text("1048576\n", "ascii")
    (folder / "cpu.stat").write_text("nr 1\nusage_usec 2500000\nuser_usec 1\n", "ascii")
    cgroups, own = str(tmp_path / "cgroup"), proc(tmp_path, UNIT)
    assert details.used(7, cgroups, proc=own) == (2**20, 2.5)
    assert details.used(7, cgroups, True, own)[0] == 100 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("cgroup", ["", "user.slice/session-1.scope", UNIT])
def test_or_of_its_process_where_it_has_none_of_its_own(tmp_path: Path, cgroup: str) -> None:
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    found = details.used(7, str(tmp_path / "none"), proc=proc(tmp_path, cgroup))
    assert found == (100 * page, 300 / tick)


def test_a_process_that_ended_meanwhile_uses_nothing(tmp_path: Path) -> None:
    assert details.used(7, str(tmp_path), proc=str(tmp_path)) == (None, None)


def test_what_became_of_its_taps_is_a_problem(
    versions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told of cards that QEMU has; nothing is concluded of a process that is gone."""
    nic = {"tap": "tap1", "mac": "52:00:00:00:00:01"}
    seen = Seen(cards=(Card("nic0", nic["mac"], "e1000", "tap1", "net0"),))
    one = Guest("vm1", "running", {**SPEC, "nics": [nic, {**nic, "tap": "tap2"}]}, pid=1, seen=seen)
    for held, words in (({"tap1"}, []), ({"tapx"}, ["tapx"]), (set(), ["deleted"]), (None, [])):
        monkeypatch.setattr(details.holds, "taps", lambda _pid, held=held: held)
        found = details.details(one, status())["problems"]
        assert len(found) == len(words) and all(word in found[0] for word in words)
