# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of arguments that ansible-core raises on, or lets through although nothing can hold them."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.arguments import (
    meaningless,
    typed,
)

SPEC: dict[str, dict[str, Any]] = {
    "mtu": {"type": "int"},
    "delay": {"type": "float", "default": 2},
    "flush": {"type": "dict", "options": {"port": {"type": "str"}}},
    "names": {"type": "list", "elements": "str"},
}


def test_arguments_get_their_types_and_defaults() -> None:
    given, wrong = typed({"mtu": "1500", "names": "a,b"}, SPEC)
    assert wrong == []
    assert given == {"mtu": 1500, "delay": 2.0, "flush": None, "names": ["a", "b"]}


def test_what_core_refuses_is_told_in_its_words() -> None:
    _given, (said,) = typed({"mtu": "big"}, SPEC)
    assert "argument 'mtu'" in said


@pytest.mark.parametrize("bad", [{"mtu": math.inf}, {"flush": -1}])
def test_what_core_raises_on_is_told_too(bad: dict[str, Any]) -> None:
    _given, (said,) = typed(bad, SPEC)
    # core before 2.16 refuses the first by itself
    assert re.match(r"ansible-core can't read the options \(|argument 'mtu'", said)


@pytest.mark.parametrize(
    "bad", [{"mtu": 10**400}, {"delay": "nan"}, {"delay": 1e308}, {"delay": "-inf"}]
)
def test_a_number_beyond_all_is_refused(bad: dict[str, Any]) -> None:
    _given, (said,) = typed(bad, SPEC)
    assert (
        said
        == f"{next(iter(bad))} is no number that a computer counts with; give one that is meant"
    )


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "ä\0", "\udcff"])
def test_text_that_no_file_could_hold_is_refused_wherever_it_stands(text: str) -> None:
    for value in ({"a": text}, {"a": [text]}, {"b": [{"a": text}]}):
        (said,) = meaningless(value)
        assert said.startswith("a ") and said.endswith("write it anew")
    assert meaningless({text: 1}) == [
        f"a key {text!r} is no text that a file could hold; write it anew"
    ]


@pytest.mark.parametrize("value", [None, True, 2**64, -(2**64), 0.5, "br0", "brücke", [], {}])
def test_what_a_file_holds_is_for_others_to_judge(value: Any) -> None:
    assert meaningless({"a": value}) == []


def test_of_many_items_the_one_is_named() -> None:
    items = [{"name": "br0", "mtu": 1500}, {"name": "br1", "mtu": float("inf")}]
    assert meaningless({"bridges": items}) == [
        "br1: mtu is no number that a computer counts with; give one that is meant"
    ]
    (said,) = meaningless({"name": "a\0b"})
    assert said.startswith("name 'a\\x00b' is no text")
