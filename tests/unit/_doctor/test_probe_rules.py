# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where marked frames came out of a healthy host, and what is said where they did not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import (
    diagnose,
    probe_rules,
    way,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Host, Way
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.verdict import Run
from ansible_collections.hypervisor.network.tests.harness.host.tenants import run_of
from ansible_collections.hypervisor.network.tests.harness.model import patient

OFFER = {"server": "192.0.2.1", "address": "192.0.2.50", "mac": patient.ROUTER_MAC, "port": "eth0"}
AT_UPLINK = ((0, "broadcast", "eth0", 10, 1), (1, "broadcast", "eth0", 10, 1))


def run(host: Host, *strays: Any, offers: Any = (OFFER,)) -> Run:
    asked = probe_rules.wish(host, way.ways(host, guest="vm1"))
    assert asked is not None
    return replace(run_of(host.now, asked, *strays, dhcp="tap1"), offers={0: offers})


def ids(host: Host, found: Run) -> list[str]:
    return [one.id for one in probe_rules.findings(host, found)]


def test_a_healthy_host_has_no_finding_and_says_what_was_sent() -> None:
    host = patient.host()
    found = run(host, *AT_UPLINK)
    assert ids(host, found) == []
    (row,) = probe_rules.told(found)
    assert (row["tap"], row["bridge"], row["offers"]) == ("tap1", "br0", [OFFER])
    assert row["sent"]["broadcast"] == 2 and row["sent"]["dhcp"] == 1
    assert row["seen"]["broadcast"]["eth0"] == 2 and row["seen"]["broadcast"]["tap1"] == 2


def without(found: Run, dev: str) -> Run:
    return replace(found, seen={key: count for key, count in found.seen.items() if key[2] != dev})


def test_frames_that_do_not_leave_by_the_uplink_end_there() -> None:
    host = patient.host()
    assert ids(host, run(host)) == ["probe_not_at_uplink"]


@pytest.mark.parametrize("more", [{"flags": 0}, {"flags": patient.UP}])
def test_of_an_uplink_that_is_down_nothing_is_expected(more: dict[str, int]) -> None:
    host = patient.host(eth0=more)
    assert ids(host, run(host)) == []


def test_frames_that_do_not_come_out_at_the_tap_end_there() -> None:
    host = patient.host()
    assert ids(host, without(run(host, *AT_UPLINK), "tap1")) == ["probe_not_at_guest"]


def test_an_isolated_tap_is_not_expected_to_get_what_another_isolated_one_sends() -> None:
    host = patient.host(tap1={"port": {"isolated": True}})
    assert ids(host, run(host, *AT_UPLINK)) == []


def test_what_the_bridge_does_not_let_in_ends_there() -> None:
    host = patient.host()
    found = run(host)
    assert ids(host, replace(found, seen={})) == ["probe_not_let_in"]


def test_nobody_answers_and_a_guest_answers() -> None:
    host = patient.host()
    assert ids(host, run(host, *AT_UPLINK, offers=())) == ["no_dhcp_answer"]
    rogue = {**OFFER, "port": "tap2", "mac": patient.OTHER_MAC}
    assert ids(host, run(host, *AT_UPLINK, offers=(rogue,))) == ["dhcp_from_a_guest"]
    assert ids(host, run(host, *AT_UPLINK, offers=({**OFFER, "port": None},))) == []


def test_what_the_frames_told_is_put_to_what_was_read() -> None:
    host = patient.host()
    read = diagnose.diagnose(host, way.ways(host, guest="vm1"))
    found = probe_rules.with_probes(host, without(run(host), "tap1"), read)
    assert [one["id"] for one in found["findings"]] == ["probe_not_at_guest", "probe_not_at_uplink"]
    assert found["findings"][0]["guest"] == "vm1"
    assert found["ways"][0]["ends_at"] == "port" and read["ways"][0]["ends_at"] is None
    assert [one["tap"] for one in found["probes"]] == ["tap1"]
    ill = patient.host(tap1={"flags": 0})
    read = diagnose.diagnose(ill, way.ways(ill, guest="vm1"))
    assert probe_rules.with_probes(ill, run(ill), read)["ways"][0]["ends_at"] == "tap"


def test_no_way_into_a_bridge_is_nothing_to_send() -> None:
    host = patient.host(tap1={"master": None, "port": None})
    assert probe_rules.wish(host, way.ways(host, guest="vm1")) is None
    assert probe_rules.wish(host, [Way(tap="gone")]) is None
