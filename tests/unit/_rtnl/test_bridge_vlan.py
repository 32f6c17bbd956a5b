# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs in messages to a bridge, and in its dump."""

from __future__ import annotations

import struct

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import bridge_vlan, nla


def test_a_driver_that_bridges_by_itself_is_not_a_port() -> None:
    own = struct.pack("=BxHiII", 7, 1, 2, 0, 0) + nla.attribute(
        26, nla.attribute(0, b"\2\0") + nla.attribute(2, struct.pack("=HH", 0, 9))
    )
    assert bridge_vlan.decode([own], {2: "eth0"}) == {}


def test_a_range_is_two_attributes_and_the_bridge_itself_is_named() -> None:
    body = bridge_vlan.request(7, [(3, 3, "pvid untagged"), (100, 199, "tagged")], own=True)
    vlans = (
        nla.attribute(2, struct.pack("=HH", flags, vid))
        for flags, vid in ((6, 3), (8, 100), (16, 199))
    )
    assert body == struct.pack("=BxHiII", 7, 0, 7, 0, 0) + nla.attribute(
        26, nla.attribute(0, b"\2\0") + b"".join(vlans)
    )


@pytest.mark.parametrize(
    "vlans",
    [
        {},
        {"1": "pvid untagged"},
        {"3": "untagged", "5": "pvid tagged", "100-199": "tagged", "300-301": "untagged"},
    ],
)
def test_what_is_asked_for_is_what_a_dump_of_it_says(vlans: dict[str, str]) -> None:
    body = bridge_vlan.request(2, vlan_words.ranges(vlans), own=False)
    assert dict(bridge_vlan.decode([body], {2: "tap1"})["tap1"]) == vlans
    assert bridge_vlan.decode([body], {3: "tap1"}) == {}, "a device of another namespace"


def test_what_is_no_vlan_in_a_dump_is_passed_over() -> None:
    tunnel, vlan = nla.attribute(1, b"1234"), nla.attribute(2, struct.pack("=HH", 0, 9))
    body = struct.pack("=BxHiII", 7, 1, 2, 0, 0) + nla.attribute(26, tunnel + vlan)
    assert dict(bridge_vlan.decode([body], {2: "tap1"})["tap1"]) == {"9": "tagged"}
