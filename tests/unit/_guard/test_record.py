# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record's files: whole or not at all, and whatever else stands there is named."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._guard import record


def test_what_was_written_is_read_and_only_its_owner_may(tmp_path):
    record.write(str(tmp_path), "armed", {"began": 1.5, "what": "eth0 as uplink of br0"})
    assert record.read(str(tmp_path / "armed")) == {"began": 1.5, "what": "eth0 as uplink of br0"}
    assert os.listdir(tmp_path) == ["armed"]
    assert (tmp_path / "armed").stat().st_mode & 0o777 == 0o600


def test_it_is_synced_before_it_has_its_name_and_the_name_after(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda fd: done.append(os.path.isdir(f"/proc/self/fd/{fd}")))
    rename = os.rename
    monkeypatch.setattr(
        os, "rename", lambda *names, **where: (done.append("rename"), rename(*names, **where))
    )
    record.write(str(tmp_path), "armed", {})
    assert done == [False, "rename", True]


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    record.write(str(tmp_path), "armed", {"began": 1})

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        record.write(str(tmp_path), "armed", {"began": 2})
    assert os.listdir(tmp_path) == ["armed"]
    assert record.read(str(tmp_path / "armed")) == {"began": 1}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\0" * 512, "empty"),
        (b'{"began": 17', "cut off"),
        (b"\xff\xfe\x00binary", "cut off"),
        (b"[" * 100_000, "cut off"),
        (b"[1, 2]", "never one of ours"),
        (b"null", "never one of ours"),
        (b'{"began": "yesterday"}', "'began'"),
        (b'{"deadline": true}', "'deadline'"),
        (b'{"netns": ["a"]}', "'netns'"),
    ],
)
def test_what_is_no_record_is_named(tmp_path, content, why):
    (tmp_path / "armed").write_bytes(content)
    with pytest.raises(record.Unreadable, match=why):
        record.read(str(tmp_path / "armed"))


def test_a_folder_or_a_pipe_in_its_place_holds_nobody_up(tmp_path):
    (tmp_path / "armed").mkdir()
    os.mkfifo(tmp_path / "applied")
    for name in ("armed", "applied"):
        with pytest.raises(record.Unreadable, match="no regular file|Is a directory"):
            record.read(str(tmp_path / name))


def test_none_is_told_from_one_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        record.read(str(tmp_path / "armed"))
    # renamed between two looks
    answers = iter([True, False])
    monkeypatch.setattr(os.path, "lexists", lambda _path: next(answers))
    with pytest.raises(FileNotFoundError):
        record.read(str(tmp_path / "armed"))
