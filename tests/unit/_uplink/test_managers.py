# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other managers of networks, by what they leave in files; the refusals whole are in test_preflight.py."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import (
    PROGRAMS,
    Traces,
    objections,
    override_of,
    refusal,
    state_file_owner,
)

NM, NETWORKD = "run/NetworkManager/devices/2", "run/systemd/netif/links/2"
MANAGED, CONFIGURED = "[device]\nmanaged=true\n", "ADMIN_STATE=configured\n"


def names(files: dict[str, str], *programs: str, cloud_init: bool = False) -> list[str]:
    return [
        name for name, _why in objections("eth0", Traces(files, frozenset(programs), cloud_init))
    ]


@pytest.mark.parametrize(
    ("files", "programs", "found"),
    [
        ({NM: MANAGED}, (), ["networkmanager"]),
        ({NETWORKD: CONFIGURED}, (), ["networkd"]),
        ({NM: MANAGED, NETWORKD: CONFIGURED}, (), ["networkmanager", "networkd"]),
        ({NM: "managed=false\n"}, (), []),
        ({NETWORKD: "ADMIN_STATE=pending\n"}, (), []),
        (
            {NETWORKD: CONFIGURED, "run/systemd/network/10-netplan-x.network": "Name=eth1 eth0\n"},
            (),
            ["netplan"],
        ),
        (
            {NETWORKD: CONFIGURED, "run/systemd/network/10-netplan-x.network": "Name=eth01\n"},
            (),
            ["networkd"],
        ),
        ({"run/systemd/network/10-netplan-x.network": "Name=eth0\n"}, (), []),
        (
            {
                NM: MANAGED,
                "run/NetworkManager/system-connections/netplan-x": "interface-name=eth0\n",
            },
            (),
            ["netplan"],
        ),
        ({"run/wicked/leaseinfo.eth0.dhcp.ipv4": ""}, ("wickedd",), ["wicked"]),
        ({"etc/sysconfig/network/ifcfg-eth0": ""}, ("wickedd",), ["wicked"]),
        ({"etc/sysconfig/network/ifcfg-eth0": ""}, (), []),
        ({}, ("wickedd",), []),
        ({}, ("connmand",), ["connman"]),
        ({"etc/connman/main.conf": "NetworkInterfaceBlacklist = vmnet,eth\n"}, ("connmand",), []),
        ({}, ("dhcpcd",), ["dhcpcd"]),
        ({"etc/dhcpcd.conf": "denyinterfaces wlan0 eth*\n"}, ("dhcpcd",), []),
        ({"etc/dhcpcd.conf": "allowinterfaces wlan0\n"}, ("dhcpcd",), []),
        ({"etc/dhcpcd.conf": "allowinterfaces eth0\n"}, ("dhcpcd",), ["dhcpcd"]),
        ({"etc/keepalived/keepalived.conf": "  interface eth0\n"}, ("keepalived",), ["keepalived"]),
        ({"etc/keepalived/keepalived.conf": "  interface eth0.10\n# eth0\n"}, ("keepalived",), []),
        ({"etc/keepalived/keepalived.conf": "  interface eth0\n"}, (), []),
    ],
)
def test_who_has_a_hand_in_a_nic(
    files: dict[str, str], programs: tuple[str, ...], found: list[str]
) -> None:
    assert names(files, *programs) == found


def test_cloud_init_counts_where_it_may_write_and_names_the_nic() -> None:
    path = "etc/network/interfaces.d/50-cloud-init"
    assert names({path: "auto eth0\niface eth0 inet dhcp\n"}, cloud_init=True) == ["cloud_init"]
    assert names({path: "iface eth0 inet dhcp\n"}) == []
    assert names({path: "iface eth01 inet dhcp\n"}, cloud_init=True) == []


def test_a_refusal_names_the_cure_and_the_word_that_passes_over_it() -> None:
    assert refusal("eth0", "NetworkManager").endswith("'nmcli device set eth0 managed no'")
    assert (
        override_of("systemd-networkd") == "networkd"
        and override_of("NetworkManager") == "networkmanager"
    )


def test_a_state_file_without_a_word_of_it_belongs_to_nobody() -> None:
    assert state_file_owner({}) is None and state_file_owner({"managed": "unknown"}) is None


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("/usr/sbin/NetworkManager --no-daemon", "NetworkManager"),
        ("connmand -n", "connmand"),
        ("dhcpcd: [manager] [ip4]", "dhcpcd: [manager]"),
        ("dhcpcd: eth0 [ip4]", None),
        ("vim /etc/keepalived.conf", None),
    ],
)
def test_programs_are_known_by_their_titles(title: str, name: str | None) -> None:
    found = PROGRAMS.match(title)
    assert (found and (found["name"] or found["master"])) == name
