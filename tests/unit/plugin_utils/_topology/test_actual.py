# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has, as a picture: from what the information modules really return."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    Forwarding,
    Neighbour,
)
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import actual
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import (
    BAD,
    GOOD,
    IDLE,
    NEIGHBOUR,
    Host,
)
from ansible_collections.hypervisor.network.tests.harness.model import pictured, simulated

MAC = "52:00:00:00:00:01"


def drawn(links: list[Link], **more: Any) -> Host:
    """The picture of these links; C(fdb), C(heard), C(holders), C(addresses), and C(guests) as (name, tap, status)."""
    now = Snapshot(
        {link.name: link for link in links}, more.get("addresses", ()), more.get("holders", {})
    )
    fdb = more.get("fdb", ())
    guests = [
        pictured.guest(name, tap, MAC, now, fdb, status=status)
        for name, tap, status in more.get("guests", ())
    ]
    host = Host("hv1")
    actual.draw(host, pictured.info(now, fdb, more.get("heard", ())), guests)
    return host


def ways(host: Host) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.label) for edge in host.edges}


BR0 = pictured.bridge("br0")
TAP1 = pictured.port("tap1", "tun", {"10": "pvid untagged"}, 5)


def test_the_way_goes_from_the_nics_over_bond_and_vlan_into_the_bridge_and_over_the_tap_to_the_guest() -> (
    None
):
    host = drawn(
        [
            Link("eth0", 2, "", 0x10001, "52:54:00:00:00:01", master="bond0"),
            Link("eth1", 3, "", 0x10001, "52:54:00:00:00:01", master="bond0"),
            Link("bond0", 4, "bond", 0x10001),
            pictured.port("bond0.20", "vlan", {"1": "pvid untagged"}, 6, lower="bond0"),
            BR0,
            TAP1,
        ],
        holders={"tap1": Holder(7, "vm1")},
        guests=[("vm1", "tap1", "running")],
    )  # fmt: skip
    assert ways(host) == {
        ("dev/eth0", "dev/bond0", ""),
        ("dev/eth1", "dev/bond0", ""),
        ("dev/bond0", "dev/bond0.20", ""),
        ("dev/bond0.20", "dev/br0", "VLAN 1"),
        ("dev/br0", "dev/tap1", "VLAN 10"),
        ("dev/tap1", "guest/vm1", MAC),
    }
    assert [host.nodes[f"dev/{name}"].kind for name in ("eth0", "bond0", "bond0.20")] == [
        "nic",
        "bond",
        "vlan",
    ]
    assert host.nodes["guest/vm1"].vlans == ("10",)


def test_the_vlan_of_a_vlan_device_stands_on_its_way() -> None:
    vlan = Link(
        "bond0.20", 6, "vlan", 0x10001, lower="eth0", options={"id": 20}, master="br0", port={}
    )
    host = drawn([Link("eth0", 2, "", 0x10001), vlan, BR0])
    assert ("dev/eth0", "dev/bond0.20", "VLAN 20") in ways(host)


def test_a_device_below_that_is_in_another_namespace_ends_the_way() -> None:
    host = drawn([pictured.port("v20", "vlan", {}, 6, lower=None), BR0])
    assert ways(host) == {("dev/v20", "dev/br0", "")}


def test_a_host_that_claims_a_circle_is_drawn() -> None:
    info = {
        "bridges": [{"name": "br0", "ports": [{"name": "a", "kind": "vlan"}]}],
        "links": [
            {"name": "a", "kind": "vlan", "lower": "b"},
            {"name": "b", "kind": "vlan", "lower": "a"},
            {"name": "c", "kind": "vlan", "lower": "gone"},
        ],
    }
    host = Host("hv1")
    actual.draw(host, info, "none")
    assert {"dev/a", "dev/b", "dev/br0"} <= set(host.nodes)


def test_vlans_of_a_bridge_that_filters_nothing_are_not_told() -> None:
    host = drawn([pictured.bridge("br0", filtering=False), TAP1])
    assert ways(host) == {("dev/br0", "dev/tap1", "")} and host.nodes["dev/tap1"].vlans == ()


@pytest.mark.parametrize(
    ("more", "holders", "health", "state"),
    [
        ({}, {"tap1": Holder(7)}, GOOD, "up"),
        ({"flags": 0x1}, {}, IDLE, "nobody holds it"),
        ({"flags": 0}, {}, BAD, "down"),
        ({"port": {"port_state": "blocking"}}, {"tap1": Holder(7)}, BAD, "blocking"),
    ],
)
def test_a_tap_says_how_it_is(more: dict, holders: dict, health: str, state: str) -> None:
    tap = pictured.port("tap1", "tun", {}, 5, **more)
    node = drawn([BR0, tap], holders=holders).nodes["dev/tap1"]
    assert (node.health, node.state) == (health, state)


@pytest.mark.parametrize(
    ("megabits", "said"),
    [(10000, "10 Gbit/s"), (2500, "2.5 Gbit/s"), (100, "100 Mbit/s"), (None, None), ("x", None)],
)
def test_a_nic_says_its_speed_in_the_units_it_is_sold_by(megabits: Any, said: str | None) -> None:
    told = {"bridges": [], "links": [{"name": "eth0", "speed": megabits}, {"name": "bond0"}]}
    bridge = {"name": "br0", "up": True, "ports": [{"name": "eth0", "kind": ""}]}
    host = Host("hv1")
    actual.draw(host, {**told, "bridges": [bridge]}, [])
    assert host.nodes["dev/eth0"].fact("Speed") == said


@pytest.mark.parametrize(("size", "said"), [("512", "512 MiB"), ("2G", "2G"), (None, None)])
def test_a_guest_says_its_memory_with_its_unit(size: str | None, said: str | None) -> None:
    host = Host("hv1")
    actual.draw(host, {}, [{"name": "vm1", "status": "running", "memory": size}])
    assert host.nodes["guest/vm1"].fact("Memory") == said


def test_a_nic_without_a_wire_says_so() -> None:
    host = drawn([BR0, pictured.port("eth0", "", {}, 2, flags=0x1)])
    node = host.nodes["dev/eth0"]
    assert (node.health, node.state) == (BAD, "no carrier")
    assert node.fact(NEIGHBOUR) is None


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ([pictured.switch("sw1", "Gi0/1")], "sw1 Gi0/1"),
        ([pictured.switch("sw1", "Gi0/1", "to hv1")], "sw1 Gi0/1 (to hv1)"),
        ([pictured.switch("", "Gi0/1", "Gi0/1")] * 2, f"{pictured.mac(0)} Gi0/1, {pictured.mac(0)} Gi0/1"),
        ([pictured.switch("s" * 200, "\u202ep")], f"{'s' * 64} \\u202ep"),
        ([{}], None),
        ("no list", None),
    ],
)  # fmt: skip
def test_a_nic_says_which_switch_lldp_has_heard_there(heard: Any, said: str | None) -> None:
    info = pictured.info(Snapshot({"br0": BR0, "eth0": pictured.port("eth0", "", {}, 2)}))
    next(one for one in info["links"] if one["name"] == "eth0")["lldp"] = heard
    host = Host("hv1")
    actual.draw(host, info, ())
    assert host.nodes["dev/eth0"].fact(NEIGHBOUR) == said


def test_a_bridge_that_is_down_and_one_without_anybody_are_drawn() -> None:
    host = drawn([pictured.bridge("br0"), Link("br1", 9, "bridge")])
    assert (host.nodes["dev/br0"].health, host.nodes["dev/br1"].health) == (GOOD, BAD)


def test_a_tap_in_no_bridge_is_drawn_and_a_tunnel_is_not() -> None:
    free = Link("tap9", 9, "tun", 0x1, "fe:00:00:00:00:09")
    host = drawn([BR0, free, Link("tun0", 10, "tun", 0x1)])
    assert ("Bridge", "in none") in host.nodes["dev/tap9"].facts and "dev/tun0" not in host.nodes


def test_the_host_of_a_container_is_on_the_guests_side() -> None:
    host = drawn([BR0, pictured.port("veth1", "veth", {"10": "pvid untagged"}, 8)])
    assert ways(host) == {("dev/br0", "dev/veth1", "VLAN 10")}


FDB = [Forwarding("br0", "tap1", MAC, 10, False, False, 1.0)]


@pytest.mark.parametrize(
    ("status", "fdb", "health", "state"),
    [
        ("running", FDB, GOOD, "running"),
        ("running", [], IDLE, "running, not heard"),
        ("stopped", [], IDLE, "stopped"),
        ("crashed", [], BAD, "crashed"),
        ("unresponsive", FDB, BAD, "unresponsive"),
    ],
)
def test_a_guest_says_how_it_is(status: str, fdb: list, health: str, state: str) -> None:
    node = drawn([BR0, TAP1], fdb=fdb, guests=[("vm1", "tap1", status)]).nodes["guest/vm1"]
    assert (node.health, node.state) == (health, state)


@pytest.mark.parametrize(
    ("answers", "fdb", "health", "state"),
    [
        (True, FDB, GOOD, "running"),
        (None, FDB, GOOD, "running"),
        (False, FDB, IDLE, "running, its agent does not answer"),
        (False, [], IDLE, "running, not heard, its agent does not answer"),
    ],
)
def test_a_guest_that_no_agent_answers_for_is_drawn_as_that(
    answers: bool | None, fdb: list, health: str, state: str
) -> None:
    now = Snapshot({"br0": BR0, "tap1": TAP1})
    guest = {**pictured.guest("vm1", "tap1", MAC, now, fdb), "agent_answers": answers}
    host = Host("hv1")
    actual.draw(host, pictured.info(now, fdb), [guest])
    assert (host.nodes["guest/vm1"].health, host.nodes["guest/vm1"].state) == (health, state)


def test_addresses_that_were_told_stand_apart_from_those_that_were_seen() -> None:
    now = Snapshot({"br0": BR0, "tap1": TAP1})
    guest = pictured.guest("vm1", "tap1", MAC, now, FDB)
    guest["nics"][0]["addresses"] = ["192.0.2.7", "192.0.2.8"]
    host = Host("hv1")
    actual.draw(host, pictured.info(now, FDB, [Neighbour("br0", "192.0.2.7", 2, MAC, 2)]), [guest])
    facts = dict(host.nodes["guest/vm1"].facts)
    assert (facts["Addresses seen"], facts["Addresses told"]) == ("192.0.2.7", "192.0.2.8")


def test_a_guest_whose_tap_is_gone_stands_alone() -> None:
    host = drawn([BR0], guests=[("vm1", "tap1", "stopped")])
    assert host.nodes["guest/vm1"].vlans == () and host.edges == []


def test_a_guest_that_others_started_is_known_by_who_holds_its_tap() -> None:
    host = drawn([BR0, TAP1], holders={"tap1": Holder(7, "theirs")})
    node = host.nodes["stranger/theirs"]
    assert node.state == "running, made by others" and ("Process", "7") in node.facts
    assert ("dev/tap1", node.key, "") in ways(host)


def test_what_a_port_has_heard_is_told_with_its_addresses_and_in_bounds() -> None:
    fdb = [
        Forwarding("br0", "tap1", pictured.mac(number), 10, False, False, 1.0)
        for number in range(1, 12)
    ]
    heard = [Neighbour("br0", "192.0.2.7", 2, MAC, 2)]
    facts = dict(drawn([BR0, TAP1], fdb=fdb, heard=heard).nodes["dev/tap1"].facts)
    assert facts["MACs seen"].startswith(f"{MAC}, ") and facts["MACs seen"].endswith("and 3 more")
    assert facts["Addresses seen"] == "192.0.2.7"


def test_a_bridge_tells_its_addresses_its_vlans_and_its_tree() -> None:
    tree = {"stp_state": True, "root_port": 0, "bridge_id": "8000.1", "root_id": "8000.1"}
    addresses = (simulated.address("br0", "192.0.2.10/24"),)
    facts = dict(
        drawn([pictured.bridge("br0", options=tree)], addresses=addresses).nodes["dev/br0"].facts
    )
    assert facts["Addresses"] == "192.0.2.10/24" and facts["The host's VLANs"] == "VLAN 1"
    assert facts["Spanning tree"] == "on, it is the root"


@pytest.mark.parametrize(
    ("root_port", "port", "role"),
    [
        (1, {}, "root"),
        (0, {"designated_bridge": "8000.1", "designated_port": 1, "port_id": 1}, "designated"),
        (2, {"designated_bridge": "8000.1", "designated_port": 2, "port_id": 1}, "backup"),
        (2, {"designated_bridge": "7000.9"}, "alternate"),
        (0, {"port_state": "disabled"}, None),
    ],
)
def test_a_port_tells_its_role_in_the_spanning_tree(
    root_port: int, port: dict[str, Any], role: str | None
) -> None:
    tree = {"stp_state": True, "root_port": root_port, "root_id": "7000.9", "bridge_id": "8000.1"}
    eth0 = pictured.port("eth0", "", {}, 1, port=port)
    facts = dict(drawn([pictured.bridge("br0", options=tree), eth0]).nodes["dev/eth0"].facts)
    assert facts.get("Spanning tree role") == role


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (None, ""),
        ([{"vid": 10, "untagged": True}], "VLAN 10"),
        ([{"vid": "20-29"}, {"vid": 30}], "VLAN tagged 20-29, 30"),
        ([{"vid": 10, "untagged": True}, {"vid": 20}], "VLAN 10; tagged 20"),
    ],
)
def test_vlans_in_few_words(entries: list | None, text: str) -> None:
    assert actual.vlans_text(entries) == text
