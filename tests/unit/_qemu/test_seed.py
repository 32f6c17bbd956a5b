# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program makes a seed, and of what; what comes of it is read back in tests/faults/test_h_seed.py."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any, Callable, Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import seed
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import SEED, Kept
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import Seed

USER = pwd.getpwuid(os.geteuid())
FILES = Seed({"user-data": "#!/bin/sh\n", "meta-data": "{}\n"})


def there(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/usr/bin/{name}" if name in names else None


class Programs:
    """Remembers what was run, and what was in the folder that it was given."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.words: list[Sequence[str]] = []
        self.read: dict[str, str] = {}

    def run(self, words: Sequence[str], _seconds: float, rights: Any) -> Done:
        assert rights == {}
        self.words.append(words)
        for word in words:
            if os.path.isdir(word):
                self.read = {path.name: path.read_text("utf-8") for path in Path(word).iterdir()}
        return Done(self.status, "", "no space\nleft")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept("vm1", str(tmp_path / "guests"))


@pytest.mark.parametrize(
    ("installed", "first"),
    [
        (("xorriso", "genisoimage", "mkfs.vfat", "mcopy"), "xorriso"),
        (("genisoimage", "mkfs.vfat", "mcopy"), "genisoimage"),
    ],
)
def test_the_first_program_that_is_there(
    kept: Kept, installed: tuple[str, ...], first: str
) -> None:
    programs = Programs()
    path = seed.make(kept, "one", FILES, USER, path_of=there(*installed), run=programs.run)
    (words,) = programs.words
    assert words[0] == f"/usr/bin/{first}" and path in words and "CIDATA" in words
    assert programs.read == dict(FILES.files)
    assert kept.known(SEED) == {"one": path} and os.stat(path).st_mode & 0o777 == 0o400
    assert not [name for name in os.listdir(kept.path) if os.path.isdir(name)]


def test_a_file_system_of_its_own_size_where_there_is_no_maker_of_isos(kept: Kept) -> None:
    programs = Programs()
    large = Seed({"user-data": "#!/bin/sh\n" + "x" * 2**22, "meta-data": "{}\n"})
    path = seed.make(
        kept, "one", large, USER, path_of=there("mkfs.vfat", "mcopy"), run=programs.run
    )
    assert [words[0] for words in programs.words] == ["/usr/bin/mkfs.vfat", "/usr/bin/mcopy"]
    assert os.path.getsize(path) > 2**22


def test_a_program_that_fails_leaves_no_seed(kept: Kept) -> None:
    with pytest.raises(GuestError, match="no space left"):
        seed.make(kept, "one", FILES, USER, path_of=there("xorriso"), run=Programs(1).run)
    assert os.listdir(kept.path) == []


@pytest.mark.parametrize("installed", [(), ("mkfs.vfat",), ("mcopy",)])
def test_no_program_at_all(installed: tuple[str, ...]) -> None:
    with pytest.raises(MissingDependency, match="apt-get install xorriso"):
        seed.check(there(*installed))
