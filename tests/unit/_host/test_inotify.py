# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sleep until something in a directory changes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Callable

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.inotify import Watch


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: (folder / "new").write_text("1", encoding="ascii"),
        lambda folder: (folder / "old").write_text("1", encoding="ascii"),
        lambda folder: (folder / "old").rename(folder / "other"),
    ],
    ids=["made", "written to", "renamed"],
)
def test_what_wakes(tmp_path: Path, act: Callable[[Path], object]) -> None:
    (tmp_path / "old").touch()
    with Watch(str(tmp_path)) as watch:
        begin = time.monotonic()
        act(tmp_path)
        assert watch.wait(60) == [] and time.monotonic() - begin < 30


def test_nothing_happens(tmp_path: Path) -> None:
    with Watch(str(tmp_path)) as watch:
        begin = time.monotonic()
        assert watch.wait(0.2) == [] and watch.wait(-1) == []
        assert 0.2 <= time.monotonic() - begin < 30


def test_another_descriptor_is_told(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with Watch(str(tmp_path)) as watch:
        assert watch.wait(60, reader) == [reader]
    os.close(reader)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Refused, match="cannot be watched: No such file"):
        Watch(str(tmp_path / "none"))
    assert os.listdir("/proc/self/fd") == before
