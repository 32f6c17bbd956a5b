# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A library that is missing, in pieces or too old is one sentence with its cure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import deps
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    MissingDependency,
)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path for a library of that name, which is not imported yet."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "netaddr").mkdir()
    true = {
        name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "netaddr"
    }
    yield tmp_path / "netaddr" / "__init__.py"
    sys.modules.pop("netaddr", None)
    sys.modules.update(true)


def test_a_missing_library_is_named_with_its_package() -> None:
    with pytest.raises(MissingDependency) as caught, deps.needed("not_there"):
        import not_there  # noqa: F401
    assert str(caught.value) == (
        f"The Python library not_there is missing for {sys.executable}; "
        "install it with 'apt-get install not_there' or 'pip install not_there'."
    )


def test_one_of_the_least_version_is_taken(library: Path) -> None:
    library.write_text("__version__ = '0.8.0'\nIT = 1\n")
    with deps.needed("netaddr"):
        import netaddr
    assert netaddr.IT == 1


@pytest.mark.parametrize("imported", ["import netaddr", "from netaddr import lacking"])
def test_one_that_is_too_old_is_said_with_both_versions(library: Path, imported: str) -> None:
    library.write_text("__version__ = '0.7.19'\n")
    with pytest.raises(MissingDependency) as caught, deps.needed("netaddr"):
        exec(imported, {})
    assert "netaddr 0.7.19 of" in str(caught.value) and "older than 0.8.0" in str(caught.value)
    assert "python3-netaddr" in str(caught.value)


def test_one_that_lacks_what_is_imported_says_what(library: Path) -> None:
    library.write_text("__version__ = '1.3.0'\n")
    with pytest.raises(MissingDependency) as caught, deps.needed("netaddr"):
        exec("from netaddr import lacking", {})
    assert "netaddr 1.3.0 is not whole" in str(caught.value) and "lacking" in str(caught.value)


def test_whether_one_is_there_is_seen_without_an_import(library: Path) -> None:
    library.write_text("raise AssertionError\n")
    deps.check_present("netaddr")
    with pytest.raises(MissingDependency, match="not_there is missing"):
        deps.check_present("not_there")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.7.2", "0.7.12"),
        ("0.8.0", "1.3.0"),
        ("0.9", "0.9.7"),
        ("0.7.2", "0.7.2.post1"),
        ("", "0.1"),
    ],
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert deps._numbers(older) <= deps._numbers(newer) and deps._numbers("unknown") == ()
