# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of variables: they hold what they were given, and somebody's own stays."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.plugin_utils import _adopted

HOST = {"bridge_host_bridges": [{"name": "br0", "mac": "52:54:00:12:34:56", "alias": "no"}]}
OTHER = {"bridge_host_bridges": []}


def test_a_file_that_is_not_there_is_written() -> None:
    told = _adopted.adopted(HOST, None, False)
    assert (told["write"], told["why"]) == (True, None)
    assert yaml.safe_load(told["text"]) == HOST
    assert told["text"].startswith("---\n# Written by hypervisor.network.adopt")


@pytest.mark.parametrize(
    ("file", "overwrite", "write", "why"),
    [
        (_adopted.written(HOST), False, False, _adopted.SAME),
        (_adopted.written(HOST), True, False, _adopted.SAME),
        (_adopted.written(OTHER), False, True, None),
        (_adopted.written(OTHER) + "more: 1\n", False, False, _adopted.SOMEBODYS),
        (_adopted.written(OTHER).replace("[]", "[ ]"), False, False, _adopted.SOMEBODYS),
        ("# mine\n" + _adopted.written(OTHER), False, False, _adopted.SOMEBODYS),
        ("bridge_host_bridges: []\n", False, False, _adopted.SOMEBODYS),
        ("bridge_host_bridges: []\n", True, True, None),
        ("", False, False, _adopted.SOMEBODYS),
        ("\udcff", False, False, _adopted.SOMEBODYS),
    ],
)
def test_what_somebody_wrote_stays_unless_it_is_asked_for(
    file: str, overwrite: bool, write: bool, why: str | None
) -> None:
    told = _adopted.adopted(HOST, file, overwrite)
    assert (told["write"], told["why"]) == (write, why)


# as_variables leaves out what is not printable
TEXT = st.text(st.characters(exclude_categories=("C", "Z")), max_size=12)


@given(st.dictionaries(TEXT, st.lists(TEXT | st.integers() | st.booleans()), max_size=3))
def test_every_text_comes_back_as_it_was(variables: dict[str, Any]) -> None:
    text = _adopted.written(variables)
    assert yaml.safe_load(text) == variables
    assert _adopted.is_ours(text)
