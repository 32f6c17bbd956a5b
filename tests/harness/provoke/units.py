# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of guests as units: a systemd that refuses, or does not answer, and what a start needs and does not find."""

from __future__ import annotations

import pwd
from typing import Any, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host import systemd
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    needs,
    rundir,
    unit,
    unit_file,
    unit_starts,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    USER,
    with_defaults,
)

from .stage import Stage, scene

_UNIT = "hypervisor-network-guest@vm1.service"


def _manager(stage: Stage, errors: str) -> systemd.Manager:
    """A systemd that starts nothing and tells nothing, but of what failed."""

    def run(words: Sequence[str], _seconds: float) -> Done:
        told = "ActiveState=failed\nMainPID=0\n" if "show" in words and not errors else ""
        return Done(0 if told or "reset-failed" in words else 1, told, errors or "Job failed.")

    return systemd.Manager(run, lambda name: f"/bin/{name}", str(stage.top))


@scene
def systemd_refuses(stage: Stage, errors: str) -> None:
    """systemctl starts a unit, and systemd does not."""
    _manager(stage, errors).call("start", _UNIT)


@scene
def systemd_is_mute(stage: Stage, errors: str) -> None:
    """systemd is asked of a unit."""
    _manager(stage, errors).show([_UNIT], ["ActiveState"])


@scene
def unit_is_not_started(stage: Stage) -> None:
    """vm1 is started, and its unit fails."""
    units = unit.Units(str(stage.top), _manager(stage, ""), str(stage.top), str(stage.top / "none"))
    begins = unit_starts.UnitStarts(units)
    begins.prepare("vm1", rundir.RunDirectory("vm1", str(stage.top)), paused=False)
    begins.started("vm1")


@scene
def unit_of_bytes(_stage: Stage, word: str) -> None:
    """A path of a guest is no text."""
    setting = unit_file.Setting("nobody", [word.encode().decode("unicode_escape")], [], "", "")
    unit_file.drop_in(with_defaults({}), setting)


@scene
def no_guest_user(stage: Stage) -> None:
    """The user that guests run as was never made."""

    def missing(name: str) -> Any:
        raise KeyError(name)

    stage.patch.setattr(pwd, "getpwnam", missing)
    needs.account({"user": USER})
