# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of the role that are all of their modules: the role's filters are loaded with their classes, and each answers what it was told."""

from __future__ import annotations

import importlib
from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils import _role_action

ACTIONS = "ansible_collections.hypervisor.network.plugins.action"
FILTERS = "ansible_collections.hypervisor.network.plugins.filter"


@pytest.mark.parametrize("action", ["unapplied_tags", "verdict"])
def test_who_loads_an_action_of_the_role_has_its_filters(
    action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(_role_action.filter_loader, "get", asked.append)
    importlib.reload(importlib.import_module(f"{ACTIONS}.{action}"))
    (name,) = set(asked)
    collection, _dot, filter_name = name.rpartition(".")
    assert collection == "hypervisor.network"
    assert (
        filter_name in importlib.import_module(f"{FILTERS}.{filter_name}").FilterModule().filters()
    )


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> type[_role_action.RoleAction]:
    monkeypatch.setattr(_role_action.filter_loader, "get", lambda _name: None)

    class Reads(_role_action.RoleAction):
        SPEC = {"words": {"type": "list", "elements": "str", "default": []}}

        def answer(self, args: Any, task_vars: Any) -> dict[str, Any]:
            return {"args": args, "vars": task_vars}

    return Reads


def action(kind: type[_role_action.RoleAction], **args: Any) -> _role_action.RoleAction:
    task = MagicMock(async_val=0, args=args, diff=False)
    return kind(task, *[MagicMock() for _one in range(5)])


@pytest.mark.parametrize(
    ("given", "words"), [({}, []), ({"words": "a"}, ["a"]), ({"words": [1, "b"]}, ["1", "b"])]
)
def test_an_answer_is_made_of_what_the_options_are_said_to_be(
    reads: type[_role_action.RoleAction], given: dict[str, Any], words: list[str]
) -> None:
    result = action(reads, **given).run(task_vars={"here": 1})
    assert (result["args"], result["vars"]) == ({"words": words}, {"here": 1})


def test_one_that_answers_nothing_is_none() -> None:
    with pytest.raises(NotImplementedError):
        action(_role_action.RoleAction).run()
