# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of a guest's start and end: what is missing for it, and what QEMU and systemd make of it."""

from __future__ import annotations

import itertools
import os
from types import SimpleNamespace
from typing import Any, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, systemd
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    adoption,
    monitor_wait,
    needs,
    rundir,
    supervisor,
    unit,
    unit_file,
    unit_starts,
)

from .hosts import account
from .stage import Stage, scene

_WHO = SimpleNamespace(pid=4711, alive=True)


def _done(status: int = 1, errors: str = "", output: str = "") -> Any:
    return SimpleNamespace(status=status, errors=errors, output=output)


def _supervisor(stage: Stage) -> tuple[supervisor.Supervisor, rundir.RunDirectory]:
    stage.put({"/run": None})
    one = supervisor.Supervisor(str(stage.top / "run"))
    directory = one.directory("vm1")
    directory.make_trusted()
    return one, directory


@scene
def no_guest_user(stage: Stage, user: str | None = None) -> None:
    def unknown(_name: str) -> Any:
        raise GuestError(f"There is no user '{user}' on this host.")

    stage.patch.setattr(needs.processes, "account", unknown)
    needs.account({"user": user})


@scene
def start_checked(
    stage: Stage, vhost: bool = False, vsock: int | None = None, there: bool = False
) -> None:
    """vm1 with one card is to be started on a host without vhost, or where it is C(there) for others, whose taps its user may not open."""
    one, _directory = _supervisor(stage)
    stage.patch.setattr(needs, "program", lambda _emulator: "/usr/bin/qemu-system-x86_64")
    stage.patch.setattr(needs, "user_of", lambda _name, _spec: account())
    stage.patch.setattr(supervisor.processes, "may_open", lambda _found, _user: False)

    def stat(path: str, **_how: Any) -> None:
        if "vhost" in str(path) and not there:
            raise FileNotFoundError

    stage.patch.setattr(supervisor.os, "stat", stat)
    spec = {"emulator": "", "disks": [], "nics": [{"tap": "tap1", "vhost": vhost}], "vsock": vsock}
    one.check("vm1", spec, {})


@scene
def start_awaited(
    stage: Stage, record: bool = True, lives: bool = False, gone: bool = False, complains: str = ""
) -> None:
    """vm1 was started: its C(record) is there or not, and QEMU C(lives) and does not listen, or ends, or is C(gone) before; C(complains) is what it said."""
    one, _directory = _supervisor(stage)
    stage.put({"/run/vm1/stderr.log": complains})
    hours = SimpleNamespace(monotonic=itertools.count(0, 3600).__next__)
    stage.patch.setattr(monitor_wait, "time", hours)
    # what has ended is ready to be read, as this is
    ends = os.pidfd_open(os.getpid()) if lives else os.open("/dev/null", os.O_RDONLY)
    stage.patch.setattr(procfs, "pidfd", lambda _who: os.close(ends) if gone else ends)
    who = SimpleNamespace(pid=4711, alive=lives) if record else None
    if not lives:
        hours.monotonic = lambda: 0.0
    one.await_machine("vm1", who)  # type: ignore[arg-type]


@scene
def outlives_a_kill(stage: Stage) -> None:
    one, _directory = _supervisor(stage)
    stage.patch.setattr(supervisor, "process_of", lambda _directory: _WHO)
    stage.patch.setattr(procfs, "send_signal", lambda _who, _number: None)
    stage.patch.setattr(procfs, "wait_gone", lambda _who, _seconds: False)
    found = one.stop({"vm1": 0})["vm1"]
    assert isinstance(found, GuestError)
    raise found


def _manager(**done: Any) -> systemd.Manager:
    return systemd.Manager(lambda *_asked, **_more: _done(**done), lambda _name: "/bin/systemctl")


@scene
def systemctl(_stage: Stage, words: Sequence[str], says: str) -> None:
    """systemctl fails, and says that."""
    _manager(errors=says).call(*words)


@scene
def systemctl_silent(_stage: Stage, unit: str) -> None:
    """systemd tells nothing of a unit."""
    _manager().show([unit], ["ActiveState"])


@scene
def not_taken_over(stage: Stage, says: str = "", ended: bool = False) -> None:
    """The process of vm1 does not become a scope: systemd refuses and C(says) that, or it has C(ended)."""
    who = procfs.Process(os.getpid()).identity()
    stage.patch.setattr(procfs, "pidfd", lambda _who: None if ended else os.dup(0))

    def refuses(*_asked: Any, **_more: Any) -> Any:
        return _done(errors=says)

    adoption.adopt("vm1", who, [], "nobody", [], 1.0, "/none", refuses, "/bin/{}".format)


@scene
def unit_not_started(stage: Stage, says: str) -> None:
    """systemd does not start the unit of vm1, and its journal C(says) that."""
    _one, directory = _supervisor(stage)
    units = unit.Units(str(stage.top / "run"), _manager(errors="Job failed."))
    starts = itertools.count()
    stage.patch.setattr(
        units,
        "read",
        lambda names: {
            name: SimpleNamespace(invocation=str(next(starts)), active="failed") for name in names
        },
    )
    stage.patch.setattr(units, "said", lambda _state: says)
    begins = unit_starts.UnitStarts(units)
    begins.prepare("vm1", directory, False)
    begins.started("vm1")


@scene
def unit_of_no_text(_stage: Stage) -> None:
    """A file's name is no UTF-8."""
    unit_file._word("/srv/\udcff.qcow2")
