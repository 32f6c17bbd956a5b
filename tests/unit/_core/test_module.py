# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's parameters to its items: one, or many with defaults beside the list."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import (
    argument_spec,
    items_of,
)

SPEC = {
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "mtu": {"type": "int"},
    "up": {"type": "bool"},
    "netns": {"type": "str"},
}
COMMON = ("netns",)


def items(**params: Any) -> list[dict[str, Any]]:
    return items_of(
        {
            "name": None,
            "state": "present",
            "mtu": None,
            "up": None,
            "netns": None,
            "taps": None,
            **params,
        },
        SPEC,
        "taps",
        COMMON,
    )


def test_one_that_is_named() -> None:
    assert items(name="a", mtu=0, netns="n") == [
        {"name": "a", "state": "present", "mtu": 0, "up": None}
    ]


def test_what_an_item_leaves_out_comes_from_beside_the_list_and_what_it_says_stays() -> None:
    found = items(
        mtu=1400,
        up=True,
        state="absent",
        taps=[{"name": "a"}, {"name": "b", "mtu": 0, "up": False, "state": "present"}],
    )
    assert found == [
        {"name": "a", "state": "absent", "mtu": 1400, "up": True},
        {"name": "b", "state": "present", "mtu": 0, "up": False},
    ]


def test_an_empty_list_is_nothing_to_do() -> None:
    assert items(taps=[]) == []


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({}, "Nothing is named: give 'name', or a list in 'taps'."),
        ({"name": "a", "taps": [{"name": "b"}]}, "Both 'name' and 'taps' are given"),
        ({"name": "a", "taps": []}, "Both 'name' and 'taps' are given"),
        ({"taps": [{"name": "a"}, {"name": None}]}, "Item 2 of 'taps' has no name."),
        (
            {"taps": [{"name": "a"}, {"name": "b"}, {"name": "a", "mtu": 5}]},
            "'a' is listed twice in 'taps'",
        ),
    ],
)
def test_what_is_named_in_no_or_two_ways_is_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        items(**params)
    assert str(caught.value).startswith(says)


def test_the_spec_of_a_list_has_neither_defaults_nor_what_is_common() -> None:
    full = argument_spec({**SPEC, "name": {"type": "str", "required": True}}, "taps", COMMON)
    assert full["state"]["default"] == "present" and full["netns"] == {"type": "str"}
    inner = full["taps"]["options"]
    assert (
        inner["name"] == {"type": "str"}
        and inner["state"] == {"type": "str", "choices": ["present", "absent"]}
        and "netns" not in inner
    )


def test_a_module_without_a_list_has_one_item() -> None:
    assert argument_spec(SPEC, None, COMMON) == SPEC
    assert (
        items_of(
            {"name": "a", "state": "present", "mtu": 1, "up": None, "netns": None},
            SPEC,
            None,
            COMMON,
        )[0]["mtu"]
        == 1
    )
