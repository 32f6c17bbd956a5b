# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter knows its formats by name; what they tell is in plugin_utils/test_drift.py."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.filter.drift import FilterModule

drift = FilterModule().filters()["drift"]
CLEAN = {"hv1": {"changes": []}}


def test_a_fleet_without_drift_in_every_format() -> None:
    assert drift(CLEAN) == []
    assert drift(CLEAN, "prometheus").count(" 0\n") == 4
    assert drift(CLEAN, "table") == ["1 hosts, 0 of them not as their variables say."]
    assert json.loads(drift(CLEAN, "json")) == {"drift": 0, "hosts": {"hv1": []}}
    assert 'failures="0"' in drift(CLEAN, "junit")


def test_what_is_no_fleet_and_no_format_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="rows, table, json, junit, prometheus"):
        drift(CLEAN, "yaml")
    with pytest.raises(AnsibleFilterError, match="hosts by name"):
        drift([CLEAN])
