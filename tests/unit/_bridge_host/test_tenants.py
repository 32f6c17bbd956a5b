# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants: their VLANs on taps and uplinks, the proof that is asked for, and what keeps them from being apart."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_refusals import (
    bridge_host_refusals,
)
from ansible_collections.hypervisor.network.tests.harness.model.role_lists import (
    BR0,
    QUIET,
    TAP1,
    VM1,
    is_one_sentence,
    of_variables,
    options_of,
    plan,
    there,
)

TENANTS = [
    {"name": "blue", "vlan": 10, "guests": ["vm1"], "taps": ["tap3"]},
    {"name": "red", "vlan": 20, "taps": ["tap2"], "dhcp": True},
]


TENANTS_TAPS = [{"name": f"tap{number}", "bridge": "br0"} for number in (1, 2, 3, 4)]


def with_tenants(
    bridge: dict | None = None, info: dict | None = None, tenants: list | None = None
) -> dict[str, Any]:
    return plan(
        [{**BR0, **(bridge or {})}],
        TENANTS_TAPS,
        [VM1],
        info,
        TENANTS if tenants is None else tenants,
    )


def test_tenants_make_access_ports_and_a_trunk_and_leave_the_host_where_it_is() -> None:
    found = with_tenants()
    assert found["aware"] == ["br0"] and found["present"]["bridges"][0]["vlan_filtering"] is True
    trunk, *taps = found["present"]["ports"]
    tagged = [{"vid": vid, "pvid": False, "untagged": False} for vid in (10, 20)]
    assert trunk == {"name": "eth0", "bridge": "br0", "vlans": tagged, "vlans_mode": "merge"}
    assert [(one["name"], one.get("access_vlan")) for one in taps] == [
        ("tap1", 10),
        ("tap2", 20),
        ("tap3", 10),
        ("tap4", None),
    ]
    assert found["isolation"] == {
        "tenants": [
            {"name": "blue", "vlan": 10, "ports": ["tap3", "tap1"], "dhcp": False},
            {"name": "red", "vlan": 20, "ports": ["tap2"], "dhcp": True},
        ],
        "uplinks": ["eth0"],
        "trunks": [],
    }


def test_without_tenants_nothing_is_said_of_vlans() -> None:
    found = with_tenants(tenants=[])
    assert (
        found["aware"] == []
        and found["isolation"]["tenants"] == []
        and found["present"]["ports"] == TENANTS_TAPS
    )
    assert not [
        value
        for stanza in found["present"]["stanzas"]
        for _key, value in stanza["options"]
        if "vlan" in value
    ]


def test_the_host_keeps_the_vlans_that_it_was_given_on_the_uplink() -> None:
    own = [{"vid": 99, "pvid": True, "untagged": True}]
    (trunk, *_taps) = with_tenants({"self_vlans": own})["present"]["ports"]
    assert {"vid": 99, "pvid": True, "untagged": True} in trunk["vlans"]
    info = there("br0", "eth0")
    info["bridges"][0]["ports"][0]["vlans"] = [{"vid": "90-99", "pvid": False, "untagged": False}]
    (trunk, *_taps) = with_tenants({"self_vlans": own}, info)["present"]["ports"]
    assert [one["vid"] for one in trunk["vlans"]] == [10, 20], (
        "how it is tagged on the wire was somebody's choice"
    )


def test_a_boot_brings_the_vlans_back_and_a_tap_is_in_no_other_for_a_moment() -> None:
    stanzas = {
        stanza["name"]: options_of(stanza) for stanza in with_tenants()["present"]["stanzas"]
    }
    joined = "ip link set dev eth0 master br0"
    assert stanzas["br0"]["up"] == [
        "ip link set dev br0 type bridge vlan_filtering 1",
        f"{joined} && bridge vlan add dev eth0 vid 10", f"{joined} && bridge vlan add dev eth0 vid 20", QUIET,
        "test -d /sys/class/net/br0 && ifup --force tap1 tap2 tap3 tap4 || true",
    ]  # fmt: skip
    assert stanzas["tap1"] == {
        "pre-up": [
            "test -e /sys/class/net/tap1 || ip tuntap add dev tap1 mode tap user hypervisor-guest",
            "test -e /sys/class/net/br0/lower_tap1 || ip link set dev tap1 down",
            "ip link set dev tap1 master br0",
            "bridge vlan add dev tap1 vid 10 pvid untagged", "bridge vlan del dev tap1 vid 1",
        ]
    }  # fmt: skip
    assert stanzas["tap4"]["up"] == ["ip link set dev tap4 master br0"]


TAP2, TAP3 = {"name": "tap2", "bridge": "br0"}, {"name": "tap3", "bridge": "br0"}


VM2 = {"name": "vm2", "nics": [{"tap": "tap2"}]}


BLUE, RED = (
    {"name": "blue", "vlan": 10, "guests": ["vm1"]},
    {"name": "red", "vlan": 20, "guests": ["vm2"]},
)


def of_tenants(*tenants: Any, bridge: Any = None, tap2: Any = None) -> list[str]:
    return of_variables(
        [bridge or BR0], [TAP1, {**TAP2, **(tap2 or {})}, TAP3], [VM1, VM2], tenants
    )


def test_tenants_that_are_apart_are_fine() -> None:
    assert of_tenants(BLUE, RED) == []
    assert (
        of_tenants(
            {**BLUE, "taps": ["tap3"], "dhcp": True},
            RED,
            tap2={"access_vlan": 20},
            bridge={**BR0, "vlan_filtering": True},
        )
        == []
    )
    assert (
        of_tenants(
            {**BLUE, "vlan": "10"},
            bridge={**BR0, "self_vlans": [{"vid": 99, "pvid": True, "untagged": True}]},
        )
        == []
    )
    assert of_tenants(BLUE, tap2={"trunk_vlans": ["10", "20-30"]}) == [], (
        "a guest that routes between tenants"
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (of_tenants(BLUE, {**RED, "vlan": 10}), ("blue", "red", "VLAN 10")),
        (of_tenants({**BLUE, "vlan": 0}), ("blue", "VLAN 0", "1 to 4094")),
        (of_tenants({**BLUE, "vlan": 4095}), ("blue", "VLAN 4095")),
        (of_tenants({**BLUE, "vlan": 1}), ("blue", "VLAN 1", "the host's own on br0")),
        (
            of_tenants(BLUE, bridge={**BR0, "vlan_default_pvid": 10}),
            ("VLAN 10", "the host's own on br0"),
        ),
        (
            of_tenants(BLUE, bridge={**BR0, "self_vlans": [{"vid": "5-15"}]}),
            ("VLAN 10", "the host's own on br0"),
        ),
        (
            of_tenants(
                {**BLUE, "vlan": 1},
                bridge={**BR0, "self_vlans": [{"vid": 99, "pvid": True, "untagged": True}]},
            ),
            ("VLAN 1", "every port begins with on br0"),
        ),
        (of_tenants(BLUE, {**RED, "guests": ["vm1", "vm2"]}), ("vm1", "blue", "red")),
        (of_tenants(BLUE, {**RED, "taps": ["tap1"]}), ("tap1", "blue", "red")),
        (of_tenants({**BLUE, "guests": ["vm9"]}), ("vm9", "bridge_host_guests")),
        (of_tenants({**BLUE, "taps": ["tap9"]}), ("tap9", "bridge_host_taps")),
        (of_tenants(BLUE, BLUE), ("'blue' is listed twice",)),
        (
            of_tenants(BLUE, bridge={**BR0, "vlan_filtering": False}),
            ("br0 says vlan_filtering: false",),
        ),
        (
            of_tenants(BLUE, bridge={**BR0, "vlan_default_pvid": 0}),
            ("br0 says vlan_default_pvid: 0", "cut off"),
        ),
        (of_tenants(RED, tap2={"trunk_vlans": ["20"]}), ("tap2", "trunk_vlans", "20 alone")),
        (
            of_tenants(RED, tap2={"vlans": [{"vid": 20, "pvid": True, "untagged": True}]}),
            ("tap2", "says vlans"),
        ),
        (
            of_tenants(RED, tap2={"access_vlan": 30}),
            ("tap2", "access_vlan 30", "the tenant's VLAN is 20"),
        ),
        (of_tenants(RED, tap2={"vlans_mode": "merge"}), ("tap2", "merge", "untagged")),
        (
            of_tenants(BLUE, tap2={"access_vlan": 10}),
            ("tap2", "untagged in VLAN 10 of the tenant blue"),
        ),
        (of_tenants(BLUE, tap2={"access_vlan": 5000}), ("tap2", "access_vlan 5000")),
        (of_tenants(RED, tap2={"bridge": "br7"}), ("tap2", "br7", "bridge_host_bridges")),
        (of_variables([BR0], [], [{"name": "vm1"}], [BLUE]), ("vm1", "no NIC")),
        (of_tenants({"name": "blue", "vlan": "ten"}), ("blue", "vlan")),
    ],
)
def test_tenants_that_are_not_apart(found: list[str], words: tuple[str, ...]) -> None:
    is_one_sentence(found, *words)


def test_a_guest_that_goes_may_still_be_listed_in_its_tenant() -> None:
    taps, guests = [{**TAP1, "state": "absent"}, TAP2, TAP3], [{**VM1, "state": "absent"}, VM2]
    assert of_variables([BR0], taps, guests, [BLUE, RED]) == []


def test_a_vlan_that_the_host_has_already_is_not_a_tenants() -> None:
    info = {
        "bridges": [
            {
                "name": "br0",
                "ports": [],
                "self_vlans": [{"vid": 1, "pvid": True, "untagged": True}, {"vid": "8-12"}],
            }
        ],
        "addresses": [],
    }
    wish = {"bridges": [BR0], "taps": [TAP1], "guests": [VM1], "tenants": [BLUE]}
    is_one_sentence(bridge_host_refusals(wish, info=info), "VLAN 10 on br0", "self_vlans")
    assert bridge_host_refusals({**wish, "tenants": [{**BLUE, "vlan": 20}]}, info=info) == []
    keeps = {**BR0, "self_vlans": [{"vid": 1, "pvid": True, "untagged": True}]}
    assert bridge_host_refusals({**wish, "bridges": [keeps]}, info=info) == []
