# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk of /proc over what anybody may write there, and who a process is when its number has changed hands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Iterator

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import Process

STAT = b"100 (%s) S 7 100 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n"


def fake(proc: Path, pid: int, **files: bytes) -> Process:
    (proc / str(pid)).mkdir(parents=True)
    for name, content in files.items():
        (proc / str(pid) / name).write_bytes(content)
    return Process(pid, str(proc))


@pytest.fixture
def child() -> Iterator[subprocess.Popen]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    "name", [b"sh", b"a\nb", b"\xff\xfe", b") S 1 1 1", b"", b"(", b"\n", "ü".encode()[:1]]
)
def test_a_name_may_hold_anything(tmp_path: Path, name: bytes) -> None:
    one = fake(tmp_path, 100, stat=STAT % name, comm=name + b"\n", cmdline=name + b"\0-x\0")
    assert one.stat() == procfs.Stat("S", 7, 42, 4711)
    assert one.name() == name.decode("utf-8", "replace").rstrip("\n")
    assert one.argv() == (name.decode("utf-8", "replace"), "-x")
    assert [each.pid for each in procfs.processes(str(tmp_path))] == [100]


def test_a_process_that_is_gone_says_nothing(tmp_path: Path) -> None:
    gone = Process(100, str(tmp_path))
    assert (gone.argv(), gone.name(), gone.stat(), gone.real_uid(), gone.exe()) == (
        (), "", None, None, "",
    )  # fmt: skip
    assert not gone.executes([sys.executable]) and gone.namespace("net") is None
    assert list(procfs.processes(str(tmp_path / "nowhere"))) == []


@pytest.mark.parametrize("stat", [b"", b"100 (sh) S", b"100 (sh) S x y z", b"\xff"])
def test_half_a_stat_is_none(tmp_path: Path, stat: bytes) -> None:
    assert fake(tmp_path, 100, stat=stat).stat() is None


@pytest.mark.parametrize(
    ("status", "uid"),
    [
        (b"Name:\tsh\nUid:\t65534\t0\t0\t0\n", 65534),
        (b"Uid:\t0\t65534\t0\t0\n", 0),
        # a name with a newline is escaped by the kernel, and would be no line of its own anyway
        (b"Name:\ta\\nUid:\t0\nUid:\t65534\t0\t0\t0\n", 65534),
        (b"Name:\tsh\n", None),
        (b"Uid:\n", None),
    ],
)
def test_the_real_user_is_the_first_of_four(tmp_path: Path, status: bytes, uid: int | None) -> None:
    assert fake(tmp_path, 100, status=status).real_uid() == uid


def test_a_program_is_known_by_its_file_and_after_an_upgrade_by_its_path(tmp_path: Path) -> None:
    program, other = tmp_path / "dhclient", tmp_path / "evil" / "dhclient"
    other.parent.mkdir()
    for path in (program, other):
        path.write_text("")
    one = fake(tmp_path, 100)
    for target, known in (
        (str(program), True),
        (str(other), False),
        (f"{program} (deleted)", True),
        (f"{other} (deleted)", False),
        (f"{program}-old (deleted)", False),
    ):
        (tmp_path / "100" / "exe").unlink(missing_ok=True)
        (tmp_path / "100" / "exe").symlink_to(target)
        assert one.executes([str(program), str(tmp_path / "missing")]) is known, target


def test_a_real_process_is_what_the_kernel_says(child: subprocess.Popen) -> None:
    one = Process(child.pid)
    assert one.executes([sys.executable]) and one.real_uid() == os.getuid()
    assert one.argv()[1:] == ("-c", "input()")
    assert one.namespace("net") == procfs.own_namespace("net")
    found = one.stat()
    assert found is not None and found.parent == os.getpid() and found.session == os.getsid(0)


def test_a_running_program_that_was_replaced_is_still_it(tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy2("/bin/sleep", program)
    with subprocess.Popen([str(program), "30"]) as sleeping:
        Process(sleeping.pid).argv()
        shutil.copy2("/bin/sleep", tmp_path / "new")
        os.replace(tmp_path / "new", program)
        assert Process(sleeping.pid).exe() == f"{program} (deleted)"
        assert Process(sleeping.pid).executes([str(program)])
        sleeping.kill()


def test_a_signal_reaches_the_process_it_is_meant_for(child: subprocess.Popen) -> None:
    who = Process(child.pid).identity()
    assert who is not None and who.alive
    procfs.send_signal(who, signal.SIGTERM)
    assert procfs.wait_gone(who, 10) and child.wait(10) == -signal.SIGTERM
    procfs.send_signal(who, signal.SIGTERM)


@pytest.mark.parametrize("changed", ["start_time", "boot_id"])
def test_who_has_the_number_now_is_not_signalled(child: subprocess.Popen, changed: str) -> None:
    who = Process(child.pid).identity()
    assert who is not None
    other = replace(who, **{changed: 1 if changed == "start_time" else "another boot"})
    procfs.send_signal(other, signal.SIGKILL)
    assert procfs.pidfd(other) is None and procfs.wait_gone(other, 0) and not other.alive
    assert not procfs.wait_gone(who, 0.05) and child.poll() is None


def test_what_a_process_has_open_is_what_it_is_open_on(tmp_path: Path) -> None:
    folder = tmp_path / "7" / "fd"
    folder.mkdir(parents=True)
    (folder / "3").symlink_to("socket:[4711]")
    (folder / "4").write_text("closed while it was read", encoding="ascii")
    assert Process(7, str(tmp_path)).open_files() == {3: "socket:[4711]"}
    assert Process(8, str(tmp_path)).open_files() == {}


def test_a_capability_counts_in_this_user_namespace_only(tmp_path: Path) -> None:
    one = fake(tmp_path, 7, status=b"Name:\tx\nCapEff:\t0000000000001000\n")
    for who in ("7", "self"):
        folder = tmp_path / who / "ns"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "user").symlink_to("user:[1]")
    assert one.may(12) and not one.may(13)
    (tmp_path / "7" / "ns" / "user").unlink()
    (tmp_path / "7" / "ns" / "user").symlink_to("user:[2]")
    assert not one.may(12)


def test_words_from_outside_stay_in_their_line() -> None:
    assert procfs.printable("a\nb\x1b[31m") == "a\ufffdb\ufffd[31m"


def test_an_identity_tells_since_when_and_is_written_down_whole(child: subprocess.Popen) -> None:
    who = Process(child.pid).identity()
    assert who is not None and abs(who.since - time.time()) < 60
    assert procfs.Identity(**who.as_dict()) == who
