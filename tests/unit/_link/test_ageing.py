# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge's own times, where the kernel shows other ones; live, trees change in tests/integration/test_stp.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._link import ageing

ROOT = {"root_id": "8000.a", "bridge_id": "8000.a", "forward_delay": 15.0, "ageing_time": 300.0}
LEAF = {**ROOT, "root_id": "1000.b", "forward_delay": 4.0}
CHANGING = {**ROOT, "topology_change": True, "ageing_time": 30.0}


def bridge(options: dict[str, Any], name: str = "br0") -> Link:
    return Link(name, 1, "bridge", options=options)


def never(name: str) -> dict[str, float]:
    raise AssertionError(f"{name} was asked for")


def test_the_root_of_a_tree_shows_its_own_times() -> None:
    assert ageing.with_own_times(bridge(ROOT), never).options == ROOT


def test_a_bridge_below_a_root_is_asked_for_what_it_was_given() -> None:
    found = ageing.with_own_times(bridge(LEAF), lambda name: {"forward_delay": 15.0})
    assert found.options == {**LEAF, "forward_delay": 15.0}


def test_a_bridge_that_is_gone_meanwhile_keeps_what_it_showed() -> None:
    def gone(name: str) -> dict[str, float]:
        raise OSError(19, "No such device")

    assert ageing.with_own_times(bridge(LEAF), gone).options == LEAF


def test_while_its_tree_changes_nobody_knows_a_bridges_ageing() -> None:
    assert ageing.with_own_times(bridge(CHANGING), never).options["ageing_time"] is None


class Changing:
    """A bridge whose tree changes for so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks, self.now = looks, 0.0
        self.asked = 0

    def link(self, index: int) -> Link:
        self.asked += 1
        return bridge(CHANGING if self.asked <= self.looks else ROOT)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waited(tree: Changing, *wishes: dict[str, Any]) -> float:
    ageing.wait_for_own_ageing(tree, wishes, tree.sleep, lambda: tree.now)  # type: ignore[arg-type]
    return tree.now


def test_an_ageing_time_is_compared_once_the_tree_is_quiet() -> None:
    assert waited(Changing(3), {"name": "lo", "ageing_time": 20}) == 1.5
    assert waited(Changing(0), {"name": "lo", "ageing_time": 20}) == 0


def test_who_wishes_for_no_ageing_time_and_who_is_not_there_wait_for_nobody() -> None:
    tree = Changing(9)
    assert waited(tree, {"name": "lo"}, {"name": "lo", "ageing_time": None}) == 0
    assert waited(tree, {"name": "gone0", "ageing_time": 20}) == 0 and tree.asked == 0


def test_a_tree_that_never_ends_to_change_is_not_waited_for_longer_than_one_can_take() -> None:
    assert 75 <= waited(Changing(10**6), {"name": "lo", "ageing_time": 20}) <= 76
