# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a guest's serial line: what was said last is in it, and it stays small."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import serial_log
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

LINES = [b"%099d\n" % number for number in range(100)]


def keep(path: Path, lines: list[bytes], limit: int = 1000) -> bool:
    """Have these lines kept, each read by itself; returns whether the file was said to be ready."""
    ready: list[bool] = []
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            for line in lines:
                theirs.send(line)
        serial_log.keep(ours.fileno(), str(path), limit, lambda: ready.append(True))
    return ready == [True]


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_what_fits_is_appended_to_what_is_there(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"earlier\n")
    assert keep(log, LINES[:3])
    assert log.read_bytes() == b"earlier\n" + b"".join(LINES[:3])
    assert names(tmp_path) == ["log"]


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    assert keep(tmp_path / "log", [])
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_a_guest_that_never_ends_takes_two_files_of_the_limit(tmp_path: Path) -> None:
    assert keep(tmp_path / "log", LINES[:95])
    assert names(tmp_path) == ["log", "log.1"]
    assert (tmp_path / "log.1").read_bytes() == b"".join(LINES[80:90])
    assert (tmp_path / "log").read_bytes() == b"".join(LINES[90:95])


def test_a_file_in_a_folder_that_is_not_ours_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: str) -> None:
        raise PermissionError

    monkeypatch.setattr(serial_log.os, "rename", refuse)
    assert keep(tmp_path / "log", LINES[:95])
    assert (tmp_path / "log").read_bytes() == b"".join(LINES[90:95])
    assert names(tmp_path) == ["log"]


def test_what_is_no_plain_file_is_never_renamed(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/null")
    assert keep(tmp_path / "log", LINES)
    assert names(tmp_path) == ["log"]


def test_a_full_disk_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    assert keep(tmp_path / "log", LINES)


def test_a_file_that_cannot_be_opened_is_never_said_to_be_ready(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keep(tmp_path / "nowhere" / "log", LINES)


def run(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The file as a program, as a unit runs it."""
    log = str(tmp_path / "log")
    return subprocess.run(
        [sys.executable, "-I", serial_log.__file__, log, "6", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_program_that_says_what_it_has_to_a_descriptor_has_it_in_the_file(tmp_path: Path) -> None:
    done = run(tmp_path, "/bin/sh", "-c", 'echo one >&6; echo "$$"; exit 3')
    assert done.returncode == 3 and done.stderr == ""
    wait_for(lambda: (tmp_path / "log").read_text("ascii") == "one\n", "the line in the log")


def test_it_is_the_program_and_not_its_parent(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            serial_log.__file__,
            str(tmp_path / "log"),
            "6",
            "/bin/sh",
            "-c",
            "echo $$",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert int(child.communicate()[0]) == child.pid


def test_a_program_whose_log_cannot_be_written_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    done = run(tmp_path, "/bin/sh", "-c", "echo run")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the serial_log cannot be written: " in done.stderr and "directory" in done.stderr


def test_a_program_that_is_missing_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "/nowhere/qemu")
    assert done.returncode == 1 and "No such file" in done.stderr
