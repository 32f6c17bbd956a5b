# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the role, as a plan names them."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import steps
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change


def change(risk: str) -> Change:
    return Change("update", "bridge", "br0", {}, {}, risk)


@pytest.mark.parametrize(
    ("risks", "worst"),
    [
        ([], "safe"),
        (["safe"], "safe"),
        (["interrupts", "safe"], "interrupts"),
        (["interrupts", "may_cut_ssh", "safe"], "may_cut_ssh"),
    ],
)
def test_a_step_is_as_risky_as_its_worst_change(risks: list[str], worst: str) -> None:
    assert steps.Step("bridges", "present", tuple(map(change, risks))).risk == worst


def test_what_is_written_to_disk_is_one_step_of_two_lists() -> None:
    names = {name: steps.Step(name, "present", ()).step for name in steps.PRESENT}
    assert names["stanzas"] == names["ifstate"] == "persist"
    assert {name: step for name, step in names.items() if name != step}.keys() == {
        "stanzas",
        "ifstate",
    }


def test_what_leaves_leaves_against_the_order_of_what_comes() -> None:
    order = [name for name in steps.PRESENT if name in steps.ABSENT]
    assert order.index("guests") > order.index("taps") > order.index("bridges")
    assert steps.ABSENT.index("guests") < steps.ABSENT.index("taps") < steps.ABSENT.index("bridges")
