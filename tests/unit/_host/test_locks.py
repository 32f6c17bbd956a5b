# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock that keeps two runs apart, in a directory of the test."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import (
    alone,
    hold,
    let_go,
)


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    place, order, begun = str(tmp_path / "run"), [], threading.Event()

    def second() -> None:
        begun.set()
        with alone(place):
            order.append("second")

    with alone(place):
        thread = threading.Thread(target=second)
        thread.start()
        assert begun.wait(5)
        thread.join(0.1)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_patience_ends_in_one_sentence_and_nothing_is_left(tmp_path: Path) -> None:
    place = str(tmp_path / "run")
    with (
        alone(place),
        pytest.raises(Refused, match="Another run has been changing links"),
        alone(place, 0.05),
    ):
        pass
    assert (
        list((tmp_path / "run").iterdir()) == []
        and (tmp_path / "run").stat().st_mode & 0o777 == 0o711
    )
    with alone(place, 0.05):
        pass


def test_a_failure_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), alone(str(tmp_path / "run")):
        raise ValueError("x")
    with alone(str(tmp_path / "run"), 0.0):
        pass


def test_what_somebody_else_could_have_put_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    for name in ("link", "file", "open", "missing/run"):
        with pytest.raises(Refused, match=name), alone(str(tmp_path / name)):
            raise AssertionError("entered")


def test_a_lock_by_name_is_held_once_and_leaves_no_file(tmp_path: Path) -> None:
    path = str(tmp_path / ".guard.lock")
    held = hold(path)
    assert held is not None and os.stat(path).st_mode & 0o777 == 0o600
    assert hold(path) is None
    let_go(held, path)
    assert os.listdir(tmp_path) == []
    again = hold(path)
    assert again is not None
    let_go(again, path)


def test_who_waited_has_the_lock_that_others_will_find(tmp_path: Path) -> None:
    """The waiter had opened the file that its owner took along."""
    path, found = str(tmp_path / "lock"), []

    def waiter() -> None:
        held = hold(path, wait=True)
        assert held is not None
        found.append(hold(path))
        let_go(held, path)

    held = hold(path)
    assert held is not None
    threads = [threading.Thread(target=waiter) for _each in range(5)]
    for thread in threads:
        thread.start()
    threads[0].join(0.1)
    let_go(held, path)
    for thread in threads:
        thread.join(10)
    assert found == [None] * 5 and os.listdir(tmp_path) == []


def test_a_lock_whose_owner_was_killed_is_free(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    if os.fork() == 0:
        hold(path)
        os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
    held = hold(path)
    assert held is not None
    let_go(held, path)
    assert os.listdir(tmp_path) == []


def test_another_lock_in_its_place_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first = hold(path)
    os.unlink(path)
    second = hold(path)
    assert first is not None and second is not None
    let_go(first, path)
    assert os.listdir(tmp_path) == ["lock"]
    let_go(second, path)


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        hold(str(tmp_path / "lock"))
    assert os.listdir(tmp_path) == ["lock"]
