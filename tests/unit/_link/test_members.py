# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge with its ports: who belongs to it, and in which VLANs. The sentences are goldens of bridge_fdb and bridge_mdb."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import members
from ansible_collections.hypervisor.network.tests.harness.model.triplets import snapshot_of

HOST = snapshot_of(
    {
        "links": {
            "br0": {"kind": "bridge", "options": {"vlan_filtering": True}},
            "old0": {"kind": "bridge", "lacks": ["vlan_protocol"]},
            "br1": {"kind": "bridge"},
            "tap1": {"kind": "tun", "master": "br0", "port": {}, "vlans": {"10-12": ""}},
            "eth0": {},
        }
    }
)


def test_a_bridge_comes_first_and_then_its_ports() -> None:
    assert list(members.of(HOST, "br0", "why") or ()) == ["br0", "tap1"]
    assert members.of(HOST, "br9", "why") is None
    with pytest.raises(Refused, match="eth0 is no bridge but a device of kind 'hardware'; why."):
        members.of(HOST, "eth0", "why")


def test_a_device_is_a_port_or_the_bridge_itself() -> None:
    devices, br0 = members.of(HOST, "br0", "why") or {}, HOST.links["br0"]
    assert members.one(HOST, devices, br0, "tap1", "x").name == "tap1"
    assert members.one(HOST, devices, br0, "br0", "x") is br0
    for name, what in (("eth0", "no port of br0"), ("eth9", "no device here")):
        with pytest.raises(Refused, match=f"x: {name} is {what}"):
            members.one(HOST, devices, br0, name, "x")


def test_a_vlan_wants_a_kernel_and_a_bridge_that_look_at_it() -> None:
    members.check_vlan(HOST.links["old0"], None, "x")
    members.check_vlan(HOST.links["br0"], 10, "x")
    with pytest.raises(Unsupported, match="built without VLAN filtering"):
        members.check_vlan(HOST.links["old0"], 10, "x")
    with pytest.raises(Refused, match="br1 does not look at VLANs"):
        members.check_vlan(HOST.links["br1"], 10, "x")


def test_a_vlan_wants_a_port_that_is_a_member() -> None:
    members.check_in_vlan(HOST.links["tap1"], None, "x")
    members.check_in_vlan(HOST.links["tap1"], 11, "x")
    with pytest.raises(Refused, match="tap1 is no member of VLAN 13"):
        members.check_in_vlan(HOST.links["tap1"], 13, "x")


@pytest.mark.parametrize(
    ("vlans", "said"),
    [
        ([None], None),
        ([10, 20], None),
        ([10, 10], "a in 10 is listed twice in 'entries'"),
        ([None, None], "a in None is listed twice in 'entries'"),
        ([10, None], "a in None is listed with a vlan and without one"),
        ([None, 10], "a in None is listed with a vlan and without one"),
    ],
)
def test_an_entry_is_listed_once_in_each_vlan_or_once_for_all(
    vlans: list[int | None], said: str | None
) -> None:
    # what another entry says is its own
    wishes = [{"mac": "a", "vlan": vlan} for vlan in vlans] + [{"mac": "b", "vlan": 30}]
    with pytest.raises(BadInput, match=said) if said else contextlib.nullcontext():
        members.check_listed(
            wishes, lambda wish: (wish["mac"], wish["vlan"]), lambda key: f"{key[0]} in {key[1]}"
        )
