# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starting a guest does around QEMU. The starts themselves are in tests/faults, where there is a QEMU to start."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import systemd
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervisor import Supervisor


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
        directory.store(name, {"pid": pid})
    entered = []
    monkeypatch.setattr(systemd, "enter", lambda name, who: entered.append((name, list(who))))
    Supervisor._leave_session("vm1", directory)
    assert entered == [("hypervisor-network-guest-vm1-4711", pids)]


def test_12_8_a_guest_that_is_gone_already_enters_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = rundir.RunDirectory("vm1", str(tmp_path))
    directory.make_trusted()
    monkeypatch.setattr(systemd, "enter", lambda name, who: pytest.fail(name))
    Supervisor._leave_session("vm1", directory)


@pytest.mark.parametrize("user", ["root", "0"])
def test_12_3_root_is_refused_before_anything_is_looked_at(tmp_path: Path, user: str) -> None:
    spec = {"emulator": "/bin/true", "user": user, "disks": [], "nics": [], "accel": "tcg"}
    with pytest.raises(Refused, match="allow_root"):
        Supervisor(str(tmp_path)).check("vm1", spec, {})
