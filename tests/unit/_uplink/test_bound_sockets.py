# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a device alone, in ss's words."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink import bound_sockets

CASES = {
    "bound to the NIC": (
        'udp UNCONN 0 0 0.0.0.0%eth0:123 0.0.0.0:* users:(("chronyd",pid=1,fd=5))',
        ["chronyd (udp 0.0.0.0:123)"],
    ),
    "bound to it in IPv6": (
        'tcp LISTEN 0 128 [::]%eth0:22 [::]:* users:(("sshd",pid=7,fd=3),("systemd",pid=1,fd=9))',
        ["sshd (tcp [::]:22)"],
    ),
    "nobody may know whose": (
        "udp UNCONN 0 0 0.0.0.0%eth0:161 0.0.0.0:*",
        ["a program (udp 0.0.0.0:161)"],
    ),
    "every address of both families": ("tcp LISTEN 0 128 *%eth0:80 *:*", ["a program (tcp *:80)"]),
    "any protocol": (
        '??? UNCONN 0 0 0.0.0.0%eth0:112 0.0.0.0:* users:(("keepalived",pid=2,fd=8))',
        ["keepalived (??? 0.0.0.0:112)"],
    ),
    "another device": ("udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*", []),
    "a device whose name begins alike": ("udp UNCONN 0 0 0.0.0.0%eth0.10:123 0.0.0.0:*", []),
    "no device": ("tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*", []),
    "an address, which moves": ("udp UNCONN 0 0 10.77.0.11:123 0.0.0.0:*", []),
    "a link-local address, which names its device": (
        "udp UNCONN 0 0 [fe80::1]%eth0:123 [::]:*",
        [],
    ),
    "a DHCP client": ('udp UNCONN 0 0 0.0.0.0%eth0:68 0.0.0.0:* users:(("udhcpc",pid=3,fd=5))', []),
    "a DHCPv6 client": ("udp UNCONN 0 0 [::]%eth0:546 [::]:*", []),
    "nothing at all": ("", []),
}


@pytest.mark.parametrize(("text", "found"), CASES.values(), ids=CASES)
def test_among(text: str, found: list[str]) -> None:
    assert bound_sockets.among("eth0", text) == found


def test_nobody_is_found_where_ss_is_missing() -> None:
    assert bound_sockets.bound("eth0", ("none-such",)) == []
