# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory that is ours alone, and what somebody else could have put in its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import places


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777], ids=oct)
def test_it_is_made_with_its_mode_whatever_the_umask_is(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        # who is not root can't open what its own umask shut
        if umask != 0o777 or os.geteuid() == 0:
            places.own_directory(str(tmp_path / "run"), 0o711)
            places.own_directory(str(tmp_path / "run"), 0o711)
            assert (tmp_path / "run").stat().st_mode & 0o777 == 0o711
    finally:
        os.umask(before)


def test_one_that_lets_nobody_through_is_widened_and_a_wider_one_stays(tmp_path: Path) -> None:
    for name, mode, after in (("narrow", 0o700, 0o711), ("wide", 0o755, 0o755)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
        places.own_directory(str(tmp_path / name), 0o711)
        assert (tmp_path / name).stat().st_mode & 0o777 == after


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "pipe", "group", "others"])
def test_what_others_can_write_to_or_made_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run"
    if kind in ("link", "dangling"):
        (tmp_path / "link").mkdir()
        path.symlink_to(tmp_path / kind)
    elif kind == "file":
        path.write_text("")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
        path.chmod(0o770 if kind == "group" else 0o1707)
    with pytest.raises(Refused, match="is not a directory that only root can write to") as caught:
        places.own_directory(str(path), 0o711)
    assert "\n" not in str(caught.value)
    assert kind != "link" or list((tmp_path / "link").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away: make test runs it so")
def test_one_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    os.chown(tmp_path / "run", 65534, 65534)
    with pytest.raises(Refused, match="only root can write to"):
        places.own_directory(str(tmp_path / "run"), 0o711)


def test_where_its_parent_is_missing_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="missing/run: No such file"):
        places.own_directory(str(tmp_path / "missing" / "run"), 0o711)


def test_one_that_another_run_removes_in_this_moment_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, make, removed = tmp_path / "run", os.mkdir, []

    def make_and_lose(*given: object) -> None:
        make(*given)  # type: ignore[arg-type]
        if not removed:
            removed.append(path.rmdir())

    monkeypatch.setattr(os, "mkdir", make_and_lose)
    places.own_directory(str(path), 0o711)
    assert removed and path.is_dir()


def test_a_file_is_only_ours_where_nobody_else_may_put_another_in_its_place(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    assert places.is_only_ours(str(home / "leases"))  # it need not be there yet
    home.chmod(0o1777)
    assert not places.is_only_ours(str(home / "leases"))
    (home / "own").mkdir(mode=0o700)
    assert places.is_only_ours(str(home / "own" / "leases"))
    home.chmod(0o777)
    assert not places.is_only_ours(str(home / "own" / "leases"))
    home.chmod(0o755)
    (home / "link").symlink_to("/etc/passwd")
    for path in ("leases", f"{home}/../leases", f"{home}/link", f"{home}/missing/x", f"{home}/"):
        assert not places.is_only_ours(path), path
