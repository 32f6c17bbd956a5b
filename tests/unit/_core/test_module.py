# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's parameters to its items: one, or many with defaults beside the list."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import (
    argument_spec,
    carry_out,
    items_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome

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
        ({"taps": [{"name": "a"}, {"name": None}]}, "Item 2 of 'taps' has no name; give it one."),
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


class Left(SystemExit):
    """The process was left."""


class Module:
    """The edge as a test sees it: what was printed, and that nothing came after."""

    check_mode = False
    _verbosity = 0

    def __init__(self) -> None:
        self.printed: dict[str, Any] = {}

    def exit_json(self, **result: Any) -> None:
        self.printed = result
        raise Left

    def fail_json(self, **result: Any) -> None:
        self.exit_json(failed=True, **result)


class Counter:
    """A noun that counts up to what is wished, and is guarded where it is told a transaction."""

    def __init__(self, transaction: dict[str, Any] | None = None) -> None:
        self.now = 0
        self.transaction = transaction
        self.guard = None if transaction is None else self

    def read(self) -> int:
        return self.now

    def plan(self, now: int, wish: int) -> list[Change]:
        if wish < now:
            raise Refused("It only counts up.", wished=wish)
        return [] if now == wish else [Change("update", "count", "a", {"n": now}, {"n": wish})]

    def apply(self, changes: list[Change], now: int) -> None:
        self.now = changes[0].after["n"]

    def arm(self, before: int, changes: list[Change]) -> None:
        """Nothing to arm."""

    def applied(self) -> None:
        """Nothing to say."""

    def facts(self) -> dict[str, Any]:
        return self.transaction or {}


def printed(
    wish: int = 1,
    noun: Counter | None = None,
    plural: str | None = "taps",
    more: Any = None,
    **params: Any,
) -> dict[str, Any]:
    def work(_params: Any, found: list[dict[str, Any]]) -> Any:
        return noun or Counter(), wish, lambda outcome: [outcome.after for _item in found]

    module = Module()
    given = {"name": None, "state": "present", "mtu": None, "up": None, "netns": None, "taps": None}
    with pytest.raises(Left):
        carry_out(module, {**given, **params}, SPEC, plural, "tap", work, COMMON, more=more)
    return module.printed


def test_one_device_is_told_by_its_own_key() -> None:
    result = printed(name="a")
    assert result["changed"] is True and result["tap"] == 1 and "taps" not in result
    assert result["diff"] == {"before": {"count a": {"n": 0}}, "after": {"count a": {"n": 1}}}
    assert "transaction" not in result


def test_many_devices_are_told_as_a_list_and_none_as_an_empty_one() -> None:
    assert printed(taps=[{"name": "a"}, {"name": "b"}])["taps"] == [1, 1]
    assert printed(taps=[])["taps"] == []


def test_a_module_without_a_list_has_the_one_key() -> None:
    assert printed(0, plural=None, name="a")["tap"] == 0


def test_what_waits_for_a_confirmation_is_told_and_only_then() -> None:
    assert printed(noun=Counter({"id": "7"}), name="a")["transaction"] == {"id": "7"}
    assert "transaction" not in printed(noun=Counter({}), name="a")


def test_more_keys_are_added() -> None:
    def more(outcome: Outcome, noun: Counter) -> dict[str, Any]:
        return {"counted": noun.now, "diff": outcome.changed}

    result = printed(name="a", more=more)
    assert (result["counted"], result["diff"]) == (1, True)


def test_a_refusal_is_one_failure_with_its_facts() -> None:
    assert printed(-1, name="a") == {"failed": True, "msg": "It only counts up.", "wished": -1}


def broken(error: Exception) -> Any:
    def work(*_unused: object) -> Any:
        raise error

    return work


@pytest.mark.parametrize("error", [KeyError("a"), ValueError("a bug")], ids=repr)
def test_a_fault_in_the_options_names_the_step(error: Exception) -> None:
    module = Module()
    given = dict.fromkeys((*SPEC, "taps"))
    with pytest.raises(Left):
        carry_out(module, {**given, "name": "a"}, SPEC, "taps", "tap", broken(error), COMMON)
    assert "while checking the options; " in module.printed["msg"]
    assert module.printed["msg"].endswith(" Nothing was changed.")


@pytest.mark.parametrize(
    ("wish", "transaction", "state"),
    [
        (0, None, "Nothing was changed."),
        (1, None, "All was carried out before, and stays."),
        (
            1,
            {"id": "7"},
            "All was carried out, and the guard gives the host back when its time is over, since nobody confirms it.",
        ),
    ],
    ids=["unchanged", "changed", "guarded"],
)
def test_a_fault_in_what_is_told_says_what_stays(wish: int, transaction: Any, state: str) -> None:
    result = printed(wish, Counter(transaction), name="a", more=broken(KeyError("a")))
    assert result["failed"] and "while describing what was done; " in result["msg"]
    assert result["msg"].endswith(f"-vvv. {state}")


def test_a_fault_of_the_lock_is_told_and_nothing_was_changed() -> None:
    noun = Counter()
    noun.alone = broken(ValueError("a bug"))
    assert "while waiting for other runs; " in printed(noun=noun, name="a")["msg"]
    assert noun.now == 0
