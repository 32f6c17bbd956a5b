# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter compares a plan with what bridge_info found; the sentences are in plugin_utils/_bridge_host/test_findings.py."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_findings import FilterModule
from ansible_collections.hypervisor.network.tests.harness.model.role_lists import BR0, plan

bridge_host_findings = FilterModule().filters()["bridge_host_findings"]


def test_it_tells_what_is_as_planned_and_what_is_not() -> None:
    before = {"bridges": [], "routes": [], "addresses": []}
    now = {**before, "bridges": [{"name": "br0", "up": True, "ports": []}]}
    found = bridge_host_findings(plan([BR0]), now, before)
    assert "eth0" in " ".join(found["wrong"]) and not found["proven"]
    now["bridges"][0].update(stp_state=False, ports=[{"name": "eth0"}])
    assert bridge_host_findings(plan([BR0]), now, before)["proven"]
