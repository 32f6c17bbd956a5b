# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with what a guest has beside its disks: its firmware's variables, its seed, its TPM."""

from __future__ import annotations

import os
import pwd
from types import SimpleNamespace
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    arrival,
    companions,
    fittings,
    hotplug,
    images,
    machines,
    plan,
    plug,
    rundir,
    seed,
    serial_wait,
    spec_smbios,
    tpm,
    uefi,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import Firmware
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import SEED, Kept
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import Seed

from .stage import Stage, scene

ME = pwd.getpwuid(os.geteuid())


def _kept(stage: Stage) -> Kept:
    """What vm1 keeps; files that are made get no name by lot."""
    stage.put({"/var/lib": None})
    stage.patch.setattr("secrets.token_hex", lambda _bytes: "1a2b3c4d")
    return Kept("vm1", str(stage.top / "var/lib/hypervisor-network/guests"))


def _fails(*_asked: Any, **_more: Any) -> programs.Done:
    return programs.Done(1, "", "No space left on device\n")


@scene
def seed_that_fails(stage: Stage) -> None:
    """xorriso cannot make a seed."""
    there = {"xorriso": "/usr/bin/xorriso"}.get
    seed.make(_kept(stage), "one", Seed({}), ME, path_of=there, run=_fails)


@scene
def variables_that_fail(stage: Stage) -> None:
    """qemu-img cannot make a store of variables."""
    stage.patch.setattr(uefi.images, "program", lambda: "/usr/bin/qemu-img")
    firmware = Firmware("/code.fd", "raw", "/usr/share/OVMF/OVMF_VARS_4M.fd", "raw")
    uefi.variables({}, "vm1", firmware, _kept(stage), ME, _fails)


@scene
def exchanged_while_made(stage: Stage) -> None:
    """Somebody puts another file in the place of one that a guest shall keep."""
    with _kept(stage).new(SEED, "one", ME, 0o400) as path:
        os.rename(path, f"{path}.theirs")
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


@scene
def exchanged_between_starts(stage: Stage) -> None:
    """A kept file has become a directory when it is handed to the guest's user."""
    kept = _kept(stage)
    kept.make(ME)
    path = os.path.join(kept.path, "seed-1a2b3c4d.img")
    os.mkdir(path)
    kept.give(path, ME)


@scene
def seed_that_went_away(stage: Stage) -> None:
    """The seed is there when it is looked for, and gone at the start."""
    stage.patch.setattr(machines, "known", lambda _program: {})
    said = {"user_data": None, "network_config": None, "meta_data": {"instance-id": "a"}}
    spec = {"emulator": "qemu-system-x86_64", "machine": "pc", "cloud_init": said}
    fittings.ready("vm1", spec, _kept(stage), ME, rundir.RunDirectory("vm1"), "/usr/bin/qemu")


@scene
def companion_that_lives(stage: Stage) -> None:
    """swtpm does not end."""
    directory = rundir.RunDirectory("vm1", str(stage.top / "run"))
    directory.make_trusted()
    directory.store("tpm.json", {"pid": 4711, "start_time": 1, "boot_id": "b"})
    fake = {"wait_gone": lambda *_asked: False, "send_signal": lambda *_asked: None}
    stage.patch.setattr(companions, "procfs", SimpleNamespace(**{**vars(procfs), **fake}))
    companions.end(directory)


@scene
def no_tpm_user(stage: Stage) -> None:
    """The host lacks the user of TPMs."""

    def unknown(_name: str) -> Any:
        raise GuestError("There is no such user on this host.")

    stage.patch.setattr(tpm.processes, "account", unknown)
    tpm.account()


@scene
def companion_without_a_place(stage: Stage) -> None:
    """The directory of a socket is gone."""
    with companions.listening(str(stage.top / "run/vm1/tpm.sock"), ME):
        """It listens."""


@scene
def guest_without_a_word(stage: Stage, log: str, ended: bool = False) -> None:
    """The serial log of vm1 gets C(log), and what is waited for is not in it; C(ended) is whether its process is there."""
    stage.put({"/log/vm1": ""})
    said = serial_wait.SerialLog(str(stage.top / "log/vm1"))
    stage.put({"/log/vm1": log})
    if ended:
        stage.patch.setattr(serial_wait.os, "pidfd_open", _failing_with(ProcessLookupError()))
    said.wait_for("vm1", "login: $", 0, os.getpid())


def _failing_with(error: BaseException) -> Any:
    def fails(*_asked: Any) -> Any:
        raise error

    return fails


@scene
def agent_without_a_word(stage: Stage) -> None:
    """vm1 has no agent."""
    _waiting(stage, wait_for=("agent",), wait_timeout=30)


@scene
def port_without_an_answer(stage: Stage) -> None:
    """Nobody listens at port 1 of this machine."""
    _waiting(stage, wait_for=("port",), port_at=("127.0.0.1", 1), wait_timeout=0)


def _waiting(stage: Stage, **waits_for: Any) -> None:
    wish = Wish("vm1", "running", {}, **waits_for)
    guest = Guest("vm1", "running")
    waits = arrival.Arrivals({"vm1": wish}, dict, lambda _name: guest, lambda _name: str(stage.top))
    waits.wait(["vm1"])


class _Stubborn:
    """A guest that has a card and a balloon, and does nothing for its part; C(says) is the event that comes, if any."""

    def __init__(self, says: str | None = None) -> None:
        self._says = says
        self._there = ["nic0", "spare0"]

    def execute(self, command: str, _timeout: float = 0.0, **arguments: Any) -> Any:
        if command == "device_add":
            self._there.append(arguments["id"])
        if command in ("human-monitor-command", "query-block", "query-named-block-nodes"):
            return ""
        if command == "query-balloon":
            return {"actual": 64 << 20}
        inside = arguments.get("path", "").endswith("spare0")
        return [] if inside else [{"name": name} for name in self._there]

    def event(self, _timeout: float) -> dict[str, Any] | None:
        if self._says is None:
            return None
        if self._says == "DEVICE_DELETED":
            return {"event": self._says, "data": {"device": self._there.pop()}}
        return {"event": self._says, "data": {"device": "nic0"}}


def _told(verb: str, says: str | None = None, **arguments: Any) -> None:
    seconds = 0.0 if says is None else 1.0
    plug.Plugger("vm1", _Stubborn(says), lambda _disk: None, seconds).run([(verb, arguments)])  # type: ignore[arg-type, return-value]


@scene
def device_that_stays(_stage: Stage) -> None:
    """vm1 does not let go of its card."""
    _told(hotplug.UNPLUG, device="nic0", netdev="net0", files=())


@scene
def device_that_the_guest_keeps(_stage: Stage) -> None:
    """vm1 says that it keeps its card."""
    _told(hotplug.UNPLUG, "DEVICE_UNPLUG_GUEST_ERROR", device="nic0", netdev="net0", files=())


@scene
def device_that_goes_again(_stage: Stage) -> None:
    """vm1 lets go of a card that was plugged in a moment ago."""
    nic = {"tap": "tap1", "mac": "52:00:00:00:00:01", "model": "virtio", "queues": 1}
    item = {**nic, "vhost": False, "mtu": None, "boot_index": None}
    _told(hotplug.PLUG_NIC, "DEVICE_DELETED", item=item)


@scene
def balloon_that_stays(_stage: Stage) -> None:
    """vm1 does not fill its balloon."""
    _told(hotplug.BALLOON, value=32 << 20)


@scene
def image_that_cannot_grow(stage: Stage) -> None:
    """The disk is full."""
    stage.patch.setattr(images, "program", lambda: "/usr/bin/qemu-img")
    fails = programs.Done(1, "", "qemu-img: No space left on device\n")
    fake = SimpleNamespace(**{**vars(programs), "run": lambda *_asked, **_more: fails})
    stage.patch.setattr(images, "programs", fake)
    images.grow(Image("/srv/vm1.qcow2", "qcow2"), 2 << 30, ME)


@scene
def disk_that_shall_shrink(_stage: Stage) -> Any:
    """A disk has 16 MiB, and 8 are asked for."""
    path = "/srv/vm1.qcow2"
    recipe = {"guest": "vm1", "path": path, "size": 8 << 20}
    now = plan.Guests({"vm1": Guest("vm1")}, {path: True}, sizes={path: 16 << 20})
    return plan.plan(now, [Wish("vm1", "running", {}, images={path: recipe})])


@scene
def long_credential(_stage: Stage) -> Any:
    """A credential is longer than what fits into the tables of SMBIOS."""
    return spec_smbios.credentials({"key": "x" * 4097}, "credentials")
