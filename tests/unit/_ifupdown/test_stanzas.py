# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role writes into interfaces(5) for a bridge and for a tap."""

from __future__ import annotations

import shlex

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import validate
from ansible_collections.hypervisor.network.tests.harness.model.role_lists import (
    BR0,
    QUIET,
    options_of,
    plan,
)


def test_a_bridge_without_a_method_takes_over_what_the_file_says() -> None:
    stanza = plan([{"name": "br0", "uplink": "eth0"}])["present"]["stanzas"][0]
    assert "method" not in stanza and stanza["take_over"] == "eth0"


def test_a_bridge_without_an_uplink_is_a_switch_of_its_own() -> None:
    found = plan([{"name": "br1"}])
    assert found["present"]["uplinks"] == []
    stanza = found["present"]["stanzas"][0]
    assert stanza["method"] == "manual" and "take_over" not in stanza
    assert options_of(stanza) == {
        "bridge_ports": ["none"],
        "bridge_stp": ["off"],
        "bridge_fd": ["0"],
        "bridge_maxwait": ["0"],
    }


def test_static_addresses_go_into_a_stanza_of_each_family() -> None:
    item = {"name": "br0", "uplink": "eth0", "method": "static", "address": ["192.0.2.10/24", "2001:db8::10/64", "192.0.2.11/24"],
            "gateway": ["192.0.2.1", "2001:db8::1"]}  # fmt: skip
    first, second = plan([item])["present"]["stanzas"]
    assert (first["family"], first["method"], second["family"], second["method"]) == (
        "inet",
        "static",
        "inet6",
        "static",
    )
    assert options_of(first)["address"] == ["192.0.2.10/24", "192.0.2.11/24"] and options_of(first)[
        "gateway"
    ] == ["192.0.2.1"]
    assert second["options"] == [["address", "2001:db8::10/64"], ["gateway", "2001:db8::1"]]


def test_one_address_may_be_written_without_brackets() -> None:
    item = {
        "name": "br0",
        "uplink": "eth0",
        "method": "static",
        "address": "192.0.2.10/24",
        "gateway": "192.0.2.1",
    }
    assert options_of(plan([item])["present"]["stanzas"][0])["address"] == ["192.0.2.10/24"]


def test_what_bridge_utils_has_no_word_for_is_set_by_ip_with_times_in_hundredths() -> None:
    stanza = plan(
        [
            {
                **BR0,
                "mcast_snooping": False,
                "mcast_query_interval": 12.5,
                "ageing_time": 60,
                "priority": 4096,
            }
        ]
    )["present"]["stanzas"][0]
    found = options_of(stanza)
    assert found["bridge_ageing"] == ["60"] and found["bridge_bridgeprio"] == ["4096"]
    assert found["up"] == [
        "ip link set dev br0 type bridge mcast_snooping 0 mcast_query_interval 1250",
        QUIET,
    ]


def test_a_tap_without_a_bridge_is_no_port() -> None:
    found = plan(taps=[{"name": "tap1", "multi_queue": True, "vnet_hdr": False}])["present"]
    assert found["ports"] == []
    assert found["stanzas"][0]["options"] == [
        ["pre-up", "test -e /sys/class/net/tap1 || ip tuntap add dev tap1 mode tap multi_queue"]
    ]


def test_a_tap_makes_no_ipv6_addresses_before_it_is_up_and_a_bridge_no_more_of_them() -> None:
    stanzas = plan(
        [{"name": "br0", "txqueuelen": 5, "addr_gen_mode": "none"}],
        [{"name": "tap1", "addr_gen_mode": "none"}],
    )["present"]["stanzas"]
    assert ["up", "ip link set dev br0 txqueuelen 5 addrgenmode none"] in stanzas[0]["options"]
    assert stanzas[1]["options"][1] == ["pre-up", "ip link set dev tap1 addrgenmode none"]


@pytest.mark.parametrize("text", ["$(id)", "a b", "x; reboot", "a'b", "`id`"])
def test_no_word_of_a_user_reaches_the_shell_as_more_than_a_word(text: str) -> None:
    for key in ("owner", "alias"):
        lines = [
            value
            for _key, value in plan(taps=[{"name": "tap1", "bridge": "br0", key: text}])["present"][
                "stanzas"
            ][0]["options"]
        ]
        words = [shlex.split(line.rpartition("|| ")[2]) for line in lines]
        assert sum(text in line for line in words) == 1


def test_stanzas_are_what_interfaces_stanza_takes() -> None:
    bridges = [
        {**BR0, "mtu": 9000, "mac": "52:54:00:12:34:56"},
        {"name": "br1", "hello_time": 1, "max_age": 20, "stp_state": True, "forward_delay": 4},
    ]
    empty = dict.fromkeys(
        ("family", "method", "auto", "allow_hotplug", "take_over", "hand_back", "file", "options")
    )
    found = plan(bridges, [{"name": "tap1", "bridge": "br0", "hairpin": True}], info=None)
    gone = plan([{**BR0, "state": "absent"}], [{"name": "tap1", "state": "absent"}])
    for stanza in found["present"]["stanzas"] + gone["absent"]["stanzas"]:
        assert validate.checked({**empty, **stanza}).name == stanza["name"]


@pytest.mark.parametrize(
    ("bridge", "tap", "lines"),
    [
        (
            {},
            {"trunk_vlans": ["20", "100-199"], "native_vlan": 5},
            ["vid 5 pvid untagged", "vid 20", "vid 100-199", "vid 1"],
        ),
        ({"vlan_default_pvid": 7}, {"access_vlan": 20}, ["vid 20 pvid untagged", "vid 7"]),
        ({"vlan_default_pvid": 0}, {"access_vlan": 20}, ["vid 20 pvid untagged"]),
        ({}, {"access_vlan": 1}, ["vid 1 pvid untagged"]),
        ({}, {"access_vlan": 20, "vlans_mode": "merge"}, ["vid 20 pvid untagged"]),
        ({}, {"vlans": [{"vid": 20, "untagged": True}]}, ["vid 20 untagged", "vid 1"]),
    ],
)
def test_vlans_of_a_tap_are_written_whoever_gave_them(
    bridge: dict, tap: dict, lines: list[str]
) -> None:
    found = plan(
        [{**BR0, "vlan_filtering": True, **bridge}], [{"name": "tap1", "bridge": "br0", **tap}]
    )
    said = options_of(found["present"]["stanzas"][1])["pre-up"][3:]
    assert [line.partition(" dev tap1 ")[2] for line in said] == lines
    assert [line for line in said if " del " in line] == said[
        len([line for line in said if " add " in line]) :
    ]


def test_vlans_of_the_host_are_written_the_uplinks_first() -> None:
    found = plan(
        [
            {
                **BR0,
                "vlan_filtering": True,
                "self_vlans": [{"vid": 99, "pvid": True, "untagged": True}],
            }
        ]
    )
    assert options_of(found["present"]["stanzas"][0])["up"][1:5] == [
        "ip link set dev eth0 master br0 && bridge vlan add dev eth0 vid 99 pvid untagged",
        "ip link set dev eth0 master br0 && bridge vlan del dev eth0 vid 1",
        "bridge vlan add dev br0 vid 99 pvid untagged self",
        "bridge vlan del dev br0 vid 1 self",
    ]


def test_a_mtu_is_the_bridges_own_and_a_bridge_that_is_down_stays_so() -> None:
    """As an option, bridge-utils would give the MTU to the uplink too; and it brings up whatever it makes."""
    (with_nic, alone) = plan(
        [{**BR0, "mtu": 1400}, {"name": "br1", "mtu": 1400, "up": False, "stp_state": False}]
    )["present"]["stanzas"]
    assert ["mtu", ""] in with_nic["options"]
    assert ["up", "ip link set dev br0 mtu 1400"] in with_nic["options"]
    assert ["mtu", "1400"] in alone["options"]
    assert alone["options"][-1] == ["up", "ip link set dev br1 down"]
