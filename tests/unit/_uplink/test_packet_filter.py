# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules of a packet filter name a NIC, in the words that nft and iptables-save print."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink import packet_filter

NFT = """\
table inet filter {
    set wan {
        type ifname
        elements = { "eth0", "ppp0" }
    }
    chain input {
        type filter hook input priority filter; policy drop;
        iifname "lo" accept comment "eth0 is not meant"
        iifname "eth0" tcp dport 22 accept
        iifname "eth*" udp dport 53 accept
        iif "eth01" accept
        oifname { "eth0", "br0" } accept
        iifname "ethernet" accept comment "eth0"
    }
}
""".replace("    ", "\t")
IPTABLES = """\
*filter
:INPUT DROP [0:0]
-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -i eth+ -j ACCEPT
-A INPUT -i eth01 -j ACCEPT
-A FORWARD ! -o eth0 -j DROP
-A INPUT -m comment --comment "on -i eth0" -j ACCEPT
-A INPUT -m comment --comment eth0 -j ACCEPT
COMMIT
"""


def test_what_nft_prints() -> None:
    assert packet_filter.naming("eth0", NFT) == [
        'elements = { "eth0", "ppp0" }', 'iifname "eth0" tcp dport 22 accept', 'iifname "eth*" udp dport 53 accept', 'oifname { "eth0", "br0" } accept',
    ]  # fmt: skip
    assert packet_filter.naming("wan0", NFT) == []


def test_what_iptables_save_prints() -> None:
    assert packet_filter.naming("eth0", IPTABLES) == [
        "-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -i eth+ -j ACCEPT", "-A FORWARD ! -o eth0 -j DROP",
    ]  # fmt: skip


def test_a_name_with_a_patterns_letters_is_a_name() -> None:
    assert packet_filter.naming("e?h0", 'iifname "e?h0" accept\niifname "e[t]h0" accept\n') == [
        'iifname "e?h0" accept'
    ]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("cat", "false", 1),
        ("none-such", "cat", 1),
        ("false", "cat", 0),
        ("none-such", "none-such", 0),
    ],
)
def test_the_first_that_is_installed_is_asked(
    tmp_path: Path, first: str, second: str, found: int
) -> None:
    path = tmp_path / "rules"
    path.write_text('iifname "eth0" accept\n', encoding="ascii")
    assert (
        len(packet_filter.rules("eth0", (((first, str(path)),), ((second, str(path)),)))) == found
    )
