# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock that keeps two runs apart, in a directory of the test."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import alone


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
