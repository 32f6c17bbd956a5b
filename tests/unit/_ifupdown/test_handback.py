# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hand_back: the files are byte for byte as they were before their NIC's bridge."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    CASES,
    LO,
    MORE,
    ROOT,
    edited,
    taken,
)

DHCP = "iface eth0 inet dhcp\n  hostname a\n"


@pytest.mark.parametrize("case", CASES)
def test_hand_back_brings_back_every_byte(case: str) -> None:
    before, options, _after = CASES[case]
    assert edited({ROOT: taken(before, options=options)}, BACK) == {ROOT: before}


def test_a_metric_that_was_changed_since_is_handed_back() -> None:
    there = edited({ROOT: DHCP}, {"take_over": "eth0"}, metrics={"eth0": 1002})
    changed = edited(there, {"options": {"metric": 7}})
    assert edited(changed, BACK)[ROOT] == "iface eth0 inet dhcp\n  metric 7\n  hostname a\n"


def test_a_bridge_in_a_file_of_its_own_goes_back_to_where_the_nic_stands() -> None:
    texts = {
        ROOT: LO + "auto eth0\niface eth0 inet manual\n    mtu 9000\n\n# end\n",
        MORE: "# br\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n    up ip route add 10.0.0.0/8 dev br0\n    up bridge vlan add dev br0 vid 2 self\n",
    }
    assert edited(texts, BACK) == {
        ROOT: LO
        + "auto eth0\niface eth0 inet dhcp\n    up ip route add 10.0.0.0/8 dev eth0\n    mtu 9000\n\n# end\n",
        MORE: "# br\n",
    }


def test_a_bridge_changed_meanwhile_hands_back_what_it_has_now() -> None:
    there = taken("auto eth0\niface eth0 inet dhcp\n")
    changed = edited({ROOT: there}, {"method": "static", "options": {"address": "192.0.2.2/24"}})
    assert (
        edited(changed, BACK)[ROOT]
        == "auto eth0\niface eth0 inet static\n    address 192.0.2.2/24\n"
    )


def test_a_nic_that_was_not_brought_up_is_when_its_bridge_was() -> None:
    text = "iface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n"
    assert edited({ROOT: text}, BACK)[ROOT] == "auto eth0\niface eth0 inet dhcp\n"


def test_hand_back_of_a_bridge_that_is_not_there_does_nothing() -> None:
    assert edited({ROOT: "iface eth0 inet dhcp\n"}, BACK) == {ROOT: "iface eth0 inet dhcp\n"}


@pytest.mark.parametrize(
    ("nic", "after"),
    [
        ("", "iface eth0 inet dhcp\n    mtu 9000\n"),
        ("    mtu 1400\n", "iface eth0 inet dhcp\n    mtu 1400\n"),
    ],
)
def test_the_link_settings_of_the_bridge_are_not_the_nics_but_for_a_missing_mtu(
    nic: str, after: str
) -> None:
    there = taken(
        "iface eth0 inet dhcp\n" + nic, options={"mtu": 9000, "hwaddress": "52:54:00:00:00:01"}
    )
    assert "mtu 9000" in there
    assert edited({ROOT: there}, BACK)[ROOT] == after


BRIDGE = "auto br0\niface br0 inet static\n  address 10.0.0.2/24\n  bridge_ports eth1\n"
PORTED = BRIDGE.replace("eth1", "eth0")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BRIDGE, r"eth0 is no port of br0 on disk \(bridge_ports: eth1\)"),
        (
            BRIDGE.replace("  bridge_ports eth1\n", ""),
            r"eth0 is no port of br0 on disk \(bridge_ports: none\)",
        ),
        (
            "iface eth0 inet static\n  address 10.0.0.9/24\n" + PORTED,
            "eth0 has an address of its own at .*interfaces:1",
        ),
    ],
)
def test_what_can_not_be_given_back_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        edited({ROOT: text}, BACK)


def test_a_nic_without_a_stanza_gets_the_bridges() -> None:
    assert (
        edited({ROOT: PORTED}, BACK)[ROOT]
        == "auto eth0\niface eth0 inet static\n  address 10.0.0.2/24\n"
    )
