# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC's way between its manager and us: the hold is first, the hand-over and the release are last."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    OWN,
    Managed,
    Owner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.stages import (
    asked,
    framed,
)

MOVE = Change("attach", "port", "eth0")


def words(stage: str, wanted: str) -> list[str]:
    managed = Managed(Owner("networkd", "eth0", 2), stage=stage)
    return [str(one) for one in framed([MOVE], managed, "br0", wanted)]


@pytest.mark.parametrize(
    ("stage", "wanted", "expected"),
    [
        (OWN, HANDED, ["hold manager eth0", "attach port eth0", "hand_over manager br0"]),
        (HELD, HANDED, ["attach port eth0", "hand_over manager br0"]),
        (HANDED, HANDED, ["attach port eth0"]),
        (HANDED, OWN, ["attach port eth0", "release manager eth0"]),
        (HELD, OWN, ["attach port eth0", "release manager eth0"]),
        (OWN, OWN, ["attach port eth0"]),
    ],
)
def test_what_stands_before_and_behind_the_rest(
    stage: str, wanted: str, expected: list[str]
) -> None:
    assert words(stage, wanted) == expected


@pytest.mark.parametrize(
    ("stage", "wanted", "expected"),
    [
        (HANDED, OWN, ["hold manager eth0", "attach port eth0", "release manager eth0"]),
        (HELD, OWN, ["attach port eth0", "release manager eth0"]),
        (HANDED, HANDED, ["attach port eth0"]),
    ],
)
def test_one_that_watches_is_held_on_the_way_back_too(
    stage: str, wanted: str, expected: list[str]
) -> None:
    managed = Managed(Owner("networkmanager", "eth0", 2), stage=stage, watches=True)
    steps = framed([MOVE], managed, "br0", wanted)
    assert [str(one) for one in steps] == expected
    ways = [(one.before["stage"], one.after["stage"]) for one in steps if one.kind == "manager"]
    assert all(before == after for (_first, before), (after, _last) in zip(ways, ways[1:]))


def test_a_step_says_whose_hands_and_what_they_do() -> None:
    hold = framed([], Managed(Owner("networkd", "eth0", 2)), "br0", HANDED)[0]
    assert hold.before == {"manager": "networkd", "stage": "own"}
    assert hold.after == {"manager": "networkd", "stage": "held"}


@pytest.mark.parametrize(
    ("stage", "present", "changes", "expected"),
    [
        (OWN, True, [MOVE], ["hold manager eth0", "attach port eth0", "hand_over manager br0"]),
        (OWN, True, [], []),
        (HELD, True, [], ["hand_over manager br0"]),
        (HANDED, True, [], []),
        (HANDED, False, [MOVE], ["attach port eth0", "release manager eth0"]),
        (OWN, False, [], []),
    ],
)
def test_what_is_asked_of_an_uplink(
    stage: str, present: bool, changes: list[Change], expected: list[str]
) -> None:
    managed = Managed(Owner("networkd", "eth0", 2), stage=stage)
    assert [str(one) for one in asked(changes, managed, "br0", present)] == expected
    assert asked(changes, None, "br0", present) == changes
