# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H, what befalls a guest that is a plain process: it ends in a state that says what it is, and the next run repairs it.

A kill, a reset and what the kernel kills for memory are in test_h_qemu.py; the same of units is in lab/test_h_unit_states.py and lab/test_h_units.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    DEFINITIONS,
    EMULATOR,
    RUN,
    guest_user,
    image,
    qemus,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import run
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
# A system that writes to its disk for ever: see lab/test_h_unit_states.py
WRITER = bytes.fromhex("31c08ed8be207cb80043cd13668306287c40ebf3").ljust(32, b"\0")
WRITER += bytes.fromhex("10004000008000000100000000000000")


def letter(pid: int) -> str:
    """The state of a process by /proc, empty where it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return ""


@pytest.fixture
def nobody_reaps() -> Iterator[None]:
    """What is orphaned becomes this process's child, which does not ask for its end until the test is over."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        libc.prctl(_SUBREAPER, 0, 0, 0, 0)


def test_h40_a_killed_guest_whose_process_nobody_reaps(guests, nobody_reaps):
    """As in a container whose first process is no init."""
    pid = guests.done()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: letter(pid) == "Z", "the zombie")
    try:
        assert guests.info()["status"] == "crashed"
        again = guests.done()
        assert again["changed"] and again["pid"] != pid and letter(pid) == "Z"
        assert not guests.done()["changed"]
        stopped = guests.done(state="stopped")
        assert stopped["stop_steps"][-1]["outcome"] == "ended"
    finally:
        for child in (pid, *qemus(guests.name())):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)


def test_h03_one_that_did_not_answer_and_goes_on_is_left_alone(guests):
    pid = guests.done()["pid"]
    os.kill(pid, signal.SIGSTOP)
    assert "does not answer its monitor" in guests.run()["msg"]
    os.kill(pid, signal.SIGCONT)
    again = guests.done()
    assert not again["changed"] and (again["status"], again["pid"]) == ("running", pid)


def test_x21_the_guest_of_a_reused_pid_is_started_beside_its_stranger(guests):
    pid = guests.done()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: letter(pid) in ("", "Z"), "the end of QEMU")
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = RUN / f".{guests.name()}" / "process.json"
        text = record.read_text(encoding="utf-8").replace(f'"pid": {pid},', f'"pid": {stranger.pid},')  # fmt: skip
        record.write_text(text, encoding="utf-8")
        assert guests.info()["status"] in ("stopped", "crashed")
        again = guests.done()
        assert again["changed"] and again["pid"] not in (pid, stranger.pid)
        assert stranger.poll() is None
        stranger.kill()


@pytest.fixture
def small(guest_folder: Path) -> Iterator[Path]:
    """A file system of 1 MiB that belongs to the guests' user."""
    path = guest_folder / "small"
    path.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1M", "none", str(path))
    os.chown(path, guest_user().pw_uid, guest_user().pw_gid)
    yield path
    run("umount", "--lazy", str(path))


def test_h41_a_disk_that_is_full_holds_the_guest_and_the_next_run_lets_it_go_on(guests, small):
    path = small / "disk.img"
    path.write_bytes(WRITER.ljust(510, b"\0") + b"\x55\xaa")
    os.truncate(path, 64 * 2**20)
    os.chown(path, guest_user().pw_uid, guest_user().pw_gid)
    wish = {"nics": [], "boot": "c", "disks": [{"path": str(path), "format": "raw", "bus": "ide"}]}
    pid = guests.done(**wish)["pid"]
    wait_for(lambda: guests.info()["status"] == "io-error", "the guest is held", 60)
    (problem,) = guests.info()["problems"]
    assert str(path) in problem and "full" in problem
    run("mount", "-o", "remount,size=128M", str(small))
    again = guests.run(**wish)
    assert [change["action"] for change in again["changes"]] == ["resume"]
    assert again["guest"]["pid"] == pid and guests.info()["status"] == "running"


@pytest.mark.parametrize("place", [RUN, DEFINITIONS.parent])
def test_h41_no_room_for_what_is_known_of_a_guest(guests, place):
    """Nothing is left of the start, and the next one, with room, succeeds."""
    fills = f'mount -t tmpfs -o size=8k,mode=711 none {place} && head -c 64k /dev/zero > {place}/full; exec "$@"'
    guests.wrapper = ("unshare", "-m", "sh", "-c", fills, "sh")
    message = guests.run(nics=[])["msg"]
    assert f"No space left on device ({place}/" in message and "was undone" in message, message
    assert "\n" not in message and "Errno" not in message
    guests.wrapper = ()
    assert qemus(guests.name()) == [] and guests.left() == []
    assert guests.done(nics=[])["status"] == "running"


def test_h06_a_guest_starts_when_who_had_its_image_is_gone(guests, guest_folder):
    wish = {"nics": [], "disks": [{"path": image(guest_folder / "disk.qcow2")}]}
    guests.done("vm1", **wish)
    assert "lock" in guests.refused("vm2", **wish)
    guests.done("vm1", state="stopped")
    assert guests.done("vm2", **wish)["status"] == "running"


def test_h42_qemu_is_upgraded_under_a_guest(guests, guest_folder):
    """By a program that calls itself newer; what systemd's guests do about it is in lab/test_h_unit_states.py."""
    own = guest_folder / EMULATOR
    real = shutil.which(EMULATOR)
    os.chmod(guest_folder, 0o755)
    own.write_text(f'#!/bin/sh\nexec {real} "$@"\n', encoding="ascii")
    own.chmod(0o755)
    wish = {"nics": [], "emulator": str(own)}
    pid = guests.done(**wish)["pid"]
    assert guests.info()["pending_restart"] == []
    newer = (
        f'[ "$1" = --version ] && echo "QEMU emulator version 99.1.0" && exit\nexec {real} "$@"\n'
    )
    own.write_text(f"#!/bin/sh\n{newer}", encoding="ascii")
    found = guests.info()
    assert (found["status"], found["pid"], found["qemu_installed"]) == ("running", pid, "99.1.0")
    (pending,) = found["pending_restart"]
    assert "99.1.0 is installed" in pending
    assert not guests.done(**wish)["changed"] and guests.info()["pid"] == pid
    own.unlink()
    assert guests.info()["qemu_installed"] is None and not guests.done(**wish)["changed"]
    guests.done(state="stopped")
    assert str(own) in guests.run(**wish)["msg"]
    assert guests.done(nics=[], emulator=EMULATOR)["status"] == "running"
    assert guests.info()["pending_restart"] == []
