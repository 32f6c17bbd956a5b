# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer of configuration and the reader of ifupdown's files, in a folder of their own and without root."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import files
from ansible_collections.hypervisor.network.plugins.module_utils._host.files import Edit


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_is_replaced_with_its_mode_and_attributes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o640)
    try:
        os.setxattr(path, "user.note", b"kept")
        attributes = {"user.note": b"kept"}
    except OSError:  # a file system without them
        attributes = {}
    before = path.stat().st_ino
    files.replace([Edit(str(path), b"old", b"new")], str(tmp_path))
    assert path.read_bytes() == b"new" and path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert {name: os.getxattr(path, name) for name in attributes} == attributes
    assert names(tmp_path) == ["f"]


def test_a_file_can_be_new_and_can_go(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.replace([Edit(str(path), None, b"new")], str(tmp_path))
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o644
    files.replace([Edit(str(path), b"new", None)], str(tmp_path))
    assert names(tmp_path) == []


def test_a_folder_of_drop_ins_comes_and_goes_with_them(tmp_path: Path) -> None:
    mine, own = tmp_path / "a.network.d" / "mine.conf", tmp_path / "own" / "mine.conf"
    files.put([Edit(str(one), None, b"new") for one in (mine, own)], str(tmp_path))
    other = mine.with_name("other.conf")
    other.write_bytes(b"somebody's")
    files.put([Edit(str(mine), b"new", None)], str(tmp_path))
    assert names(mine.parent) == ["other.conf"]
    files.put([Edit(str(other), b"somebody's", None), Edit(str(own), b"new", None)], str(tmp_path))
    assert names(tmp_path) == ["own"]  # which is nobody's but the administrator's


@pytest.mark.parametrize("old", [b"what was read", None])
def test_a_file_that_changed_since_it_was_read_is_left_and_so_are_the_others(
    tmp_path: Path, old: bytes | None
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"somebody's")
    with pytest.raises(Refused, match="changed by somebody else"):
        files.replace(
            [
                Edit(str(tmp_path / "a"), b"somebody's", b"new"),
                Edit(str(tmp_path / "b"), old, b"new"),
            ],
            str(tmp_path),
        )
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [
        b"somebody's",
        b"somebody's",
    ]


def test_what_a_killed_run_left_is_swept_up(tmp_path: Path) -> None:
    (tmp_path / ".hypervisor-network-0123456789abcdef").write_bytes(b"half")
    files.replace([Edit(str(tmp_path / "f"), None, b"new")], str(tmp_path))
    assert names(tmp_path) == ["f"]


def test_two_writers_do_not_write_at_once(tmp_path: Path) -> None:
    with files._locked(str(tmp_path)), pytest.raises(Refused, match="Another run"):
        files.replace([Edit(str(tmp_path / "f"), None, b"new")], str(tmp_path))
    assert names(tmp_path) == []


def test_a_second_file_that_can_not_be_replaced_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(Refused, match="Cannot write /nowhere/b: No such file"):
        files.replace(
            [Edit(str(tmp_path / "a"), b"old", b"new"), Edit("/nowhere/b", None, b"new")],
            str(tmp_path),
        )
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_meanwhile_a_file_holds_what_is_safe_until_the_others_are_done(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
    edits = [
        Edit(str(tmp_path / "a"), b"old", b"new", b"safe"),
        Edit(str(tmp_path / "b"), b"old", b"new"),
    ]
    files.replace(edits, str(tmp_path))
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [b"new", b"new"]


def test_a_directory_in_the_place_of_a_file_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").mkdir()
    edits = [
        Edit(str(tmp_path / "a"), b"old", b"new", b"safe"),
        Edit(str(tmp_path / "b"), None, b"new"),
    ]
    with pytest.raises(Refused, match="Cannot read .*/b: Is a directory"):
        files.replace(edits, str(tmp_path))
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == ["a", "b"]


def test_a_link_that_leads_out_or_stands_outside_is_refused(tmp_path: Path) -> None:
    base, other = tmp_path / "base", tmp_path / "other"
    base.mkdir()
    other.write_bytes(b"")
    (base / "out").symlink_to(other)
    (tmp_path / "link").symlink_to(other)
    with pytest.raises(Refused, match="outside .*, by a symbolic link"):
        files.within(str(base / "out"), str(base))
    with pytest.raises(Refused, match="is a symbolic link outside"):
        files.within(str(tmp_path / "link"), str(base))
    assert files.within(str(other), str(base)) == str(other)


def test_what_would_fail_later_is_refused_before(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    files.probe(Edit(str(path), b"old", b"new"))
    files.probe(Edit(str(tmp_path / "new"), None, b"new"))
    os.link(path, tmp_path / "second")
    with pytest.raises(Refused, match="has 2 names"):
        files.probe(Edit(str(path), b"old", b"new"))
    with pytest.raises(Refused, match="Cannot write /nowhere/new: No such file"):
        files.probe(Edit("/nowhere/new", None, b"new"))
    files.probe_directory(str(tmp_path / "a" / "b"))
    assert not (tmp_path / "a").exists()


def test_a_copy_is_kept_once_in_a_directory_of_its_owner(tmp_path: Path) -> None:
    copy = tmp_path / "backups" / "interfaces.0123"
    for _again in range(2):
        files.back_up(str(copy), b"old")
    assert copy.read_bytes() == b"old" and names(copy.parent) == ["interfaces.0123"]
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    copy.parent.chmod(0o777)
    with pytest.raises(Refused):
        files.back_up(str(copy.with_name("other")), b"old")


def test_a_symbolic_link_that_came_meanwhile_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to(tmp_path / "other")
    with pytest.raises(Refused, match="it is a symbolic link; name the file itself"):
        files.replace([Edit(str(tmp_path / "f"), None, b"new")], str(tmp_path))
    assert (tmp_path / "f").is_symlink() and names(tmp_path) == ["f"]


def test_the_empty_folder_of_a_package_stays(tmp_path: Path) -> None:
    """Seen: /etc/NetworkManager/conf.d was gone with the last file of ours in it."""
    path = tmp_path / "conf.d" / "ours.conf"
    files.put([files.Edit(str(path), None, b"ours")], str(tmp_path))
    files.put([files.Edit(str(path), b"ours", None)], str(tmp_path))
    assert path.parent.is_dir() and not path.exists()
