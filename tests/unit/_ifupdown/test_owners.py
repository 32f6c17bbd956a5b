# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC that somebody else has is refused, with the file and the line that say so as they are on disk."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    ROOT,
    edited,
)

NIC = "auto eth0\niface eth0 inet dhcp\n"
TAKE: dict[str, Any] = {"take_over": "eth0", "method": "dhcp"}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        (NIC + "iface bond0 inet manual\n bond-slaves eth0 eth1\n", 4, "bond bond0"),
        (NIC + "iface bond0 inet manual\n slaves eth1 eth0\n", 4, "bond bond0"),
        ("iface eth0 inet manual\n bond-master bond0\n", 2, "bond bond0"),
        ("iface eth0 inet manual\n ovs_type OVSPort\n ovs_bridge ovs0\n", 2, "Open vSwitch"),
        ("iface eth0 inet manual\n ovs_bridge ovs0\n", 2, "ovs0"),
        (NIC + "iface ovs0 inet manual\n ovs_ports eth0 eth1\n", 4, "Open vSwitch ovs0"),
        (NIC + "iface br1 inet manual\n bridge_ports eth1 eth0\n", 4, "br1"),
        (NIC + "iface br1 inet manual\n bridge-ports regex eth.*\n", 4, "br1"),
        (NIC + "iface br1 inet manual\n bridge_ports regex if.0 (eth|vif).*\n", 4, "br1"),
        (NIC + "iface br1 inet manual\n bridge_ports all\n", 4, "br1"),
        (NIC + "iface br1 inet manual\n bridge_ports regex x noregex eth0\n", 4, "br1"),
        ("iface eth0 inet dhcp\n wpa-ssid home\n", 2, "wireless"),
        ("iface eth0 inet dhcp\n wireless-essid home\n", 2, "wireless"),
        ("iface eth0 inet dhcp\n vrf mgmt\n", 2, "mgmt"),
        ("iface eth0 inet manual\n up ip link set $IFACE master br7\n", 2, "br7"),
        (NIC + "iface br7 inet manual\n up brctl addif br7 eth0\n", 4, "br7"),
        (NIC + "\n# c\niface eth1 inet manual inherits eth0\n", 5, "inherits"),
        ("mapping eth0\n script /bin/x\niface home inet static\n address 192.0.2.2/24\n", 1, "mapping"),
        ("mapping eth*\n script /bin/x\n" + NIC, 1, "mapping"),
        ("auto eth0=home\niface home inet static\n address 192.0.2.2/24\n", 1, "home"),
        ("auto /eth*=home\niface home inet dhcp\n", 1, "home"),
        ("rename eth0=lan0\n" + NIC, 1, "renames"),
    ],
)  # fmt: skip
def test_a_nic_that_somebody_has_is_refused(text: str, line: int, word: str) -> None:
    with pytest.raises(Refused) as caught:
        edited({ROOT: text}, TAKE)
    assert f"{ROOT}:{line}" in str(caught.value) and word in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        NIC + "iface br1 inet manual\n bridge_ports regex veth.*\n",
        NIC + "iface br1 inet manual\n bridge_ports regex (\n",
        NIC + "iface br1 inet manual\n bridge_ports none\n up ip link set $IFACE master vrf0\n",
        NIC + "iface bond0 inet manual\n bond-slaves none\n",
        NIC + "iface br0 inet manual\n bridge_ports all\n",
        NIC + "iface eth1 inet manual\n up ip link set eth1 master br7\n",
        "mapping eth1\n script /bin/x\n" + NIC,
        "rename mac/02:00:00:00:00:01=eth0\n" + NIC,
        "auto eth0=eth0\niface eth0 inet dhcp\n",
    ],
)
def test_what_only_looks_like_an_owner_is_none(text: str) -> None:
    assert "iface br0 inet dhcp" in edited({ROOT: text}, TAKE)[ROOT]


def test_a_bond_keeps_its_slaves_when_its_address_goes_to_a_bridge() -> None:
    text = "auto bond0\niface bond0 inet dhcp\n    slaves eth0 eth1\n    ovs_extra x\n    bond-mode 1\n"
    there = edited({ROOT: text}, {"take_over": "bond0"})
    nic, bridge = there[ROOT].split("auto br0")
    assert "slaves eth0 eth1\n    ovs_extra x\n    bond-mode 1" in nic
    assert [line for line in bridge.splitlines() if line.strip()[:1] not in ("", "#")][1:] == [
        "    bridge_ports bond0"
    ]
    assert edited(there, {**BACK, "hand_back": "bond0"})[ROOT] == text


def test_numbers_are_those_of_the_file_that_is_on_the_disk() -> None:
    text = "iface eth0 inet dhcp\n\niface eth1 inet dhcp\n\niface br1 inet manual\n bridge_ports eth1\n"
    items = [TAKE, {"name": "br2", "take_over": "eth1", "method": "dhcp"}]
    with pytest.raises(Refused) as caught:
        edited({ROOT: text}, *items)
    assert f"{ROOT}:6" in str(caught.value)


def test_a_port_that_is_only_listed_is_looked_at_too() -> None:
    text = "iface bond0 inet manual\n bond-slaves eth0 eth1\n"
    with pytest.raises(Refused, match=f"{ROOT}:2"):
        edited({ROOT: text}, {"method": "manual", "options": {"bridge_ports": "eth7 eth1"}})
    assert (
        "bond0"
        in edited({ROOT: text}, {"method": "manual", "options": {"bridge_ports": "bond0"}})[ROOT]
    )


@pytest.mark.parametrize("ports", ["none", "all", "regex eth.*", "regex x.* noregex none"])
def test_what_is_no_name_in_bridge_ports_is_nobodys_port(ports: str) -> None:
    other = f"auto br1\niface br1 inet manual\n bridge_ports {ports}\n"
    item = {"name": "br2", "method": "manual", "options": [["bridge_ports", ports]]}
    assert "iface br2" in edited({ROOT: other}, item)[ROOT]
