# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of DHCP clients say of one device, which keeps its lease from going over to another."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.configured import (
    DHCLIENT,
    DHCPCD,
    declared,
    lost,
)

OF_ETH0 = 'interface "eth0" {\n  supersede domain-name-servers 192.0.2.1;\n}\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OF_ETH0, "eth0"),
        ("send host-name = gethostname();\n" + OF_ETH0, "eth0"),
        (OF_ETH0.replace("eth0", "br0"), "br0"),
        (OF_ETH0.replace("eth0", "br0") + OF_ETH0, "eth0"),
        ("interface eth0 { }", "eth0"),
        (OF_ETH0.replace("eth0", "eth1"), None),
        ("".join(f"#{line}\n" for line in OF_ETH0.splitlines()), None),
        # a lease says whose it is, and declares nothing
        ('lease { interface "eth0"; fixed-address 192.0.2.2; }', None),
        ('pseudo "one" "eth0" { }', None),
        ('key "k" { interface "eth0" { } }', None),
        # within words and comments
        ('send host-name "interface \\"eth0\\" {";', None),
        ('# do "not\ninterface "eth0" { }', "eth0"),
        # what nobody closes, or closes once more, is read as far as it goes
        (f'}}}} {OF_ETH0} "', "eth0"),
        ("", None),
    ],
)  # fmt: skip
def test_a_device_that_every_dhclient_serves(text: str, expected: str | None) -> None:
    assert declared({DHCLIENT: text, DHCPCD: OF_ETH0}, ("eth0", "br0")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interface eth0\n  clientid a:b # ours\n", "clientid a:b"),
        ("interface eth0\nmetric 7\niaid 5\n", "iaid 5"),
        ("interface eth0\niaid 5\ninterface br0\niaid 5\n", None),
        ("interface eth0\niaid 5\ninterface br0\niaid 6\n", "iaid 5"),
        ("duid\ninterface eth0\nmetric 7\n\ninterface eth1\niaid 5\n", None),
        ("interface eth0\nssid attic\nclientid a:b\n", None),
        ("", None),
    ],
)
def test_what_dhcpcd_tells_of_the_nic_alone(text: str, expected: str | None) -> None:
    assert lost({DHCPCD: text, DHCLIENT: "interface eth0\niaid 5\n"}, "eth0", "br0") == expected


def test_a_host_without_their_files() -> None:
    assert declared({}, ("eth0",)) is None and lost({}, "eth0", "br0") is None
