# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter hands the role's variables to its planner; what that decides is in tests/unit/_bridge_host/test_plan.py."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_plan import FilterModule
from ansible_collections.hypervisor.network.tests.harness.model.role_lists import BR0, there

bridge_host_plan = FilterModule().filters()["bridge_host_plan"]


def test_what_bridge_info_found_is_looked_at() -> None:
    wish = {"bridges": [BR0]}
    assert bridge_host_plan(wish)["new"] and bridge_host_plan(wish, {})["new"]
    assert not bridge_host_plan(wish, there("br0", "eth0"))["new"]


def test_a_misspelt_option_is_an_error_of_the_template() -> None:
    with pytest.raises(AnsibleFilterError, match="forward_dealy"):
        bridge_host_plan({"bridges": [{"name": "br0", "forward_dealy": 0}]})
