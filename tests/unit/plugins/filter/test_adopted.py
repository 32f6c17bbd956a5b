# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter adopted; what it decides is in plugin_utils/test_adopted.py."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.filter.adopted import FilterModule

adopted = FilterModule().filters()["adopted"]


def test_variables_become_a_file_that_holds_them() -> None:
    told = adopted({"bridge_host_bridges": ({"name": "br0"},)})
    assert told["write"]
    assert yaml.safe_load(told["text"]) == {"bridge_host_bridges": [{"name": "br0"}]}


def test_what_is_no_dictionary_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="as_variables of bridge_info, not list"):
        adopted([])
