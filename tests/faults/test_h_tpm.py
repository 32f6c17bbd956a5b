# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: a guest's TPM, which is a process beside QEMU, by /proc."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    Guests,
    guest_user,
    kept,
    process_state,
    tpm_user,
    without_capabilities,
    words_of,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

TPM: dict[str, Any] = {"nics": [], "state": "paused", "tpm": True}


def swtpms(guests: Guests) -> list[int]:
    """The processes whose command line names this guest's TPM, by /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"dir={kept(guests.name())}/tpm".encode() in words:
            found.append(int(path.parent.name))
    return found


def as_guest(*command: str) -> bool:
    """Whether a command succeeds with the rights of who breaks out of QEMU."""
    user = guest_user()
    words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return subprocess.run([*words, *command], check=False, capture_output=True).returncode == 0


def until_gone(pid: int) -> None:
    wait_for(lambda: process_state(pid) is None, f"the end of the process {pid}", 10)


def test_t01_a_tpm_is_a_process_without_rights_of_a_user_of_its_own(guests):
    guest = guests.done(**TPM)
    (pid,) = swtpms(guests)
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    )
    user, own = guest_user(), tpm_user()
    assert own.pw_uid != user.pw_uid and own.pw_gid != user.pw_gid
    assert set(status["Uid"].split()) == {str(own.pw_uid)}
    assert set(status["Gid"].split()) == {str(own.pw_gid)}
    assert set(status["Groups"].split()) <= {str(own.pw_gid)}
    assert without_capabilities(pid)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    socket = guests.folder() / "tpm.sock"
    assert socket.stat().st_mode & 0o777 == 0o600 and socket.stat().st_uid == user.pw_uid
    state = kept(guests.name()) / "tpm"
    assert state.stat().st_mode & 0o777 == 0o700 and state.stat().st_uid == own.pw_uid
    assert not as_guest("cat", str(state / "tpm2-00.permall")) and not as_guest("ls", str(state))
    assert not as_guest("kill", "-CONT", str(pid))
    assert (state / "tpm2-00.permall").stat().st_mode & 0o777 in (0o600, 0o640)
    assert "emulator,id=tpm0,chardev=tpm" in words_of(guest["pid"])
    assert not guests.done(**TPM)["changed"] and guests.info()["problems"] == []


def test_t02_a_tpm_ends_with_its_guest_however_that_ends(guests):
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        guest = guests.done(**TPM)
        (pid,) = swtpms(guests)
        os.kill(guest["pid"], signal_number)
        until_gone(pid)
    guests.done(**TPM)
    (pid,) = swtpms(guests)
    guests.done(state="stopped")
    assert process_state(pid) is None


def test_t03_a_tpm_that_is_gone_is_told_and_a_restart_brings_it_back(guests):
    guests.done(**TPM)
    (pid,) = swtpms(guests)
    os.kill(pid, signal.SIGKILL)
    until_gone(pid)
    (problem,) = guests.info()["problems"]
    assert "its TPM is gone" in problem and "resets" in problem
    assert not guests.done(**TPM)["changed"]
    again = guests.done(**TPM, on_change="restart")
    assert again["changed"] and guests.info()["problems"] == [] and len(swtpms(guests)) == 1


def test_t04_what_a_tpm_knows_outlives_a_stop_and_goes_with_the_guest(guests):
    guests.done(**TPM)
    state = kept(guests.name()) / "tpm" / "tpm2-00.permall"
    inode = state.parent.stat().st_ino
    guests.done(state="stopped")
    assert state.stat().st_size > 0
    guests.done(**TPM)
    assert state.parent.stat().st_ino == inode
    guests.done(state="absent")
    assert not kept(guests.name()).exists() and swtpms(guests) == []


def test_t05_a_start_that_fails_leaves_no_tpm_behind(guests):
    guests.refused(**TPM, extra_args=["-device", "usb-tablet"])
    assert swtpms(guests) == [] and not kept(guests.name()).exists()


def test_t06_no_second_process_gets_at_the_tpm_of_a_guest(guests):
    """A second QEMU on the same socket would hang without a word: the lock of the guest is before it, and its directory is closed to others."""
    guests.done(**TPM)
    record = Path("/run/hypervisor-network", f".{guests.name()}", "process.json")
    written = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**written, "start_time": 1}), encoding="utf-8")
    result = guests.run(**TPM)
    record.write_text(json.dumps(written), encoding="utf-8")
    assert result["failed"] and "has a process already" in result["msg"]


def test_t07_a_host_without_swtpm_is_told_its_package(guests):
    program = subprocess.run(["which", "swtpm"], check=True, capture_output=True, text=True)
    guests.wrapper = ("unshare", "-m", "sh", "-c", f'mount --bind /dev/null {program.stdout.strip()} && exec "$@"', "sh")  # fmt: skip
    assert "'apt-get install swtpm'" in guests.refused(**TPM)


def test_t08_a_tpm_of_a_guest_that_gets_another_user(guests):
    guests.done(**TPM)
    guests.done(state="stopped")
    guests.done(**TPM, user="nobody")
    state = kept(guests.name()) / "tpm"
    assert {path.owner() for path in (state, *state.rglob("*"))} == {tpm_user().pw_name}
    assert len(swtpms(guests)) == 1 and guests.info()["problems"] == []


def test_t09_what_an_earlier_version_left_to_the_guests_user_is_taken_over_with_what_it_knows(
    guests,
):
    guests.done(**TPM)
    guests.done(state="stopped")
    state = kept(guests.name()) / "tpm"
    before = (state / "tpm2-00.permall").read_bytes()
    for path in (state, *state.rglob("*")):
        os.chown(path, guest_user().pw_uid, guest_user().pw_gid)
    guests.done(**TPM)
    assert {path.owner() for path in (state, *state.rglob("*"))} == {tpm_user().pw_name}
    assert (state / "tpm2-00.permall").read_bytes() == before
    assert guests.info()["pending_restart"] == []
