# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a regular file, and why it can't be read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import regular_file


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="pipe is no regular file"):
        regular_file.read_bytes(str(tmp_path / "pipe"))
    with pytest.raises(Refused, match="Cannot read .*gone: No such file"):
        regular_file.read_bytes(str(tmp_path / "gone"))
    assert not regular_file.is_file(str(tmp_path / "pipe")) and not regular_file.is_file(
        str(tmp_path / "gone")
    )
    (tmp_path / "there").write_bytes(b"a\xff")
    assert regular_file.read_bytes(str(tmp_path / "there")) == b"a\xff"
    assert regular_file.is_file(str(tmp_path / "there"))


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "Cannot write /a: the file system is full; free some space (ENOSPC)."),
        (errno.EIO, "Cannot write /a: Input/output error (EIO)."),
        (None, "Cannot write /a: Success (0)."),
    ],
)
def test_why_a_file_is_not_written_is_told_with_what_to_do(number: int | None, says: str) -> None:
    with pytest.raises(Refused) as caught, regular_file.explained("write", "/a"):
        raise OSError() if number is None else OSError(number, "")
    assert str(caught.value) == says
