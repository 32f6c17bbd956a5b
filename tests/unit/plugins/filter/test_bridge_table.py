# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter knows its tables by name; their lines are in plugin_utils/test_tables.py."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.filter.bridge_table import FilterModule

bridge_table = FilterModule().filters()["bridge_table"]


def test_bridges_are_the_table_that_is_meant_where_none_is_named() -> None:
    assert bridge_table({"bridges": []}) == bridge_table({"bridges": []}, "bridges")


def test_an_unknown_table_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(AnsibleFilterError, match="bridges, macs, routes"):
        bridge_table({"bridges": []}, "arp")
