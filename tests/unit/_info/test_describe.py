# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host looks like, as bridge_info tells it."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._info import describe
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.mdb import Group, Table
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    Forwarding,
    Neighbour,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated
from ansible_collections.hypervisor.network.tests.harness.model.captured import NAMES, ROUTES

OPTIONS = {"stp_state": True, "bridge_id": "8000.02:00:00:00:00:01"}
NOW = Snapshot(
    {
        "br0": Link(
            "br0",
            1,
            "bridge",
            0x1,
            "02:00:00:00:00:01",
            options=OPTIONS,
            vlans={"1": "pvid untagged"},
        ),
        "tap1": Link(
            "tap1",
            2,
            "tun",
            0x10001,
            master="br0",
            port={"port_no": 1, "port_state": "forwarding"},
            vlans={"10": "pvid untagged"},
        ),
        "tap2": Link("tap2", 3, "tun", 0x1, master="br0", port={"port_no": 2}),
        "br1": Link("br1", 4, "bridge"),
        "eth0": Link("eth0", 5, ""),
    },
    holders={"tap1": Holder(7, "vm1"), "tap2": Holder(8)},
)
ENTRY = Forwarding("br0", "tap1", "02:00:00:00:00:71", 10, False, False, 1.5)


def test_a_bridge_with_its_ports_and_what_it_learned() -> None:
    br0, br1 = describe.bridges(NOW, [ENTRY], None, None)
    assert (br0["name"], br0["id"], br0["up"], br0["stp_state"]) == (
        "br0",
        OPTIONS["bridge_id"],
        True,
        True,
    )
    assert br0["self_vlans"] == [{"vid": 1, "pvid": True, "untagged": True}]
    assert [(entry["mac"], entry["type"], entry["age"]) for entry in br0["fdb"]] == [
        (ENTRY.mac, "dynamic", 1.5)
    ]
    assert br1["ports"] == br1["fdb"] == [] and br1["self_vlans"] is None and not br1["up"]
    assert br0["mdb"] is None and br0["mcast_router_ports"] is None, "a kernel without multicast"


def test_a_port_names_its_holder_only_while_it_is_held() -> None:
    tap1, tap2 = describe.bridges(NOW, [], None, "br0")[0]["ports"]
    assert (tap1["holder_pid"], tap1["holder_guest"], tap1["state"]) == (7, "vm1", "forwarding")
    assert tap2["holder_pid"] is None and tap2["state"] is None and not tap2["carrier"]
    assert tap1["vlans"] == [{"vid": 10, "pvid": True, "untagged": True}] and tap2["vlans"] is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("eth0", "eth0 is a device of kind 'hardware', not a bridge"),
        ("br9", "br9 is no device at all, not a bridge"),
    ],
)
def test_a_name_that_is_no_bridge_is_refused(name: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        describe.bridges(NOW, [], None, name)


def test_every_device_tells_what_it_stands_on_and_who_holds_it() -> None:
    now = Snapshot(
        {
            "lo": Link("lo", 9, flags=0x9),
            "bond0": Link("bond0", 6, "bond", 0x1, master="br1"),
            "bond0.20": Link("bond0.20", 7, "vlan", lower="bond0", options={"id": 20}),
            **NOW.links,
        },
        holders=NOW.holders,
    )
    found = {one["name"]: one for one in describe.links(now, {"eth0": 1000})}
    assert "lo" not in found and found["eth0"]["speed"] == 1000 and found["tap1"]["speed"] is None
    assert (found["bond0.20"]["lower"], found["bond0.20"]["vlan"]) == ("bond0", 20)
    assert found["bond0"]["master"] == "br1" and found["bond0"]["vlan"] is None
    assert found["tap1"]["holder_guest"] == "vm1" and found["tap2"]["holder_pid"] is None
    assert not any("lldp" in one for one in found.values())  # nobody was asked


def test_a_device_tells_whom_lldp_has_heard_there() -> None:
    heard = {"eth0": [{"system": "sw1", "port": "Gi0/1"}]}
    found = {one["name"]: one["lldp"] for one in describe.links(NOW, {}, heard)}
    assert found["eth0"] == heard["eth0"] and found["tap1"] == []


def test_neighbours_are_addresses_with_their_macs() -> None:
    heard = Neighbour("br0", "192.0.2.20", 2, "02:00:00:00:00:71", 2)
    answered_for = Neighbour("br0", "192.0.2.30", 2, None, 0, proxy=True)
    assert describe.neighbours([heard, answered_for]) == [
        {"dev": "br0", "address": "192.0.2.20", "mac": "02:00:00:00:00:71"}
    ]


def test_groups_are_told_by_their_bridge() -> None:
    fields = dict.fromkeys(Group.__dataclass_fields__)
    table = Table(
        (Group(**{**fields, "bridge": "br0"}), Group(**{**fields, "bridge": "br1"})),
        {"br0": ["tap1"]},
    )
    (br0,) = describe.bridges(NOW, [], table, "br0")
    assert len(br0["mdb"]) == 1 and "bridge" not in br0["mdb"][0]
    assert br0["mcast_router_ports"] == ["tap1"]


def test_routes_are_a_row_for_each_way() -> None:
    found = rtnl_route.decode_routes([body for _text, body in ROUTES], NAMES)
    rows = describe.routes(found)
    assert len(rows) == sum(len(route.hops) for route in found)
    default = next(row for row in rows if row["dst"] == "default" and row["gateway"])
    assert "G" in default["flags"] and "H" not in default["flags"]
    assert {row["flags"] for row in rows if row["dst"].endswith(("/32", "/128"))} <= {"UH", "UGH"}
    assert {row["type"] for row in rows} >= {"unicast"} and {row["family"] for row in rows} == {
        "inet",
        "inet6",
    }


def test_addresses_are_told_with_their_device() -> None:
    now = Snapshot(
        {},
        (
            simulated.address("eth0", "192.0.2.1/24"),
            simulated.address("eth0", "fe80::1/64", scope=253),
        ),
    )
    assert describe.addresses(now) == [
        {"dev": "eth0", "address": "192.0.2.1/24", "family": "inet", "scope": "global"},
        {"dev": "eth0", "address": "fe80::1/64", "family": "inet6", "scope": "link"},
    ]
