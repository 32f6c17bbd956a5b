# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What wakes the guard: its deadline, and what appears in its directory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._guard.wakeup import Wakers


def in_seconds(seconds: float) -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) + seconds


def test_the_deadline_ends_the_sleep_and_not_before(tmp_path: Path) -> None:
    wakers = Wakers(str(tmp_path), in_seconds(0.2))
    assert not wakers.expired
    assert wakers.wait([]) and wakers.expired


def test_a_deadline_that_has_passed_is_no_sleep_at_all(tmp_path: Path) -> None:
    assert Wakers(str(tmp_path), in_seconds(-1)).expired


def test_what_is_renamed_into_the_directory_ends_the_sleep(tmp_path: Path) -> None:
    wakers = Wakers(str(tmp_path), in_seconds(60))
    (tmp_path / "new").write_text("", encoding="ascii")
    (tmp_path / "new").rename(tmp_path / "confirmed")
    assert wakers.wait([]) and not wakers.expired


def test_it_is_told_which_descriptor_of_another_woke_it(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"x")
        assert Wakers(str(tmp_path), in_seconds(60)).wait([reader]) == [reader]
    finally:
        os.close(reader)
        os.close(writer)


def test_a_directory_that_is_not_there_can_not_be_watched(tmp_path: Path) -> None:
    with pytest.raises(
        Refused, match="cannot watch its deadline and .*/gone: No such file or directory"
    ):
        Wakers(str(tmp_path / "gone"), in_seconds(60))
