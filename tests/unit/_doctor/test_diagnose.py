# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where ways end, and in which order findings are told. Each finding by itself: the tests of the rules beside this one."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import diagnose, way
from ansible_collections.hypervisor.network.tests.harness.model import patient
from ansible_collections.hypervisor.network.tests.harness.model.patient import MAC, UP


def test_a_healthy_host_has_no_finding() -> None:
    host = patient.host()
    found = diagnose.diagnose(host, way.ways(host), ["br0", "br1"])
    assert found["findings"] == []
    assert found["ways"][0] == {
        "guest": "vm1", "mac": MAC, "tap": "tap1", "bridge": "br0", "uplinks": ["eth0"], "ends_at": None,
    }  # fmt: skip


def test_findings_stand_in_the_order_of_the_way_and_each_once() -> None:
    host = patient.host(eth0={"flags": UP}, tap1={"flags": 0}, tap2={"flags": 0})
    found = diagnose.diagnose(host, way.ways(host), ["br0"])
    assert [(one["id"], one["device"], one["guest"]) for one in found["findings"]] == [
        ("tap_down", "tap1", "vm1"),
        ("tap_down", "tap2", "vm2"),
        ("uplink_no_carrier", "eth0", None),
    ]
    assert [one["ends_at"] for one in found["ways"]] == ["tap", "tap"]


def test_a_bridge_that_is_none_any_more_is_passed_over() -> None:
    host = patient.host(br0=None)
    assert (
        diagnose.diagnose(host, way.ways(host, guest="vm1"), ["gone"])["ways"][0]["tap"] == "tap1"
    )
