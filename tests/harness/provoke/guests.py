# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of guests: their monitors, their files, and what keeps them."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    apply,
    arrival,
    images,
    paths,
    plan,
    qmp,
    rundir,
    survey,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    with_defaults,
)

from .hosts import failing
from .stage import Stage, scene

GREETING = '{"QMP": {}}\n'
_MAC = "52:00:00:00:00:01"


class _Monitor:
    """A monitor's socket. C(says) are pieces of what comes: C(nothing) is a silence, and after the last it hangs up."""

    def __init__(self, says: Sequence[str]) -> None:
        self._says = list(says)

    def recv(self, _bytes: int) -> bytes:
        piece = self._says.pop(0) if self._says else ""
        if piece == "nothing":
            raise socket.timeout
        return piece.encode()

    def connect(self, _path: str) -> None:
        """Somebody listens."""

    settimeout = sendall = connect

    def close(self) -> None:
        """It was never open."""


@scene
def monitor(
    stage: Stage, says: Sequence[str], asked: str | None = None, longest: int | None = None
) -> None:
    """A monitor that C(says) that after its greeting and the answer to qmp_capabilities where something is C(asked), and at once where nothing is."""
    told = [GREETING, '{"id": 1, "return": {}}\n', *says] if asked else list(says)
    fake = SimpleNamespace(**{**vars(socket), "socket": lambda *_kind: _Monitor(told)})
    stage.patch.setattr(qmp, "socket", fake)
    if longest is not None:
        stage.patch.setattr(survey, "LONGEST_LINE", longest)
    with qmp.Qmp("/run/hypervisor-network/vm1/qmp.sock") as one:
        if asked:
            one.execute(asked)


class _Supervisor:
    """Keeps one guest, vm1, which C(finds) says what it is each time that it is looked at."""

    def __init__(self, finds: Sequence[plan.Guest]) -> None:
        self._finds = list(finds)

    def read_all(self, names: Iterable[str], _plugging: Any = ()) -> dict[str, plan.Guest]:
        found = self._finds.pop(0) if len(self._finds) > 1 else self._finds[0]
        return dict.fromkeys(names, found)

    def systemd(self) -> bool:
        return False

    def directory(self, name: str) -> rundir.RunDirectory:
        return rundir.RunDirectory(name)

    @contextlib.contextmanager
    def busy(self, _names: Any) -> Iterator[None]:
        yield

    def pause(self, _name: str) -> None:
        """It is paused."""

    def check(self, *_asked: Any) -> None:
        """There is nothing to object."""

    grow_image = check_growth = uid_of = taps_of = make_known = stop = check

    def image_size(self, *_asked: Any) -> int:
        return 8

    def start(self, *_asked: Any, **_more: Any) -> None:
        raise GuestError("QEMU ended at once.")


@scene
def guest_grew_and_did_not_start(_stage: Stage) -> None:
    """The disk of vm1, which is stopped, is made larger, and then QEMU does not start."""
    recipe = {"guest": "vm1", "path": "/srv/vm1.raw", "size": 16}
    wish = Wish("vm1", "running", images={recipe["path"]: recipe})
    supervisor = _Supervisor([plan.Guest("vm1", "stopped", with_defaults({}))])
    noun = apply.GuestNoun(supervisor, SimpleNamespace, [wish], lambda _path: True)  # type: ignore[arg-type]
    reconcile(noun, [wish])


def _guest(status: str) -> plan.Guest:
    spec = {"nics": [{"tap": "tap1", "mac": _MAC}], "disks": []}
    return plan.Guest("vm1", status, spec, pid=4711)


def _noun(finds: Sequence[str], wish: Wish) -> apply.GuestNoun:
    supervisor = _Supervisor([_guest(status) for status in finds])
    wire = SimpleNamespace(wait_for_mac=lambda _mac, _seconds: None)
    return apply.GuestNoun(supervisor, lambda: wire, [wish], lambda _path: False)  # type: ignore[arg-type, return-value]


@scene
def guest_changed_meanwhile(_stage: Stage) -> None:
    """vm1 is running when it is planned to pause it, and stopped when it is to be done."""
    wish = Wish("vm1", "paused")
    noun = _noun(["running", "stopped"], wish)
    now = noun.read()
    noun.apply(noun.plan(now, [wish]), now)


@scene
def guest_not_heard(
    stage: Stage, wait_timeout: float, log: str | None = None, crashed: str | None = None
) -> None:
    """No frame comes of a guest that has started, and the task waits for one; its serial log has C(log) by then, and it ended where it has C(crashed)."""
    wish = Wish("vm1", "running", wait_for=("mac_learned",), wait_timeout=wait_timeout)
    wire = SimpleNamespace(wait_for_mac=lambda _mac, _seconds: None)
    guest = _guest("running")

    def read(_name: str) -> Any:
        return replace(guest, status="crashed", crash_reason=crashed) if asked.pop() else guest

    asked = [crashed is not None, False]
    waits = arrival.Arrivals({"vm1": wish}, lambda: wire, read, str)
    if log is not None:
        stage.put({"/log/vm1": ""})
        waits.starts("vm1", {"serial_log": str(stage.top / "log/vm1")})
        stage.put({"/log/vm1": log})
    waits.wait(["vm1"])


@scene
def host_fails(_stage: Stage, error: str) -> None:
    """The host fails while a guest is started."""
    with apply._told():
        failing(error)()


@scene
def mute_guest(_stage: Stage, state: str) -> Any:
    """vm1 does not answer its monitor, and is to be in that state."""
    now = plan.Guests({"vm1": _guest(plan.UNRESPONSIVE)}, {})
    return plan.plan(now, [Wish("vm1", state)])


def _look(stage: Stage) -> tuple[paths.Look, pwd.struct_passwd]:
    me = pwd.getpwuid(os.geteuid())
    user = pwd.struct_passwd(("hnet-qemu", *me[1:]))
    return paths.Look("vm1", user, [str(stage.top)]), user


@scene
def image(stage: Stage, qemu_img: Mapping[str, Any] | None = None, exchanged: bool = False) -> None:
    """A disk image is made by a qemu-img that does as C(qemu_img) says, or is not installed; C(exchanged) by another file meanwhile."""
    stage.put({"/srv": None})
    path = str(stage.top / "srv/vm1.qcow2")
    found = None if qemu_img is None else "/usr/bin/qemu-img"

    def run(*_asked: Any, **_more: Any) -> Any:
        if exchanged:
            os.unlink(path)
            stage.put({"/srv/vm1.qcow2": "another"})
        return SimpleNamespace(**(qemu_img or {}))

    fake = SimpleNamespace(**{**vars(programs), "path_of": lambda _name: found, "run": run})
    stage.patch.setattr(images, "programs", fake)
    recipe = {"path": path, "format": "qcow2", "size": 1 << 30, "backing_file": None}
    images.create(recipe, *_look(stage))


@scene
def guest_files(
    stage: Stage,
    asked: Mapping[str, Any],
    files: Mapping[str, Any] | None = None,
    may: bool = True,
    strangers: str | None = None,
    fails: Mapping[str, str] | None = None,
) -> Any:
    """The files of vm1 are looked at: C(asked) are its options; below C(TOP) its files may be.

    C(may) is whether its user may do what it has to with them, C(strangers) a path that belongs to the user 1001, C(fails) an errno of a function of os.
    """
    stage.put(files or {})
    look, _user = _look(stage)
    if not may:
        stage.patch.setattr(look, "_may", lambda _path, _how: False)
    if strangers is not None:
        _owned(stage, stage.placed(strangers))
    for name, error in (fails or {}).items():
        stage.patch.setattr(paths.os, name, failing(error))
    return look.files({"disks": [], **stage.placed(dict(asked))})


@scene
def snapshot_without_its_disk(stage: Stage, disk: str, overlay: str) -> Any:
    """A guest has a snapshot's overlay, and the disk that it is over is gone, so that it would be made anew."""
    _look_at, user = _look(stage)
    look = paths.Look("vm1", user, [str(stage.top)], {disk: overlay})
    return look.files({"disks": [{"path": disk}]}, [disk])


def _owned(stage: Stage, path: str) -> None:
    """Have a path belong to another user; a directory that it is in may be anybody's to write into, as /tmp is."""
    real = os.lstat

    def lstat(name: str) -> Any:
        found = real(name)
        return os.stat_result([*found[:4], 1001, *found[5:]]) if name == path else found

    stage.patch.setattr(paths.os, "lstat", lstat)


@scene
def backing_file(stage: Stage, path: str, image_format: str | None = None) -> Any:
    """An image is to be made over another one."""
    stage.put({path: ""})
    return _look(stage)[0].base(f"{stage.top}{path}", image_format)


def _directory(stage: Stage) -> rundir.RunDirectory:
    directory = rundir.RunDirectory("vm1", str(stage.top / "run"))
    directory.make_trusted()
    return directory


@scene
def two_runs(stage: Stage) -> None:
    """Another run works on the same guest."""
    directory = _directory(stage)
    with directory.busy(), directory.busy():
        """Both are busy."""


@scene
def two_processes(stage: Stage) -> None:
    """vm1 is started although a process of it lives."""
    directory = _directory(stage)
    held = directory.open_lock()
    try:
        directory.open_lock()
    finally:
        os.close(held)
