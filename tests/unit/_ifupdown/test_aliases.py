# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eth0:1 follows eth0 to its bridge and back, byte by byte, and is brought up after it; what is made upon a bridge is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    ROOT,
    edited,
)

TAKE = {"take_over": "eth0"}
STANZA = "iface eth0 inet dhcp\n"
ALIAS = "iface eth0:1 inet static\n    address 192.0.2.11/24\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "auto eth0 eth0:1\n" + STANZA + ALIAS,
            "auto eth0 br0 br0:1\niface eth0 inet manual\n\niface br0 inet dhcp\n    bridge_ports eth0\n"
            "iface br0:1 inet static\n    address 192.0.2.11/24\n",
        ),
        (
            "auto eth0\n" + STANZA + "auto eth0:1\n" + ALIAS,
            "auto eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\nauto br0:1\n"
            "iface br0:1 inet static\n    address 192.0.2.11/24\n",
        ),
        (
            "allow-hotplug eth0 eth0:1\n" + STANZA + ALIAS,
            "allow-hotplug eth0 br0:1\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\nallow-auto br0:1\n"
            "iface br0:1 inet static\n    address 192.0.2.11/24\n",
        ),
    ],
    ids=["one line", "lines of their own", "by hotplug"],
)
def test_an_alias_follows_its_device_and_comes_back(before: str, after: str) -> None:
    there = edited({ROOT: before}, TAKE)
    assert there[ROOT] == after
    assert edited(there, BACK)[ROOT] == before


LINES = st.lists(
    st.sampled_from(
        ["auto eth0", "auto eth0:1", "auto eth0:1\teth0  eth0:2", "allow-hotplug eth0:1", "", "# c"]
    ),
    max_size=4,
)


@settings(max_examples=120, deadline=None)
@given(LINES, LINES, st.booleans())
def test_any_order_of_names_comes_back(head: list[str], tail: list[str], first: bool) -> None:
    stanzas = [
        STANZA,
        ALIAS,
        ALIAS.replace(":1", ":2") + "    up ip route add default dev eth0:2\n",
    ]
    body = "".join(stanzas if first else reversed(stanzas))
    text = "".join(f"{line}\n" for line in head) + body + "".join(f"{line}\n" for line in tail)
    there = edited({ROOT: text}, TAKE)
    assert "eth0:" not in there[ROOT]
    assert edited(there, BACK)[ROOT] == text


def test_an_alias_that_an_older_conversion_left_behind_follows_now() -> None:
    text = (
        "iface eth0 inet manual\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\nauto eth0:1\n"
        + ALIAS
    )
    assert "auto br0:1\niface br0:1 inet static" in edited({ROOT: text}, TAKE)[ROOT]


def test_an_alias_of_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(Refused, match=f"br0:1.*{ROOT}:4"):
        edited({ROOT: STANZA + ALIAS + ALIAS.replace("eth0", "br0")}, TAKE)


def test_an_alias_stanza_is_edited_and_removed_by_its_name() -> None:
    text = "auto eth0 eth0:1\n" + STANZA + ALIAS
    changed = edited({ROOT: text}, {"name": "eth0:1", "options": {"address": "192.0.2.12/24"}})
    assert changed[ROOT] == text.replace("192.0.2.11", "192.0.2.12")
    gone = edited({ROOT: text}, {"name": "eth0:1", "state": "absent"})
    assert gone[ROOT] == "auto eth0\n" + STANZA


BRIDGE = "auto br0\niface br0 inet dhcp\n    bridge_ports eth0\n"


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("iface br0.5 inet dhcp\n", 4),
        ("iface vlan5 inet dhcp\n    vlan-raw-device br0\n", 5),
        ("iface br1 inet dhcp\n    bridge_ports br0\n", 5),
        ("iface v5 inet manual\n    pre-up ip link add link br0 name v5 type vlan id 5\n", 5),
        ("iface br9 inet dhcp inherits br0\n", 4),
    ],
)
def test_what_stands_upon_a_bridge_that_goes_is_refused_with_its_line(more: str, line: int) -> None:
    with pytest.raises(Refused, match=f"{ROOT}:{line}"):
        edited({ROOT: BRIDGE + more}, BACK)


def test_what_names_a_bridge_and_is_not_upon_it_does_not_hinder_its_way_back() -> None:
    text = (
        BRIDGE + "iface br0x inet manual\niface t1 inet manual\n    up ip link set t1 master br0\n"
    )
    assert "iface eth0 inet dhcp" in edited({ROOT: text}, BACK)[ROOT]
