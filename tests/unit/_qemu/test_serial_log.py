# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a guest's serial line: what was said last is in it, and it stays small."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import serial_log

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
