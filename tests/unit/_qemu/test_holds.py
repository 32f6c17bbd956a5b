# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The taps of a process, by what the kernel says of its files, and what is told of those that are no more what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import holds


def test_the_taps_of_a_process_are_called_as_they_are_now(tmp_path: Path) -> None:
    """The kernel tells a tap's name of the moment, and of one that is deleted an empty one or none."""
    for folder in ("fd", "fdinfo"):
        (tmp_path / "7" / folder).mkdir(parents=True)
    infos = {
        "3": b"pos:\t0\niff:\ttap1\n",
        "4": b"pos:\t0\niff:\t\xffx\n",
        "5": b"pos:\t0\nflags:\t02\n",
        "6": b"iff:\t\n",
    }
    for number, content in infos.items():
        (tmp_path / "7" / "fd" / number).symlink_to("/dev/net/tun")
        (tmp_path / "7" / "fdinfo" / number).write_bytes(content)
    (tmp_path / "7" / "fd" / "9").symlink_to("/dev/net/tun")
    assert holds.taps(7, str(tmp_path)) == {"tap1", "�x"}
    assert holds.taps(8, str(tmp_path)) is None


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"tap1", "tap2"}, []),
        ({"tap1", "tap2", "tap9"}, []),
        ({"tap1", "tapx"}, ["its tap tap2 is not called so any more, and it holds tapx;"]),
        ({"tap2"}, ["its tap tap1 was deleted while it runs"]),
        (set(), ["its tap tap1 was deleted while it runs", "its tap tap2 was deleted"]),
    ],
)
def test_a_tap_that_is_renamed_or_deleted_under_its_guest(held: set[str], words: list[str]) -> None:
    found = holds.astray(["tap1", "tap2"], frozenset(held))
    assert len(found) == len(words)
    assert all(one.startswith(word) for one, word in zip(found, words))
