# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is there whole, with its mode, or as it was; whatever the umask is, and wherever the write stops."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import atomic


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("old", [0o600, 0o644, 0o640, 0o755])
def test_what_is_replaced_keeps_its_mode(tmp_path: Path, umask: int, old: int) -> None:
    path = tmp_path / "ifstate"
    path.write_bytes(b"before")
    path.chmod(old)
    atomic.write(str(path), b"after\xff", mode=0o600)
    assert path.read_bytes() == b"after\xff" and mode(path) == old
    assert os.listdir(tmp_path) == ["ifstate"]


def test_a_new_file_has_the_mode_that_was_asked_for(tmp_path: Path, umask: int) -> None:
    atomic.write(str(tmp_path / "private"), b"")
    atomic.write(str(tmp_path / "public"), b"", mode=0o644)
    (tmp_path / "public").chmod(0o640)
    atomic.write(str(tmp_path / "copy"), b"", like=str(tmp_path / "public"))
    assert [mode(tmp_path / name) for name in ("private", "public", "copy")] == [
        0o600,
        0o640,
        0o640,
    ]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("secret")
    (tmp_path / "state").symlink_to("shadow")
    atomic.write(str(tmp_path / "state"), b"new")
    assert (tmp_path / "shadow").read_text() == "secret"
    assert not (tmp_path / "state").is_symlink() and (tmp_path / "state").read_bytes() == b"new"


@pytest.mark.parametrize("lasting", [True, False])
def test_a_disk_is_waited_for_where_it_shall_outlive_a_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    """First for the file, under its other name, and then for the directory; one of this boot is put in its place whole all the same."""
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append((tmp_path / "state").exists()))  # fmt: skip
    atomic.write(str(tmp_path / "state"), b"new", lasting=lasting)
    assert synced == ([False, True] if lasting else [])
    assert os.listdir(tmp_path) == ["state"] and (tmp_path / "state").read_bytes() == b"new"


@pytest.mark.parametrize("call", ["fsync", "fchmod", "rename"])
def test_where_it_stops_nothing_is_changed_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_words: Any, **_more: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "armed"
    path.write_bytes(b"before")
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(OSError, match="No space"):
            atomic.write(str(path), b"after")
    assert path.read_bytes() == b"before" and os.listdir(tmp_path) == ["armed"]


def test_it_is_on_the_disk_before_it_is_in_its_place_and_then_the_directory_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        order.append("directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def renamed(*words: Any, **more: Any) -> None:
        order.append("rename")
        rename(*words, **more)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    atomic.write(str(tmp_path / "armed"), b"all of it")
    assert order == ["file", "rename", "directory"]


def test_what_killed_runs_left_behind_is_swept_up_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        staged = atomic.stage(directory, b"half", lambda _descriptor: None)
        assert sorted(os.listdir(tmp_path)) == sorted(["f", staged])
        atomic.sweep(directory)
        atomic.discard(staged, directory)  # gone already
    finally:
        os.close(directory)
    assert os.listdir(tmp_path) == ["f"]
