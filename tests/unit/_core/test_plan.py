# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change in words, and what is made of many."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Outcome,
    diff_of,
    differing,
    listed,
    update,
)


def test_none_is_unmanaged_and_every_other_empty_value_is_a_value() -> None:
    now = {"a": 1, "b": True, "c": "x", "d": 5}
    assert differing(now, {"a": 0, "b": False, "c": "", "d": None}) == {"a": 0, "b": False, "c": ""}
    assert differing({}, {"e": 0}) == {"e": 0}


def test_an_update_names_only_what_differs() -> None:
    assert update("bridge", "br0", {"a": 1, "b": 2}, {"a": 1, "b": 3, "c": None}) == [
        Change("update", "bridge", "br0", {"b": 2}, {"b": 3})
    ]
    assert update("bridge", "br0", {"a": 1}, {"a": 1}) == []


def test_the_diff_of_two_changes_of_one_thing_is_one_entry() -> None:
    plan = [
        Change("detach", "port", "t", {"bridge": "br0"}, {"bridge": None}),
        Change("attach", "port", "t", {"bridge": None}, {"bridge": "br1"}),
        Change("create", "bridge", "b", None, {"up": True}),
        Change("delete", "bridge", "c", {"up": True}, None),
    ]
    assert diff_of(plan) == {
        "before": {"port t": {"bridge": "br0"}, "bridge c": {"up": True}},
        "after": {"port t": {"bridge": "br1"}, "bridge b": {"up": True}},
    }


def test_what_a_user_sees_of_a_change_has_no_payload() -> None:
    assert Change("add", "route", "default", None, {"dev": "br0"}, payload=b"raw").as_dict() == {
        "action": "add", "kind": "route", "name": "default", "before": None, "after": {"dev": "br0"}, "risk": "safe",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "t0"), (3, "t0, t1, t2"), (4, "t0, t1, t2 and 1 more"), (1000, "t0, t1, t2 and 997 more")],
)
def test_a_sentence_names_the_first_of_many(count: int, text: str) -> None:
    assert listed([f"t{number}" for number in range(count)], 3) == text


def test_a_change_is_named_by_what_it_does_to_what() -> None:
    assert str(Change("attach", "port", "tap1")) == "attach port tap1"


def test_two_changes_are_the_same_where_their_words_are() -> None:
    assert Change("add", "route", "default", payload=b"a") == Change(
        "add", "route", "default", payload=b"b"
    )


def test_an_outcome_has_changed_something_where_it_has_changes() -> None:
    assert Outcome((Change("add", "route", "default"),), 1, 2).changed
    assert not Outcome((), 1, 1).changed
