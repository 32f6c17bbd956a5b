# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a guarded change: its states, what is pending, and what a full disk, a crash or a stranger left there."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import record
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)

FACTS = {"netns": None, "wish": "w", "what": "a change", "timeout": 60.0}
BROKEN = {"empty": b"", "cut off": b'{"began": 17', "binary": bytes(range(128, 256))}


@pytest.fixture
def root(tmp_path) -> str:
    return str(tmp_path / "txn")


def _begin(root: str, **facts: object) -> transactions.Transaction:
    return transactions.begin(
        {**FACTS, "boot": transactions.boot(), "deadline": 1e12, **facts}, {"links": []}, root
    )


def _broken(root: str, content: bytes, state: str = "armed") -> Path:
    folder = Path(_begin(root).path)
    (folder / "armed").unlink()
    (folder / state).write_bytes(content)
    return folder


def test_each_step_is_a_rename_and_only_one_of_two_wins(root):
    one = _begin(root)
    assert one.state == "armed" and one.move("armed", "applied")
    assert not one.move("armed", "rolling-back")
    assert one.move("applied", "confirmed") and one.state == one.facts["state"] == "confirmed"
    assert sorted(os.listdir(one.path)) == ["confirmed", "snapshot.json"]


@pytest.mark.parametrize("written", range(2))
def test_a_disk_that_is_full_when_it_begins_leaves_nothing(root, monkeypatch, written):
    write, done = record.write, []

    def full(directory: str, name: str, content: object) -> None:
        if len(done) == written:
            Path(directory, name).touch()
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(name)
        write(directory, name, content)

    monkeypatch.setattr(record, "write", full)
    with pytest.raises(OSError, match="No space"):
        _begin(root)
    assert os.listdir(root) == []


def test_a_power_cut_while_it_began_is_forgotten_after_an_hour(root):
    _begin(root)
    old, new = Path(root, ".making-old"), Path(root, ".making-new")
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (1, 1))
    _begin(root)
    assert not old.exists() and new.exists()


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
@pytest.mark.parametrize("state", ["armed", "applied", "confirmed", "rolling-back"])
def test_a_record_that_cannot_be_read_is_told_set_aside_and_stops_nobody(root, content, state):
    folder = _broken(root, content, state)
    good = _begin(root)
    assert transactions.named(folder.name, root).facts["unreadable"]
    assert [one["id"] for one in transactions.pending(None, root)] == [good.id]
    assert transactions.rollbacks_in_a_row("w", root) == 0
    (told,) = transactions.set_aside(root)
    assert str(folder) in told and "\n" not in told and told.endswith(".")
    assert not folder.exists() and (folder.parent / f"{folder.name}.unreadable").is_dir()
    assert transactions.set_aside(root) == []
    assert [one["id"] for one in transactions.every(root)] == [good.id]


def test_a_record_that_a_guard_still_holds_is_not_set_aside(root):
    folder = _broken(root, b"")
    held = transactions.hold(transactions.Transaction(folder.name, root))
    assert transactions.set_aside(root) == [] and folder.exists()
    os.close(held)
    assert len(transactions.set_aside(root)) == 1


def test_what_is_no_record_at_all_is_passed_over(root):
    good = _begin(root)
    Path(root, "lost+found").mkdir()
    Path(root, "f" * 32).touch()
    Path(root, "e" * 32).mkdir()
    Path(root, "d" * 32).symlink_to("/nonexistent")
    assert [one["id"] for one in transactions.every(root)] == [good.id]
    assert transactions.set_aside(root) == []


def test_a_note_on_a_record_that_got_lost_keeps_what_is_said_now(root):
    folder = _broken(root, b"", "rolling-back")
    one = transactions.Transaction(folder.name, root)
    one.note("rolling-back", why="the deadline")
    assert one.facts == {"why": "the deadline", "id": folder.name, "state": "rolling-back"}


def test_a_copied_state_file_does_not_take_the_last_word_back(root):
    one = _begin(root)
    one.move("armed", "rolled-back")
    Path(one.path, "applied").touch()
    assert one.state == "rolled-back"


def test_pending_is_what_this_boot_has_not_ended_in_this_namespace(root):
    mine = _begin(root)
    _begin(root, netns="other")
    _begin(root, boot="another")
    undoing = _begin(root)
    undoing.move("armed", "undoing")
    _begin(root).move("armed", "rolled-back")
    found = transactions.pending(None, root)
    assert {one["id"] for one in found} == {mine.id, undoing.id}
    assert all(one["seconds_left"] > 0 for one in found)


def test_rollbacks_count_until_a_confirmation_and_not_where_they_were_asked_for(root):
    for number, (state, why) in enumerate(
        [
            ("rolled-back", ""),
            ("confirmed", ""),
            ("rolled-back", "late"),
            ("rolled-back", transactions.ASKED_FOR),
        ]
    ):
        one = _begin(root)
        record.write(one.path, "armed", {**FACTS, "began": number, "why": why})
        one.move("armed", state)
    assert transactions.rollbacks_in_a_row("w", root) == 1
    assert transactions.rollbacks_in_a_row("another", root) == 0


def test_the_latest_that_ended_stay(root):
    for number in range(25):
        one = _begin(root)
        record.write(one.path, "armed", {**FACTS, "began": time.time() - 1000 + number})
        one.move("armed", "rolled-back")
        Path(root, f"{number:032x}.unreadable").mkdir()
    latest = one.id
    _begin(root)
    names = os.listdir(root)
    assert len(transactions.every(root)) == 21 and latest in names
    assert len([name for name in names if name.endswith(".unreadable")]) == 20


@pytest.mark.parametrize("wrong", ["f" * 31, "F" * 32, "../" + "f" * 29, ""])
def test_an_id_is_what_a_task_returned(root, wrong):
    with pytest.raises(BadInput, match="no transaction's id"):
        transactions.named(wrong, root)
    with pytest.raises(BadInput, match="no transaction"):
        transactions.named("f" * 32, root).state  # noqa: B018


def test_the_same_wish_has_the_same_name():
    assert transactions.wish_hash([{"a": 1, "b": 2}]) == transactions.wish_hash([{"b": 2, "a": 1}])
    assert transactions.wish_hash([1]) != transactions.wish_hash([2])


def test_one_lock_for_each_namespace_and_its_end_is_waited_for(tmp_path, monkeypatch):
    directory = str(tmp_path / "run")
    held = transactions.lock("red", directory)
    transactions.unlock("blue", transactions.lock("blue", directory), directory)
    with pytest.raises(Refused, match="just beginning or ending"):
        transactions.lock("red", directory)
    monkeypatch.setattr(transactions, "_END_SECONDS", 0.05)
    assert not transactions.wait_for_guard("red", directory)
    transactions.unlock("red", held, directory)
    assert transactions.wait_for_guard("red", directory)
    assert os.listdir(directory) == []


def test_what_killed_guards_left_of_their_locks_goes_with_the_next_guard_of_any_namespace(tmp_path):
    long_ago = time.time() - 7200
    for name in (
        ".guard-red.lock",
        ".guard-blue.lock",
        ".guard-new.lock",
        ".guard.lock",
        "else.lock",
    ):
        (tmp_path / name).touch(0o600)
        if "new" not in name:
            os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / ".guard-link.lock").symlink_to("/nowhere")
    held = transactions.lock("blue", str(tmp_path))
    os.utime(tmp_path / ".guard-blue.lock", (long_ago, long_ago))
    # the blue guard lives, so it keeps its own; what is new may be about to be taken
    mine = transactions.lock(None, str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [
        ".guard-blue.lock",
        ".guard-link.lock",
        ".guard-new.lock",
        ".guard.lock",
        "else.lock",
    ]
    transactions.unlock(None, mine, str(tmp_path))
    transactions.unlock("blue", held, str(tmp_path))


def test_a_second_run_is_told_what_is_pending(tmp_path, monkeypatch):
    told = {"id": "f" * 32, "what": "eth0 as uplink of br0", "seconds_left": 12.5}
    monkeypatch.setattr(transactions, "pending", lambda _netns: [told])
    held = transactions.lock(None, str(tmp_path))
    with pytest.raises(Refused, match="ffff.*eth0 as uplink of br0.*12.5 s left"):
        transactions.lock(None, str(tmp_path))
    os.close(held)


def test_a_lock_directory_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "run").symlink_to("/tmp")
    with pytest.raises(Refused, match="run"):
        transactions.lock(None, str(tmp_path / "run"))
