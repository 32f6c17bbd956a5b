# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags that chose an include and nothing in it, by what stands above a task. tests/integration/test_role_steps.py has them by playbook."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils._unapplied_tags import (
    chosen,
    unapplied,
)

OURS, THEIRS = (SimpleNamespace(_role_path=path) for path in ("/ours", "/theirs"))


def task(*above: dict[str, Any], role: Any = OURS) -> Any:
    """A task of our role below these, the nearest first."""
    parent = None
    for one in reversed(above):
        parent = SimpleNamespace(**{"tags": [], "_role": None, **one, "_parent": parent})
    return SimpleNamespace(tags=["always"], _role=role, _parent=parent)


def included(*tags: str, **more: Any) -> dict[str, Any]:
    return {"statically_loaded": False, "tags": list(tags), **more}


def imported(*tags: str, **more: Any) -> dict[str, Any]:
    return {"statically_loaded": True, "tags": list(tags), **more}


BLOCK = {"_role": OURS}


@pytest.mark.parametrize(
    ("above", "lost"),
    [
        ([BLOCK, included("network", "more"), {}], {"network"}),
        ([BLOCK, included("network", _role=OURS), included("network")], {"network"}),
        ([BLOCK, imported(_role=OURS), included("network")], {"network"}),
        ([BLOCK, imported(), {}, included("network", _role=THEIRS)], {"network"}),
        ([BLOCK, imported("outer"), {}, included("network", "outer")], {"network"}),
        ([BLOCK, imported("hypervisors"), {}, included("network")], set()),
        ([BLOCK, imported("network"), {}], set()),
        ([BLOCK, included("always")], set()),
        ([BLOCK, included("always"), included("network")], set()),
        ([BLOCK], set()),
        ([], set()),
    ],
    ids=[
        "an include",
        "an include of a part of the role in an include of it",
        "an import of a part of the role in an include of it",
        "an import without tags in an include",
        "an import with the tags of a block around the include",
        "an import with tags of its own in an include",
        "an import",
        "an include that always runs",
        "an include that always runs in one that was chosen",
        "a role of the play",
        "nothing that is known",
    ],
)
def test_the_tags_that_are_lost(above: list[dict[str, Any]], lost: set[str]) -> None:
    assert unapplied(task(*above), ["network", "other"]) == lost


def test_a_role_that_is_nowhere_counts_all_includes() -> None:
    assert unapplied(task(included("a"), role=None), ["a"]) == {"a"}
    assert unapplied(object(), ["a"]) == set()


@pytest.mark.parametrize(
    ("tags", "asked", "all_of_it"),
    [
        ([], ["all"], True),
        ([], ["tagged"], True),
        ([], ["network"], False),
        (["network"], ["network"], True),
        (["network"], ["else"], False),
        (["network"], ["untagged"], False),
    ],
)
def test_what_is_chosen_by_what_is_above(tags: list[str], asked: list[str], all_of_it: bool) -> None:  # fmt: skip
    """A task says what it inherits beside its own; a block that has been looked at says its own only."""
    one = task(BLOCK, included("network"))
    one.tags = ["always", *tags]
    assert chosen(one, asked) is all_of_it


@pytest.mark.parametrize(
    ("above", "all_of_it"),
    [
        ([BLOCK, imported("always")], True),
        ([BLOCK, {"tags": ["always"]}, included("network")], True),
        ([BLOCK, included("always")], False),
        ([{"_role": OURS}], False),
    ],
    ids=["an import", "what is applied", "an include, not what is in it", "the task alone"],
)
def test_what_always_runs_is_chosen(above: list[dict[str, Any]], all_of_it: bool) -> None:
    assert chosen(task(*above), ["network"]) is all_of_it


def test_a_role_of_the_play_that_always_runs_is_chosen() -> None:
    role = SimpleNamespace(_role_path="/ours", tags=["always"])
    assert chosen(task({"_role": role}, role=role), ["network"])
