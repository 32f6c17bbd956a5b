# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges: the planner, by the golden triplets C(bridge-...) of fixtures/plan, and what no triplet has room for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import bridge
from ansible_collections.hypervisor.network.tests.harness.model import triplets


@pytest.mark.parametrize("case", triplets.cases("bridge"), ids=lambda case: case.name)
def test_current_and_desired_give_exactly_these_changes(case: Path) -> None:
    assert triplets.planned(case) == triplets.expected(case)


@pytest.mark.parametrize("case", triplets.plans("bridge"), ids=lambda case: case.name)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: Path) -> None:
    assert triplets.left_after(case) == []


@pytest.mark.parametrize("case", triplets.plans("bridge"), ids=lambda case: case.name)
def test_the_way_back_leads_to_what_was(case: Path) -> None:
    before, back = triplets.there_and_back(case)
    assert back == before


def test_a_bridge_that_was_not_there_goes_on_the_way_back_whoever_is_in_it() -> None:
    back = bridge.wish_back(Snapshot({}), "br0")
    assert back == {"name": "br0", "state": "absent", "force": True, "back": True}


def test_one_that_went_comes_back_whoever_has_its_address_by_now_and_takes_its_mtu_of_its_ports() -> (
    None
):
    before = Snapshot({"br0": Link("br0", 1, "bridge", mtu=9000)})
    now = Snapshot({"eth1": Link("eth1", 2)}, (Address("eth1", "10.0.0.2/24", 2),))
    back = {**bridge.wish_back(before, "br0"), "addresses": ["10.0.0.2/24"]}
    (made,) = bridge.plan(now, [back])
    assert made.action == "create" and made.after["addresses"] == ["10.0.0.2/24"]
    assert "mtu" not in made.after


@pytest.mark.parametrize(
    ("vlans", "told"),
    [
        (None, None),
        ({}, []),
        ({"1": "pvid untagged"}, [{"vid": 1, "pvid": True, "untagged": True}]),
    ],
    ids=str,
)
def test_its_own_vlans_are_told_where_the_kernel_has_them(vlans: Any, told: Any) -> None:
    assert bridge.describe(Link("br0", 1, "bridge", vlans=vlans))["self_vlans"] == told


def test_a_new_default_vlan_is_that_of_the_ports_that_had_the_old_one() -> None:
    options = {"vlan_filtering": True, "vlan_default_pvid": 1}
    now = Snapshot(
        {
            "br0": Link("br0", 1, "bridge", options=options),
            "tap1": Link("tap1", 2, "tun", master="br0", port={}, vlans={"1": "pvid untagged"}),
            "tap2": Link("tap2", 3, "tun", master="br0", port={}, vlans={"7": "pvid untagged"}),
            "tap3": Link("tap3", 4, "tun", master="br0", port={}),
        }
    )

    def moved(action: str, **after: int) -> dict[str, dict[str, str]]:
        change = Change(action, "bridge", "br0", {}, after)
        return {
            name: dict(link.vlans)
            for name, link in bridge.with_their_new_default(now, [change]).items()
        }

    assert moved("update", vlan_default_pvid=5) == {
        "tap1": {"5": "pvid untagged"},
        "tap2": {"7": "pvid untagged"},
        "tap3": {},
    }
    assert moved("update", ageing_time=5) == moved("create", vlan_default_pvid=5) == {}


def test_on_the_way_back_a_bridge_stays_that_somebody_else_has_joined() -> None:
    now = Snapshot(
        {
            "br0": Link("br0", 1, "bridge"),
            "br1": Link("br1", 2, "bridge"),
            "tap1": Link("tap1", 3, "tun", master="br0", port={}),
            "tap2": Link("tap2", 4, "tun", master="br0", port={}),
            "tap3": Link("tap3", 5, "tun", master="br1", port={}),
        }
    )
    gone = [bridge.wish_back(Snapshot({}), name) for name in ("br0", "br1")]
    wish = {"bridge": gone, "port": [{"name": "tap1"}], "tap": [{"name": "tap3"}]}
    assert bridge.joined(now, wish) == {
        "br0": "The bridge br0 stays, because tap2 joined it meanwhile."
    }
    stays = [{**one, "state": "present"} for one in gone], [{**one, "back": False} for one in gone]
    assert all(bridge.joined(now, {"bridge": one}) == {} for one in stays)
    assert bridge.joined(now, {}) == {}
