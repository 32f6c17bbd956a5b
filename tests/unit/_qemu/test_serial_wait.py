# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a word in a log that is written, renamed and emptied meanwhile."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.serial_wait import SerialLog


@pytest.fixture
def guest() -> Iterator[subprocess.Popen[bytes]]:
    """A process in the place of QEMU."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def waited(log: SerialLog, pattern: str, pid: int, act: Callable[[], object]) -> float:
    """How long it took until the word that C(act) writes in another thread was found."""
    begin = time.monotonic()
    timer = threading.Timer(0.2, act)
    timer.start()
    try:
        log.wait_for("vm1", pattern, 30, pid)
    finally:
        timer.join()
        log.close()
    return time.monotonic() - begin


@pytest.mark.parametrize(
    ("said", "pattern"),
    [
        (b"Debian 13 vm1 ttyS0\n\nvm1 login: ", "login: $"),
        (b"\x1b[0m\x1b[37mU\x1b[1mEFI Interactive Shell\r\n", "UEFI Interactive"),
        (b"\xff\xfe ready \xff\n", "ready"),
        (b"a" * 100_000 + b"\nready\n", "^ready$"),
    ],
    ids=["a prompt", "colours", "no text", "much"],
)
def test_a_word_that_comes_wakes_who_waits(
    path: Path, guest: subprocess.Popen[bytes], said: bytes, pattern: str
) -> None:
    assert waited(SerialLog(str(path)), pattern, guest.pid, lambda: append(path, said)) < 10


def test_what_an_earlier_start_said_does_not_count(
    path: Path, guest: subprocess.Popen[bytes]
) -> None:
    append(path, b"ready\n")
    log = SerialLog(str(path))
    with pytest.raises(DeadlineExceeded, match="said nothing at all"):
        log.wait_for("vm1", "ready", 0.2, guest.pid)
    append(path, b"rea")
    with pytest.raises(DeadlineExceeded, match="it ended with: rea;"):
        log.wait_for("vm1", "ready", 0.2, guest.pid)
    assert waited(log, "ready", guest.pid, lambda: append(path, b"dy")) < 10


def test_a_log_that_is_begun_anew(path: Path, guest: subprocess.Popen[bytes]) -> None:
    append(path, b"old\n")
    log = SerialLog(str(path))

    def rotate() -> None:
        append(path, b"more\n")
        path.rename(f"{path}.1")
        append(path, b"ready\n")

    assert waited(log, "ready", guest.pid, rotate) < 10


def test_a_log_that_is_emptied(path: Path, guest: subprocess.Popen[bytes]) -> None:
    append(path, b"old and long\n")
    log = SerialLog(str(path))

    def empty() -> None:
        os.truncate(path, 0)
        append(path, b"ready\n")

    assert waited(log, "ready", guest.pid, empty) < 10


@pytest.mark.parametrize("gone", [False, True])
def test_a_guest_that_ends_is_not_waited_for(
    path: Path, guest: subprocess.Popen[bytes], gone: bool
) -> None:
    log = SerialLog(str(path))
    append(path, b"Kernel panic - not \x07syncing\n")
    if gone:
        guest.kill()
        guest.wait()
    with pytest.raises(GuestError, match="ended before its serial line said 'ready'") as caught:
        waited(log, "ready", guest.pid, guest.kill)
    assert "\n" not in str(caught.value) and "\x07" not in str(caught.value)
    if not gone:
        assert "Kernel panic - not syncing" in str(caught.value)


def test_a_link_in_the_place_of_a_log_is_not_read(
    path: Path, tmp_path: Path, guest: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "secret").write_bytes(b"ready\n")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(DeadlineExceeded, match="said nothing"):
        SerialLog(str(path)).wait_for("vm1", "ready", 0.2, guest.pid)


def test_a_pipe_in_the_place_of_a_log_is_not_read(
    path: Path, guest: subprocess.Popen[bytes]
) -> None:
    os.mkfifo(path)
    with pytest.raises(DeadlineExceeded, match="said nothing"):
        SerialLog(str(path)).wait_for("vm1", "ready", 0.2, guest.pid)


def test_a_line_without_an_end_takes_a_search_no_longer(
    path: Path, guest: subprocess.Popen[bytes]
) -> None:
    """An expression that backtracks, on a line that the guest chose for it."""
    log = SerialLog(str(path))
    append(path, b"a" * 2**20)
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        log.wait_for("vm1", "a*b", 0.2, guest.pid)
    assert time.monotonic() - begin < 20
