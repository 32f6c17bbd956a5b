# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""take_over: a NIC's stanzas become its bridge's; the way back is in test_handback.py."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    CASES,
    LO,
    MORE,
    ROOT,
    edited,
    taken,
)


@pytest.mark.parametrize("case", CASES)
def test_take_over_splits_each_stanza_where_it_stands(case: str) -> None:
    before, options, after = CASES[case]
    assert taken(before, options=options) == after


OPTIONS = st.lists(
    st.sampled_from(
        [
            "address 192.0.2.2/24",
            "gateway 192.0.2.1",
            "mtu 9000",
            "up ethtool -K eth0 tso off",
            "up ip route add default dev eth0",
            "# note",
        ]
        + [
            "up /opt/x eth0",
            "down ip addr flush dev eth0",
            "hwaddress 52:54:00:00:00:01",
            "dns-search a",
            "",
            "auto",
            "up a \\\n b",
            "x y",
        ]
    ),
    max_size=7,
)
STANZAS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "eth0 inet static",
                "eth0 inet6 static",
                "eth0 inet dhcp",
                "eth1 inet dhcp",
                "lo inet loopback",
            ]
        ),
        OPTIONS,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(
    STANZAS,
    st.sampled_from(["", "auto eth0\n", "# c\n\nallow-hotplug eth0 eth1\n"]),
    st.sampled_from(["\n", "\n\n", ""]),
    st.sampled_from([{}, {"eth0": 1002}]),
)
def test_there_and_back_again_is_where_it_began(
    stanzas: list[tuple[str, list[str]]], head: str, end: str, metrics: dict[str, int]
) -> None:
    body = "\n".join("\n    ".join([f"iface {header}", *options]) for header, options in stanzas)
    text = head + body + "\niface eth0 inet static\n    address 192.0.2.9/24" + end
    there = edited(
        {ROOT: text},
        {"take_over": "eth0", "options": {"bridge_stp": False}},
        validate=False,
        metrics=metrics,
    )
    assert there[ROOT] != text
    assert edited(there, BACK)[ROOT] == text


NOTE = "# metric 1002 as on eth0: dhcpcd would number it by the index of br0"
DHCP = "iface eth0 inet dhcp\n  hostname a\n"
TAKEN = "iface eth0 inet manual\n\niface br0 inet dhcp\n"


@pytest.mark.parametrize(
    ("before", "item", "metrics", "after"),
    [
        (
            DHCP,
            {},
            {"eth0": 1002},
            TAKEN + f"  {NOTE}\n  metric 1002\n  hostname a\n  bridge_ports eth0\n",
        ),
        (
            DHCP,
            {},
            {"br0": 1002, "eth0": 50},
            TAKEN + f"  {NOTE}\n  metric 1002\n  hostname a\n  bridge_ports eth0\n",
        ),
        (DHCP, {}, {"eth1": 1003}, TAKEN + "  hostname a\n  bridge_ports eth0\n"),
        (
            DHCP,
            {"options": {"metric": 7}},
            {"eth0": 1002},
            TAKEN + "  hostname a\n  bridge_ports eth0\n  metric 7\n",
        ),
        (
            DHCP + "  metric 9\n",
            {},
            {"eth0": 9},
            TAKEN + "  hostname a\n  metric 9\n  bridge_ports eth0\n",
        ),
        (
            DHCP,
            {"method": "static", "options": {"address": "192.0.2.2/24"}},
            {"eth0": 1002},
            "iface eth0 inet manual\n\niface br0 inet static\n    bridge_ports eth0\n    address 192.0.2.2/24\n",
        ),
        (
            "iface eth0 inet6 dhcp\n  hostname a\n",
            {},
            {"eth0": 1002},
            "iface eth0 inet manual\n\niface br0 inet6 dhcp\n  hostname a\n  bridge_ports eth0\n",
        ),
    ],
    ids=[
        "the NIC's",
        "once converted",
        "another NIC's",
        "given",
        "written already",
        "no longer DHCP",
        "IPv6 has no such option",
    ],
)
def test_the_metric_of_a_lease_is_written_down(
    before: str, item: dict[str, Any], metrics: dict[str, int], after: str
) -> None:
    assert edited({ROOT: before}, {"take_over": "eth0", **item}, metrics=metrics) == {ROOT: after}


def test_method_and_options_go_over_what_was_taken_over() -> None:
    text = "auto eth0\niface eth0 inet static\n  address 192.0.2.2/24\n  gateway 192.0.2.1\n  mtu 9000\n  dns-search a\n"
    assert taken(text, method="dhcp", options={"dns-search": "b"}) == (
        "auto eth0\niface eth0 inet manual\n  mtu 9000\n\nauto br0\niface br0 inet dhcp\n  # stays with eth0: mtu 9000\n  dns-search b\n  bridge_ports eth0\n"
    )


def test_hooks_are_added_to_those_that_moved_and_an_address_given_replaces_all() -> None:
    text = "iface eth0 inet static\n  address 192.0.2.2/24\n  up ip route add 10.0.0.0/8 dev eth0\n  up ip addr add 192.0.2.3/24 dev eth0\n"
    options = [["address", "192.0.2.9/24"], ["up", "ip address add 192.0.2.10/24 dev br0"]]
    assert taken(text, method="static", options=options) == (
        "iface eth0 inet manual\n\niface br0 inet static\n  address 192.0.2.9/24\n  up ip route add 10.0.0.0/8 dev br0\n"
        "  up ip address add 192.0.2.10/24 dev br0\n  bridge_ports eth0\n"
    )


def test_an_item_for_each_family_is_one_take_over() -> None:
    text = "auto eth0\niface eth0 inet dhcp\n"
    items = [
        {
            "take_over": "eth0",
            "family": "inet",
            "method": "static",
            "options": {"address": "192.0.2.2/24", "bridge_ports": "eth0"},
        },
        {
            "take_over": "eth0",
            "family": "inet6",
            "method": "static",
            "options": {"address": "2001:db8::2/64"},
        },
    ]
    assert edited({ROOT: text}, *items)[ROOT] == (
        "auto eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet static\n    address 192.0.2.2/24\n    bridge_ports eth0\n\n"
        "iface br0 inet6 static\n    address 2001:db8::2/64\n"
    )


def test_a_nic_that_no_file_knows_becomes_manual_and_the_bridge_what_is_given() -> None:
    assert taken(LO, method="dhcp", auto=True) == (
        LO + "\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n"
    )


def test_a_bridge_that_was_there_without_an_address_keeps_its_options() -> None:
    text = "auto eth0\niface eth0 inet dhcp\n\nauto br0\niface br0 inet manual\n    bridge_ports none\n    bridge_stp on\n"
    assert taken(text, options={"bridge_stp": False}) == (
        "auto eth0\niface eth0 inet manual\n\niface br0 inet dhcp\n    bridge_ports eth0\n    bridge_stp off\n\nauto br0\n"
    )


def test_the_nics_file_is_edited_and_not_the_root() -> None:
    texts = {ROOT: "source interfaces.d/*\n" + LO, MORE: "auto eth0\niface eth0 inet dhcp\n"}
    there = edited(texts, {"take_over": "eth0"})
    assert there[ROOT] == texts[ROOT] and "iface br0 inet dhcp" in there[MORE]
    assert edited(there, BACK) == texts
