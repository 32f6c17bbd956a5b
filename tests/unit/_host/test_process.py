# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that outlive the run: who they run as, how they start, how they ended."""

from __future__ import annotations

import fcntl
import io
import os
import pwd
import time
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import process
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import Identity

ME = pwd.getpwuid(os.getuid())
NOBODY = pwd.getpwnam("nobody")


def test_an_account_is_found_by_name_and_by_number() -> None:
    assert process.account(ME.pw_name) == process.account(str(ME.pw_uid)) == ME


@pytest.mark.parametrize("user", ["no-such-user-here", "4294967290", "\u00b2"])
def test_an_account_that_is_missing_is_named_with_its_cure(user: str) -> None:
    with pytest.raises(GuestError, match=f"There is no user '{user}' on this host; make it first"):
        process.account(user)


def file(mode: int, uid: int = 1, gid: int = 1) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("found", "may"),
    [
        (file(0o600, uid=NOBODY.pw_uid), True),
        (file(0o066, uid=NOBODY.pw_uid), False),
        (file(0o060, gid=NOBODY.pw_gid), True),
        (file(0o606, gid=NOBODY.pw_gid), False),
        (file(0o666), True),
        (file(0o664), False),
    ],
    ids=[
        "its own",
        "its own without",
        "its group's",
        "its group's without",
        "everybody's",
        "to read only",
    ],
)
def test_who_may_open_a_file_is_decided_by_the_first_class_that_fits(
    found: os.stat_result, may: bool
) -> None:
    assert process.may_open(found, NOBODY) is may
    assert process.may_open(found, pwd.getpwuid(0))


@pytest.mark.parametrize(
    ("log", "killed"),
    [
        ("6,1,1,-;Out of memory: Killed process 7 (qemu) total-vm:1kB\n", True),
        ("6,1,1,-;Memory cgroup out of memory: Killed process 7 (qemu)\n", True),
        ("6,1,1,-;Out of memory: Killed process 77 (qemu)\n", False),
        ("6,1,1,-;eth0: link up\n", False),
        ("", False),
    ],
)
def test_a_process_that_the_kernel_killed_for_memory(
    tmp_path: Path, log: str, killed: bool
) -> None:
    (tmp_path / "kmsg").write_text(log, encoding="ascii")
    assert process.killed_for_memory(Identity(7, 1, "boot"), str(tmp_path / "kmsg")) is killed


class Overwritten(io.BytesIO):
    """The kernel's log whose first record is overwritten while it is waited for (dev-kmsg: EPIPE)."""

    said = [BrokenPipeError(), b"6,2,2,-;Out of memory: Killed process 7 (qemu)\n"]

    def read(self, _size: int | None = -1) -> bytes:
        record = self.said.pop(0)
        if isinstance(record, OSError):
            raise record
        return record


def test_a_record_that_was_overwritten_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "open", lambda *_args, **_more: Overwritten(), raising=False)
    assert process.killed_for_memory(Identity(7, 1, "boot"))


def test_a_log_that_can_not_be_read_tells_nothing(tmp_path: Path) -> None:
    assert not process.killed_for_memory(Identity(7, 1, "boot"), str(tmp_path / "none"))


def test_a_process_of_its_own_is_recorded_before_it_works_and_apart_from_this_one(
    tmp_path: Path,
) -> None:
    reader, writer = os.pipe()
    recorded = tmp_path / "recorded"

    def work(ready: object) -> None:
        os.write(
            3,
            f"{recorded.read_text()} {os.getpid()} {os.getsid(0) != SESSION} {os.getcwd()}".encode(),
        )
        ready()  # type: ignore[operator]
        os._exit(0)

    with open(os.devnull, "wb") as errors:
        process.fork(
            "work",
            work,
            {3: writer},
            errors.fileno(),
            ME,
            lambda who: recorded.write_text(str(who.pid)) and None,
        )
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        noted, own, apart, where = stream.read().decode().split()
    assert noted == own != str(os.getpid()) and (apart, where) == ("True", "/")


SESSION = os.getsid(0)


def test_work_that_can_not_begin_is_told_in_a_sentence() -> None:
    def work(_ready: object) -> None:
        raise OSError(28, "No space left on device")

    with (
        open(os.devnull, "wb") as errors,
        pytest.raises(GuestError, match=r"^Cannot work: No space left on device\.$"),
    ):
        process.fork("work", work, {}, errors.fileno(), ME)


def test_a_program_that_can_not_be_executed_is_told_with_its_path() -> None:
    with (
        open(os.devnull, "wb") as errors,
        pytest.raises(GuestError, match="Cannot execute /no/such/program: No such file"),
    ):
        process.spawn(["/no/such/program"], {}, errors.fileno(), ME, lambda _who: None)


def test_who_can_not_record_it_starts_nothing() -> None:
    def full(_who: Identity) -> None:
        raise OSError("the disk is full")

    with (
        open(os.devnull, "wb") as errors,
        pytest.raises(GuestError, match="Cannot execute /bin/true: the disk is full"),
    ):
        process.spawn(["/bin/true"], {}, errors.fileno(), ME, full)


def test_why_it_can_not_be_recorded_names_the_file() -> None:
    def full(_who: Identity) -> None:
        raise OSError(28, "No space left on device", "/run/a\udcff")

    with (
        open(os.devnull, "wb") as errors,
        pytest.raises(GuestError, match=r"No space left on device \(/run/a.*\)\.$"),
    ):
        process.spawn(["/bin/true"], {}, errors.fileno(), ME, full)


@pytest.mark.parametrize("fails", ["the record", "the work"])
def test_who_hears_that_it_failed_finds_none_of_its_locks_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """However long the process takes to end."""
    leave, ours = os._exit, os.getpid()

    def late(code: int) -> None:
        if os.getppid() != ours:  # the one in between ends at once
            time.sleep(0.5)
        leave(code)

    def failing(_given: object) -> None:
        raise OSError(28, "No space left on device")

    def fine(_given: object) -> None:
        """Nothing."""

    monkeypatch.setattr(os, "_exit", late)
    record, work = (failing, fine) if fails == "the record" else (fine, failing)
    with open(os.devnull, "wb") as errors, pytest.raises(GuestError), open(tmp_path / "lock", "w", encoding="ascii") as held:  # fmt: skip
        fcntl.flock(held, fcntl.LOCK_EX)
        process.fork("work", work, {3: held.fileno()}, errors.fileno(), ME, record)
    with open(tmp_path / "lock", "w", encoding="ascii") as again:
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_each_capability_that_the_kernel_knows_leaves_the_bounding_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That it does, /proc says in tests/faults/test_h_qemu.py; a kernel of 41 capabilities refuses the number behind its last."""
    asked = []

    class Libc:
        def prctl(self, option: int, number: int, *zeros: int) -> int:
            asked.append((option, number, zeros))
            return 0 if number < 41 else -1

    monkeypatch.setattr(process, "_LIBC", Libc())
    process._drop_bounding_set()
    assert asked == [(24, number, (0, 0, 0)) for number in range(42)]
