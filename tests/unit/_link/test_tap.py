# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAP and TUN devices: the planner, by the golden triplets C(tap-...) of fixtures/plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._link import tap
from ansible_collections.hypervisor.network.tests.harness.model import triplets


@pytest.mark.parametrize("case", triplets.cases("tap"), ids=lambda case: case.name)
def test_current_and_desired_give_exactly_these_changes(case: Path) -> None:
    assert triplets.planned(case) == triplets.expected(case)


@pytest.mark.parametrize("case", triplets.plans("tap"), ids=lambda case: case.name)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: Path) -> None:
    assert triplets.left_after(case) == []


@pytest.mark.parametrize("case", triplets.plans("tap"), ids=lambda case: case.name)
def test_the_way_back_leads_to_what_was(case: Path) -> None:
    before, back = triplets.there_and_back(case)
    assert back == before


@pytest.mark.parametrize(
    ("wish", "mac"),
    [
        ({"multi_queue": True}, "02:00:00:00:00:01"),
        ({"multi_queue": True, "mac": "02:00:00:00:00:02"}, "02:00:00:00:00:02"),
        ({"mode": "tun"}, None),
    ],
    ids=["its own", "another is asked for", "a TUN has none"],
)
def test_a_tap_that_is_made_again_has_its_mac_again(wish: dict[str, Any], mac: str | None) -> None:
    """A neighbour that knows it would else send to nobody."""
    now = triplets.snapshot_of(
        {"links": {"tap1": {"kind": "tun", "up": True, "mac": "02:00:00:00:00:01"}}}
    )
    asked = triplets.wish_of({"module": "tap_device", "parameters": {"name": "tap1", **wish}})
    (made,) = triplets.noun().plan(now, asked)
    assert made.action == "recreate" and made.payload.get("mac") == mac


@pytest.mark.parametrize(("mode", "given"), [("none", "none"), ("stable_secret", None)])
def test_a_tap_that_is_made_again_makes_addresses_as_before_but_by_a_secret(
    mode: str, given: str | None
) -> None:
    """The kernel takes that mode together with a secret only, which went with the device."""
    now = triplets.snapshot_of({"links": {"tap1": {"kind": "tun"}}})
    now = replace(now, links={"tap1": replace(now.links["tap1"], ipv6={"addr_gen_mode": mode})})
    parameters = {"name": "tap1", "multi_queue": True, "force": True}
    asked = triplets.wish_of({"module": "tap_device", "parameters": parameters})
    (made,) = triplets.noun().plan(now, asked)
    assert made.payload.get("addr_gen_mode") == given


def test_root_is_an_owner_and_nobody_is_none() -> None:
    (link,) = triplets.snapshot_of({"links": {"tap1": {"kind": "tun"}}}).links.values()
    for owner, told in ((0, 0), (1000, 1000), (-1, None)):
        assert (
            tap.describe(replace(link, options={**link.options, "owner": owner}))["owner"] == told
        )


def test_a_tap_that_is_nobodys_is_given_to_root_as_it_stands() -> None:
    now = triplets.snapshot_of({"links": {"tap1": {"kind": "tun"}}})
    asked = triplets.wish_of({"module": "tap_device", "parameters": {"name": "tap1", "owner": 0}})
    (change,) = triplets.noun().plan(now, asked)
    assert (change.action, change.after) == ("update", {"owner": 0})


def test_no_guest_that_runs_by_now_stops_an_undo() -> None:
    now = triplets.snapshot_of({"links": {"tap1": {"kind": "tun"}}})
    assert tap.wish_back(now, "tap1")["force"] and tap.wish_back(now, "tap9")["force"]
