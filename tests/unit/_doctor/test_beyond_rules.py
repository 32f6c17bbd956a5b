# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around the bridge: each finding, by the host that has it, and the hosts beside it that have not. A part of a card and a cloud's machine are in
tests/faults/lab/test_v_hardware.py too.
"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import (
    beyond_rules,
    diagnose,
    way,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Part, Way, Wire
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.tests.harness.model import patient


def route(dev: str, metric: int | None = None, dst: str = "192.0.2.0/24", table: int = 254) -> Any:
    return Route(2, dst, table, metric, 0, 1, 0, 2, (Hop(dev, None),))


SNOOPS = {"options": {"mcast_snooping": True, "mcast_querier": False}}
DEAF = {"br0": SNOOPS, "tap1": {"port": {"mcast_flood": False}}}
CASES: dict[str, patient.Case] = {
    "networkd would take the tap": (
        {"takers": {"tap1": "tap1 is managed by systemd-networkd by /x.network"}}, "other_manager_takes_tap", None, "bridge_persist",
    ),
    "NetworkManager would take the tap": ({"takers": {"tap1": "tap1 is managed by NetworkManager"}}, "other_manager_takes_tap", None, None),
    "nobody asks for groups": (DEAF, "no_querier", None, "linux_bridge"),
    "the host answers by another way": ({"strict": {"br0"}, "routes": [route("eth1"), route("br0", 100)]}, "rp_filter_drops", None, None),
    "the uplink is a macvlan": ({"wires": {"eth0": Wire(own_frames_only=True)}}, "promiscuity_refused", "uplink", None),
    "the NIC is a part of a card": ({"wires": {"eth0": Wire(Part())}, "cloud": "Google"}, "upstream_card_checks", None, None),
    "the card lets its part only send": ({"wires": {"eth0": Wire(Part("pf0", 3, False, False))}}, "upstream_card_checks", None, None),
    "the card lets its part only hear": ({"wires": {"eth0": Wire(Part("pf0", 3, True, True))}}, "upstream_card_checks", None, None),
    "the card never lets it hear": (
        {"wires": {"eth0": Wire(Part("pf0", 3, False, True, "igbvf"))}}, "promiscuity_refused", "uplink", None,
    ),
    "the card does not tell": ({"wires": {"eth0": Wire(Part("pf0", 3))}}, "upstream_card_checks", None, None),
    "the machine is a cloud's": ({"cloud": "Amazon EC2"}, "upstream_cloud", None, None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_finding_says_what_is_around_and_what_cures_it(case: str) -> None:
    patient.check(*CASES[case])


@pytest.mark.parametrize(
    "more",
    [
        {"takers": {"tap2": "tap2 is managed by NetworkManager"}},
        {**DEAF, "queried": {"br0"}},
        {**DEAF, "br0": {"options": {"mcast_snooping": False}}},
        {**DEAF, "br0": {"options": {"mcast_snooping": True, "mcast_querier": True}}},
        {"br0": SNOOPS},
        {"strict": {"br0"}, "routes": [route("br0"), route("eth1", 100)]},
        {"strict": {"br0"}, "routes": [route("eth1", dst="198.51.100.0/24"), route("eth1", table=7)]},
        {"strict": set(), "routes": [route("eth1")]},
        {"wires": {"eth0": Wire(Part("pf0", 3, False, True, "iavf"))}, "cloud": "Google"},
    ],
)  # fmt: skip
def test_a_host_that_has_only_a_part_of_it_is_healthy(more: dict[str, Any]) -> None:
    host = patient.host(**more)
    found = diagnose.diagnose(host, way.ways(host, guest="vm1"))["findings"]
    assert [one["id"] for one in found if one["id"] != "mcast_flood_off"] == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part(), "unless somebody set spoofchk off trust on for it where the card is."),
        (Part("pf0", 3, True), "(spoofchk is on, trust is not told): 'ip link set pf0 vf 3 spoofchk off trust on' has"),
        (Part("pf0", 3, True, False, "igbvf"), "drops frames from other MACs (spoofchk is on, trust is off): 'ip link set pf0 vf 3 spoofchk off' has"),
    ],
)  # fmt: skip
def test_what_has_a_card_let_frames_pass_is_said_where_the_card_is_known(
    part: Part, said: str
) -> None:
    *_refused, found = beyond_rules.wire(patient.host(wires={"eth0": Wire(part)}), Link("eth0", 2))
    assert said in found.finding


def test_an_uplink_that_is_no_hardware_is_no_clouds() -> None:
    host = patient.host(cloud="Google", eth0={"kind": "vlan"})
    assert list(beyond_rules.wire(host, host.now.links["eth0"])) == []


def test_what_is_not_there_is_found_by_others() -> None:
    host = patient.host(tap1=None)
    assert list(beyond_rules.taken(host, Way(tap="tap1"))) == []
    assert list(beyond_rules.querier(host, Way(tap="tap1"))) == []
