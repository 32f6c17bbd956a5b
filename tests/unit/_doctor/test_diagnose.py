# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where ways end, and in which order findings are told. Each finding by itself: the tests of the rules beside this one."""

from __future__ import annotations

import ast
from pathlib import Path

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import diagnose, way
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Finding
from ansible_collections.hypervisor.network.tests.harness.model import patient
from ansible_collections.hypervisor.network.tests.harness.model.patient import MAC, UP

TESTS = Path(__file__).resolve().parents[2]
ROOM = TESTS.parent / "plugins" / "module_utils" / "_doctor"
# where what is wrong is made of devices, guests and machines
LIVE = ("faults/test_g_*.py", "faults/lab/test_v_*.py", "integration/test_doctor*.py")


def named(path: Path) -> set[str]:
    """What is between quotes in a file."""
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {
        one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def test_every_finding_is_provoked_where_it_happens_too() -> None:
    calls = [
        call
        for path in ROOM.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "Finding"
    ]
    ids = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert len(ids) > 50
    assert [call for call in calls if not isinstance(call.args[0], ast.Constant)] == []
    live = set().union(*(named(path) for pattern in LIVE for path in TESTS.glob(pattern)))
    assert ids - live == set()


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


def test_a_tap_of_nobody_is_told_to_who_asks_for_its_bridge_and_on_no_guests_way() -> None:
    host = patient.host(
        guests=[patient.VM1], tap2={"flags": UP}, holders={"tap1": patient.HOLDERS["tap1"]}
    )
    asked = [diagnose.diagnose(host, way.ways(host, guest="vm1"), also) for also in ([], ["br0"])]
    assert [[one["id"] for one in found["findings"]] for found in asked] == [[], ["tap_of_nobody"]]


def test_a_bridge_that_is_none_any_more_is_passed_over() -> None:
    host = patient.host(br0=None)
    assert (
        diagnose.diagnose(host, way.ways(host, guest="vm1"), ["gone"])["ways"][0]["tap"] == "tap1"
    )


def test_what_came_by_other_means_stands_in_its_place_and_ends_the_ways_that_it_is_on() -> None:
    host = patient.host(eth0={"flags": UP}, tap2={"flags": 0})
    looked = diagnose.diagnose(host, way.ways(host), ["br0"])
    more = [
        Finding("dhcp_answer_lost", "bridge", "error", "eth0", "Lost.", guest="vm1"),
        Finding("dhcp_unanswered", "gateway", "warning", "eth0", "Nobody.", guest="vm2"),
        Finding("elsewhere", "guest", "error", "tap9", "Elsewhere."),
    ]
    found = diagnose.with_more({**looked, "heard": []}, more)
    assert [one["id"] for one in found["findings"]] == [
        "elsewhere",
        "tap_down",
        "dhcp_answer_lost",
        "uplink_no_carrier",
        "dhcp_unanswered",
    ]
    assert [one["ends_at"] for one in looked["ways"]] == ["uplink", "tap"]
    assert [one["ends_at"] for one in found["ways"]] == ["bridge", "tap"] and found["heard"] == []
