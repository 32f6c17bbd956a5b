# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host should have, in the picture of what it has."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import actual, wished
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import Host
from ansible_collections.hypervisor.network.tests.harness.model import pictured

LINKS = [
    pictured.port("eth0", "", {"1": "pvid untagged"}, 2),
    pictured.bridge("br0"),
    pictured.bridge("br1"),
    pictured.port("tap1", "tun", {"10": "pvid untagged"}, 5),
]
BRIDGES = [{"name": "br0", "uplink": "eth0"}, {"name": "br1"}]
TAP1 = {"name": "tap1", "bridge": "br0", "access_vlan": 10}
VM1 = {"name": "vm1", "nics": [{"tap": "tap1"}]}


def drawn(answered: bool = True, links: list[Link] | None = None, **wish: Any) -> Host:
    host = Host("hv1", answered=answered)
    if answered:
        found = {link.name: link for link in LINKS if not links} | {
            link.name: link for link in links or ()
        }
        now = Snapshot(found, holders={"tap1": Holder(7, "vm1")})
        guests = [pictured.guest("vm1", "tap1", pictured.mac(1), now)]
        actual.draw(host, pictured.info(now), guests)
    wished.draw(host, {"bridges": BRIDGES, "taps": [TAP1], "guests": [VM1], **wish})
    return host


def marks(host: Host) -> dict[str, str]:
    """What is marked, nodes and edges."""
    edges = {f"{one.source} > {one.target}": one.mark for one in host.edges}
    nodes = {key: node.mark for key, node in host.nodes.items()}
    return {key: mark for key, mark in {**nodes, **edges}.items() if mark}


def test_a_host_that_is_as_it_should_be_has_no_mark() -> None:
    assert marks(drawn()) == {}


def test_without_variables_nothing_is_marked() -> None:
    assert marks(drawn(bridges=[], taps=[], guests=[])) == {}


def test_what_is_missing_is_drawn_with_its_way() -> None:
    host = drawn(
        bridges=[*BRIDGES, {"name": "br2", "uplink": "eth7"}],
        taps=[TAP1, {"name": "tap2", "bridge": "br2", "access_vlan": 20}],
        guests=[VM1, {"name": "vm2", "nics": [{"tap": "tap2"}]}],
    )
    assert marks(host) == dict.fromkeys(
        ["dev/br2", "dev/eth7", "dev/tap2", "guest/vm2",
         "dev/eth7 > dev/br2", "dev/br2 > dev/tap2", "dev/tap2 > guest/vm2"],
        "missing",
    )  # fmt: skip
    assert host.nodes["dev/tap2"].vlans == host.nodes["guest/vm2"].vlans == ("20",)


def test_of_a_host_that_did_not_answer_nothing_is_said_to_be_missing() -> None:
    assert set(marks(drawn(answered=False)).values()) == {"unknown"}


def test_what_nobody_wished_for_is_surplus() -> None:
    host = drawn(bridges=BRIDGES[:1], taps=[], guests=[{**VM1, "state": "absent"}])
    assert marks(host) == dict.fromkeys(["dev/br1", "dev/tap1", "guest/vm1"], "surplus")


def test_a_tap_in_another_bridge_has_the_way_that_it_has_and_the_one_that_it_should() -> None:
    host = drawn(taps=[{"name": "tap1", "bridge": "br1"}])
    assert marks(host) == {"dev/br0 > dev/tap1": "surplus", "dev/br1 > dev/tap1": "missing"}


def test_a_tap_of_a_bridge_that_nobody_knows_ends_there() -> None:
    assert marks(drawn(taps=[{"name": "tap1", "bridge": "br9"}])) == {
        "dev/br0 > dev/tap1": "surplus"
    }


def test_a_wire_in_another_bridge_is_surplus_there() -> None:
    host = drawn(bridges=[{"name": "br0"}, {"name": "br1", "uplink": "eth0"}])
    assert marks(host) == {"dev/eth0 > dev/br0": "surplus", "dev/eth0 > dev/br1": "missing"}


def test_a_missing_guest_of_a_tap_that_nobody_knows_stands_alone() -> None:
    host = drawn(guests=[VM1, {"name": "vm2", "nics": [{"tap": "tap9"}]}])
    assert marks(host) == {"guest/vm2": "missing"}


def test_a_tap_in_another_vlan_says_which_one_was_wished_for() -> None:
    host = drawn(taps=[{**TAP1, "access_vlan": 20}])
    assert marks(host) == {"dev/tap1": "differs"}
    assert ("VLANs, as wished", "VLAN 20") in host.nodes["dev/tap1"].facts


@pytest.mark.parametrize(
    ("item", "label", "wanted"),
    [
        ({"up": False}, "State, as wished", "down"),
        ({"vlan_filtering": True}, "VLAN filtering, as wished", "on"),
    ],
)
def test_a_bridge_that_is_otherwise_says_how(item: dict, label: str, wanted: str) -> None:
    links = [pictured.bridge("br0", filtering=False)]
    host = drawn(links=links, bridges=[{"name": "br0", **item}], taps=[], guests=[VM1])
    assert marks(host)["dev/br0"] == "differs" and (label, wanted) in host.nodes["dev/br0"].facts


def test_a_bridge_that_is_down_should_be_up() -> None:
    host = drawn(links=[Link("br0", 1, "bridge")], bridges=[{"name": "br0"}], taps=[])
    assert ("State, as wished", "up") in host.nodes["dev/br0"].facts


def test_a_guest_in_another_state_says_which_one_was_wished_for() -> None:
    assert marks(drawn(guests=[{**VM1, "state": "stopped"}])) == {"guest/vm1": "differs"}


def test_tenants_are_those_of_the_variables_and_else_of_the_vlan() -> None:
    tenants = [{"name": "blue", "vlan": 10, "guests": ["vm1"]}, {"name": "red", "vlan": 20}]
    stray = pictured.port("tap7", "tun", {"20": "pvid untagged"}, 7)
    host = drawn(links=[*LINKS, stray], tenants=tenants, taps=[{"name": "tap1", "bridge": "br0"}])
    found = {key: node.tenant for key, node in host.nodes.items() if node.tenant}
    assert found == {"dev/tap1": "blue", "guest/vm1": "blue", "dev/tap7": "red"}


def test_variables_that_nobody_can_read_are_told() -> None:
    with pytest.raises(BadInput, match="br0 has no option 'colour'"):
        drawn(bridges=[{"name": "br0", "colour": "red"}])
