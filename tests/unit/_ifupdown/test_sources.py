# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file that /etc/network/interfaces leads to, as ifupdown finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import sources


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A file like /etc/network/interfaces, with a directory beside it."""
    (tmp_path / "interfaces.d").mkdir()
    return tmp_path / "interfaces"


def written(root: Path, text: str, **more: str) -> list[str]:
    """The names of the files that are read, in their order."""
    root.write_text(text, encoding="utf-8")
    for name, words in more.items():
        (root.parent / "interfaces.d" / name.replace("_dot_", ".")).write_text(
            words, encoding="utf-8"
        )
    return [Path(path).name for path in sources.read(str(root), str(root.parent / "cloud")).texts]


def test_a_file_alone_is_all_there_is(root: Path) -> None:
    assert written(root, "auto lo\n") == ["interfaces"]


def test_patterns_are_expanded_as_a_shell_does_it_in_the_files_own_directory(root: Path) -> None:
    text = f"source interfaces.d/eth*\nsource {root.parent}/interfaces.d/br0\n"
    assert written(root, text, eth1="", eth0="", br0="", lo="") == [
        "interfaces",
        "eth0",
        "eth1",
        "br0",
    ]


def test_a_directory_gives_only_names_without_dots(root: Path) -> None:
    assert written(root, "source-directory interfaces.d\n", b="", a="", c_dot_bak="") == [
        "interfaces",
        "a",
        "b",
    ]


def test_a_file_that_sources_another_and_itself_is_read_once(root: Path) -> None:
    again = f"source {root}\nsource {root.parent}/interfaces.d/*\n"
    assert written(root, "source interfaces.d/a\n", a=again, b="") == ["interfaces", "a", "b"]


def test_what_matches_nothing_or_is_no_file_is_passed_over(root: Path) -> None:
    assert written(root, "source nowhere/*\nsource interfaces.d\nsource-directory nowhere\n") == [
        "interfaces"
    ]


def test_no_command_of_a_pattern_is_run(root: Path) -> None:
    mark = root.parent / "ran"
    written(root, f"source $(touch {mark})\n")
    assert not mark.exists()


def test_where_a_new_file_would_be_read_is_known_though_there_is_none(root: Path) -> None:
    root.write_text("source interfaces.d/*\nsource-directory more\n", encoding="utf-8")
    found = sources.read(str(root), str(root.parent / "cloud"))
    assert list(found.openings) == [
        ("source", f"{root.parent}/interfaces.d/*"),
        ("source-directory", f"{root.parent}/more"),
    ]


def test_bytes_that_are_no_utf_8_stay_as_they_are(root: Path) -> None:
    root.write_bytes(b"# gr\xfc\xdfe\n")
    (text,) = sources.read(str(root), str(root.parent / "cloud")).texts.values()
    assert text.encode("utf-8", "surrogateescape") == b"# gr\xfc\xdfe\n"


def test_another_root_is_of_another_system_whose_leases_are_not_these(root: Path) -> None:
    root.write_text("auto lo\n", encoding="utf-8")
    found = sources.read(str(root), str(root.parent / "cloud"))
    assert found.metrics == {} and found.cloud_init
