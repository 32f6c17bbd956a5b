# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the messages by which links are changed."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._link import messages
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import attributes


def test_attributes_are_padded_to_four_bytes() -> None:
    assert messages.name("tap1") == b"\x09\x00\x03\x00tap1\0\0\0\0"
    assert messages.mac("02:00:00:00:00:01") == b"\x0a\x00\x01\x00\x02\0\0\0\0\x01\0\0"
    assert messages.u32(10, 7) == b"\x08\x00\x0a\x00\x07\0\0\0"


def test_the_options_that_a_change_has_are_listed() -> None:
    after = {"cost": 0, "hairpin": False, "priority": None, "bridge": "br0"}
    assert messages.listed(after, attributes.PORT) == "cost 0, hairpin False"


def test_a_port_waits_for_its_backup() -> None:
    order = [
        Change("update", "port", "tap1", {}, {"backup_port": "tap2"}),
        Change("attach", "port", "tap2", {}, {"bridge": "br0"}),
        Change("create", "bridge", "br0", None, {}),
    ]
    assert [one.name for one in sorted(order, key=messages.in_order)] == ["br0", "tap2", "tap1"]


def test_whose_mac_a_change_may_change() -> None:
    moved = Change("attach", "port", "tap1", {"bridge": "br1"}, {"bridge": "br0"})
    assert messages.with_another_mac(moved) == {"br0", "br1"}
    assert messages.with_another_mac(Change("update", "port", "tap1", {}, {"up": True})) == set()
    assert messages.with_another_mac(Change("update", "tap", "tap1", {}, {"mac": "x"})) == {"tap1"}
    assert messages.with_another_mac(Change("create", "tap", "tap1", None, {"mac": "x"})) == set()
