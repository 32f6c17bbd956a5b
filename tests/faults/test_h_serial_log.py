# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H10: what a guest prints on its serial line, and the process that writes it down."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import serial_log
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervisor import Supervisor
from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    EMULATOR,
    NOBODY,
    guest_user,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

LIMIT = 128 * 1024
# mov dx, 3f8h; mov al, 'A'; again: out dx, al; jmp again
PRINTS_FOR_EVER = bytes.fromhex("baf803b041eeebfd").ljust(510, b"\0") + b"\x55\xaa"


@pytest.fixture
def talker(guest_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A guest that prints for ever to the log whose path this is, under a limit that it passes in a moment."""
    monkeypatch.setattr(serial_log, "LIMIT", LIMIT)
    image = guest_folder / "disk.img"
    image.write_bytes(PRINTS_FOR_EVER)
    disk = {
        "path": str(image),
        "format": "raw",
        "bus": "ide",
        "read_only": False,
        "serial": None,
        "boot_index": None,
    }
    log = guest_folder / "logs" / "log"
    log.parent.mkdir()
    for path in (image, log.parent):
        os.chown(path, guest_user().pw_uid, guest_user().pw_gid)
    spec = {
        "emulator": EMULATOR,
        "machine": "pc",
        "accel": "tcg",
        "cpus": 1,
        "memory": 32,
        "nics": [],
        "boot": "c",
    }
    supervisor = Supervisor(str(guest_folder / "run"))
    started = supervisor.start("vm1", {**spec, "disks": [disk], "serial_log": str(log)})
    supervisor.await_machine("vm1", started)
    try:
        yield log
    finally:
        supervisor.stop({"vm1": 0})
    wait_for(lambda: writers(log) == [], "the log's writer ends with its guest")


def writers(path: Path) -> list[int]:
    """The processes that have a file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == str(path):
                found.append(int(link.parts[2]))
    return found


def test_h10_a_guest_that_prints_for_ever_does_not_fill_the_disk(talker):
    seen: list[int] = []  # the log's inode each time that it is another
    largest = 0

    def begun_anew_three_times() -> bool:
        nonlocal largest
        with contextlib.suppress(FileNotFoundError):  # between its two names
            found = talker.stat()
            largest = max(largest, found.st_size)
            if seen[-1:] != [found.st_ino]:
                seen.append(found.st_ino)
        return len(seen) > 3

    wait_for(begun_anew_three_times, "the log is begun anew three times", 60)
    former = talker.with_name("log.1")
    assert 0 < largest <= LIMIT and 0 < former.stat().st_size <= LIMIT
    assert set(former.read_bytes()) == {ord("A")}
    assert sorted(os.listdir(talker.parent)) == ["log", "log.1"]


def test_h10_a_guest_whose_log_is_written_by_nobody_any_more_runs_on(talker):
    (writer,) = wait_for(lambda: writers(talker), "the log is open")
    os.kill(writer, signal.SIGKILL)
    wait_for(lambda: writers(talker) == [], "the writer is gone")
    assert Supervisor(str(talker.parents[1] / "run")).read("vm1").status == "running"


def test_h10_the_log_is_its_users_and_one_that_it_may_not_write_stops_the_start(guests):
    folder = Path("/run") / f"{guests.name()}-log"
    folder.mkdir(mode=0o755)
    wish: dict[str, Any] = {"user": "nobody", "nics": [], "serial_log": str(folder / "log")}
    try:
        assert f"the user nobody may not write into {folder}" in guests.refused(**wish)
        os.chown(folder, NOBODY, NOBODY)
        guests.done(**wish)
        log = (folder / "log").stat()
        assert (log.st_uid, log.st_mode & 0o777) == (NOBODY, 0o600)
        (writer,) = writers(folder / "log")
        status = Path(f"/proc/{writer}/status").read_text(encoding="utf-8")
        assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}\n" in status
        guests.done(state="stopped")
        wait_for(lambda: writers(folder / "log") == [], "the log's writer ends with its guest")
    finally:
        guests.remove()
        shutil.rmtree(folder)
