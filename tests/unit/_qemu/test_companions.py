# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes beside QEMU, with a program that listens in the place of swtpm."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import companions, rundir

USER = pwd.getpwuid(os.geteuid())


@pytest.fixture
def directory() -> Iterator[rundir.RunDirectory]:
    """Below a short path: the name of a unix socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory() as folder:
        made = rundir.RunDirectory("vm1", folder)
        made.make_trusted()
        made.make_public(USER.pw_uid, USER.pw_gid)
        yield made
        companions.end(made)


@pytest.fixture
def errors() -> Iterator[int]:
    with open(os.devnull, "w", encoding="ascii") as file:
        yield file.fileno()


def sleeper(directory: rundir.RunDirectory, deaf: bool = False) -> companions.Companion:
    """What ends at a SIGTERM, or does not."""
    trap = "trap '' TERM; " if deaf else ""
    words = ["/bin/sh", "-c", f"{trap}while :; do sleep 60 & wait; done", "swtpm"]
    return companions.Companion("tpm", words, companions.socket_of(directory.public, "tpm"), USER)


def identity(directory: rundir.RunDirectory) -> procfs.Identity:
    record = directory.load("tpm.json")
    assert record is not None
    return procfs.Identity(record["pid"], record["start_time"], record["boot_id"])


def test_it_is_there_before_qemu_and_can_be_connected_to(
    directory: rundir.RunDirectory, errors: int
) -> None:
    one = sleeper(directory)
    with companions.started([one], directory, USER, errors):
        assert identity(directory).alive and not companions.gone(directory, "tpm")
        mode = os.stat(one.socket).st_mode
        assert stat.S_ISSOCK(mode) and mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(one.socket)
    assert identity(directory).alive
    words = Path(f"/proc/{identity(directory).pid}/cmdline").read_text("utf-8").split("\0")
    assert "type=unixio,fd=3" in words


def test_one_of_an_earlier_version_has_the_user_of_the_guest(
    directory: rundir.RunDirectory, errors: int
) -> None:
    assert not companions.shared(directory, "tpm", USER.pw_uid)
    with companions.listening(companions.socket_of(directory.public, "tpm"), USER):
        assert companions.shared(directory, "tpm", USER.pw_uid), "it is within the guest's unit"
    os.unlink(companions.socket_of(directory.public, "tpm"))
    with companions.started([sleeper(directory)], directory, USER, errors):
        assert companions.shared(directory, "tpm", USER.pw_uid)
        assert not companions.shared(directory, "tpm", USER.pw_uid + 1)


def test_where_qemu_does_not_start_it_ends(directory: rundir.RunDirectory, errors: int) -> None:
    who = None
    with (
        pytest.raises(RuntimeError),
        companions.started([sleeper(directory)], directory, USER, errors),
    ):
        who = identity(directory)
        raise RuntimeError
    assert who is not None and not who.alive and directory.load("tpm.json") is None


def test_one_that_is_gone_is_told_until_it_is_forgotten(
    directory: rundir.RunDirectory, errors: int
) -> None:
    with companions.started([sleeper(directory)], directory, USER, errors):
        who = identity(directory)
    procfs.send_signal(who, signal.SIGKILL)
    assert procfs.wait_gone(who, 5)
    assert companions.gone(directory, "tpm")
    companions.end(directory)
    assert directory.load("tpm.json") is None


def test_one_that_does_not_listen_to_sigterm_is_killed(
    directory: rundir.RunDirectory, errors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(companions, "_DEADLINE", 0.3)
    with companions.started([sleeper(directory, deaf=True)], directory, USER, errors):
        who = identity(directory)
    companions.end(directory)
    assert not who.alive


def test_one_that_cannot_be_killed(
    directory: rundir.RunDirectory, errors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with companions.started([sleeper(directory)], directory, USER, errors):
        pass
    with monkeypatch.context() as patched:
        patched.setattr(procfs, "wait_gone", lambda _who, _seconds: False)
        with pytest.raises(GuestError, match="lives on after SIGKILL"):
            companions.end(directory)


def test_a_socket_that_cannot_be_made(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match="Cannot listen"),
        companions.listening(str(tmp_path / "no" / "socket"), USER),
    ):
        pass


def test_nothing_started_is_nothing_to_end(directory: rundir.RunDirectory) -> None:
    companions.end(directory)


def test_one_without_a_record_is_asked_whether_it_listens(directory: rundir.RunDirectory) -> None:
    path = companions.socket_of(directory.public, "tpm")
    assert companions.gone(directory, "tpm")
    with companions.listening(path, USER):
        for _number in range(5):  # more than its queue takes
            assert not companions.gone(directory, "tpm")
    assert companions.gone(directory, "tpm")
