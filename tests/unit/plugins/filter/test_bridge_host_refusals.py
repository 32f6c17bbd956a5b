# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter chooses by what it is given: the variables alone, the NICs, or the host; the refusals are in module_utils/_bridge_host."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_refusals import FilterModule
from ansible_collections.hypervisor.network.tests.harness.model.role_lists import (
    BR0,
    is_one_sentence,
)

bridge_host_refusals = FilterModule().filters()["bridge_host_refusals"]


def test_each_question_has_its_own_answers() -> None:
    wish = {"bridges": [BR0], "taps": []}
    is_one_sentence(bridge_host_refusals({"bridges": [{**BR0, "uplink": "br0"}]}), "br0")
    is_one_sentence(bridge_host_refusals(wish, nics=[]), "no NIC eth0")
    assert bridge_host_refusals(wish, info={"bridges": [], "addresses": []}) == []


def test_what_is_no_bridge_at_all_is_a_refusal_and_no_error() -> None:
    is_one_sentence(bridge_host_refusals({"bridges": [{"name": "br0", "mtu": "large"}]}), "mtu")
