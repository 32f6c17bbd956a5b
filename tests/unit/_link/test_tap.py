# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAP and TUN devices: the planner, by the golden triplets C(tap-...) of fixtures/plan."""

from __future__ import annotations

from pathlib import Path

import pytest

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
