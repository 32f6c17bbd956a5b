# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan in which a NIC hands its stanzas to a bridge; the lines themselves are in test_takeover.py and test_handback.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import notes
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    CASES,
    ITEM,
    LO,
    ROOT,
    edited,
    taken,
)

NIC = "auto eth0\niface eth0 inet static\n    address 10.0.0.2/24\n"


@pytest.mark.parametrize(("before", "options", "after"), CASES.values(), ids=CASES)
def test_a_nic_hands_over_what_it_has(before: str, options: dict[str, Any], after: str) -> None:
    assert taken(before, options=options) == after


def test_a_nic_that_is_handed_over_at_boot_brings_up_its_bridge() -> None:
    assert "auto br0" in taken(LO + NIC)
    assert "auto br0" not in taken(LO + NIC.replace("auto eth0\n", ""))


def test_who_has_no_stanza_can_give_none_unless_a_method_is_given() -> None:
    with pytest.raises(Refused, match="No file that ifupdown reads says how eth0 gets its address"):
        taken(LO)
    made = taken(LO, method="dhcp", family="inet")
    assert "iface eth0 inet manual" in made and "iface br0 inet dhcp" in made


def test_another_method_leaves_what_only_the_old_one_had() -> None:
    made = taken(LO + NIC, method="dhcp", family="inet")
    assert "iface br0 inet dhcp" in made and "address" not in made


def test_an_option_of_a_bridge_that_was_there_gets_the_port() -> None:
    text = edited(
        {ROOT: LO + NIC + "\niface br0 inet manual\n    bridge_ports none\n"}, {"take_over": "eth0"}
    )[ROOT]
    assert "bridge_ports eth0" in text


def test_a_nic_whose_name_may_be_another_at_the_next_boot_is_told() -> None:
    now = Files(ROOT, {ROOT: LO + NIC}, unsteady={"eth0": "the kernel counts its names"})
    (said,) = notes(now, [checked({**ITEM, "take_over": "eth0"}, True)])
    assert said.startswith(
        "br0 would boot without its port if eth0 had another name then, and the kernel counts"
    )
    assert (
        notes(Files(ROOT, {ROOT: LO + NIC}), [checked({**ITEM, "take_over": "eth0"}, True)]) == []
    )
