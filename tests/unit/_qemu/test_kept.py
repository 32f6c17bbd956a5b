# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest keeps over a boot: who owns it, and what an interrupted or a hostile hand leaves."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import SEED, VARS, Kept

USER = pwd.getpwuid(os.geteuid())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept("vm1", str(tmp_path / "state" / "guests"))


def put(kept: Kept, kind: str, what: str, text: str, *keep: str, mode: int = 0o600) -> Path:
    with kept.new(kind, what, USER, mode, *keep) as path:
        Path(path).write_text(text, encoding="ascii")
    return Path(path)


def test_who_only_reads_makes_nothing(kept: Kept, tmp_path: Path) -> None:
    assert not kept.exists and kept.known(SEED) == {}
    kept.forget(SEED, "one")
    kept.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_known_by_what_it_is_and_its_name_tells_nothing(kept: Kept) -> None:
    path = put(kept, SEED, "secret-fingerprint", "one", mode=0o400)
    assert kept.known(SEED) == {"secret-fingerprint": str(path)} and kept.known(VARS) == {}
    assert "secret" not in path.name and path.stat().st_mode & 0o777 == 0o400
    assert Path(kept.path).stat().st_mode & 0o777 == 0o710
    assert Path(kept.path).parent.stat().st_mode & 0o777 == 0o711


def test_others_of_the_kind_go_but_those_that_stay(kept: Kept) -> None:
    put(kept, SEED, "one", "1")
    two, store = put(kept, SEED, "two", "2", "one"), put(kept, VARS, "plain", "v")
    assert set(kept.known(SEED)) == {"one", "two"}
    three = put(kept, SEED, "three", "3", "two", "none")
    assert kept.known(SEED) == {"two": str(two), "three": str(three)}
    assert kept.known(VARS) == {"plain": str(store)}
    assert sorted(Path(kept.path).glob("seed-*")) == sorted([two, three])


def test_the_same_one_made_again_takes_the_place_of_the_former(kept: Kept) -> None:
    first, second = put(kept, SEED, "one", "1"), put(kept, SEED, "one", "2", "one")
    assert kept.known(SEED) == {"one": str(second)} and not first.exists()


def test_what_fails_leaves_nothing(kept: Kept) -> None:
    put(kept, SEED, "one", "1")
    before = sorted(os.listdir(kept.path))
    with pytest.raises(RuntimeError), kept.new(SEED, "two", USER, 0o400):
        raise RuntimeError
    assert sorted(os.listdir(kept.path)) == before


def test_a_file_that_was_exchanged_while_it_was_made(kept: Kept, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("theirs", encoding="ascii")
    with pytest.raises(Refused, match="exchanged"), kept.new(SEED, "one", USER, 0o400) as path:
        os.unlink(path)
        os.symlink(other, path)
    assert other.read_text(encoding="ascii") == "theirs" and kept.known(SEED) == {}


def test_a_file_that_is_gone_is_not_known(kept: Kept) -> None:
    put(kept, SEED, "one", "1").unlink()
    assert kept.known(SEED) == {}


def test_forgotten_and_removed(kept: Kept) -> None:
    path = put(kept, SEED, "one", "1")
    kept.forget(SEED, "one")
    assert not path.exists() and kept.known(SEED) == {} and kept.exists
    kept.remove()
    assert not kept.exists


def test_a_folder_of_another_users_own_with_all_in_it(kept: Kept) -> None:
    folder = Path(kept.folder("tpm", USER, USER))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.stat(kept.path).st_mode & 0o777 == 0o711, "that user comes through to it"
    (folder / "state").write_text("1", encoding="ascii")
    assert kept.folder("tpm", USER, USER) == str(folder)
    assert (folder / "state").read_text(encoding="ascii") == "1"


def test_given_to_a_user_is_a_plain_file_without_another_name(kept: Kept, tmp_path: Path) -> None:
    path = put(kept, SEED, "one", "1")
    kept.give(str(path), USER)
    os.link(path, tmp_path / "second-name")
    with pytest.raises(Refused, match="not the plain file"):
        kept.give(str(path), USER)


def test_a_link_is_not_given_to_a_user(kept: Kept, tmp_path: Path) -> None:
    kept.make(USER)
    link = Path(kept.path, "link")
    link.symlink_to(tmp_path)
    with pytest.raises(OSError, match="symbolic"):
        kept.give(str(link), USER)


def test_what_a_word_for_a_machine_meant(kept: Kept) -> None:
    assert kept.pinned("pc") is None
    kept.pin("pc", "pc-i440fx-7.2", USER)
    put(kept, SEED, "one", "1")
    kept.pin("q35", "pc-q35-7.2", USER)
    kept.pin("pc", "pc-i440fx-7.2", USER)
    assert (kept.pinned("pc"), kept.pinned("q35")) == ("pc-i440fx-7.2", "pc-q35-7.2")
    assert set(kept.known(SEED)) == {"one"}
