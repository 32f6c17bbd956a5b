# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules of a packet filter name a NIC: by what nft itself tells of rulesets, and by what iptables-save prints."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink import packet_filter
from ansible_collections.hypervisor.network.tests.conftest import needs_root

NFT = """
table inet filter {
    set wan { type ifname; elements = { "eth0", "ppp0" }; }
    chain other { }
    chain eth0 { }
    chain input {
        type filter hook input priority filter; policy drop;
        iifname "lo" accept comment "eth0 is not meant"
        iifname "eth0" tcp dport 22 accept comment "a
        iifname eth0 accept"
        iifname "eth*" udp dport 53 accept
        iifname "eth01" accept
        oifname { "eth0", "br0" } accept
        iifname != "eth0" jump other
        iifname vmap { "eth0" : drop, "br0" : accept }
        iifname . tcp dport { "eth0" . 22 } counter drop
        iifname "ethernet" log prefix "eth0" accept comment "eth0
        iifname \\"eth0\\" drop"
        iifname "lo" goto eth0
    }
}
"""
IPTABLES = """\
*filter
:INPUT DROP [0:0]
-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -i eth+ -j ACCEPT
-A INPUT -i eth01 -j ACCEPT
-A FORWARD ! -o eth0 -j DROP
-A INPUT -m comment --comment "on -i eth0" -j ACCEPT
-A INPUT -m comment --comment "on \\" and
-A INPUT -i eth0 -j DROP
" -j ACCEPT
-A INPUT -m comment --comment eth0 -j ACCEPT
COMMIT
"""


def told(netns: str, ruleset: str) -> str:
    inside = ["ip", "netns", "exec", netns]
    subprocess.run([*inside, "nft", "-f", "-"], input=ruleset, text=True, check=True)
    ask = packet_filter.PROGRAMS[0][1][0]
    return subprocess.run([*inside, *ask], capture_output=True, text=True, check=True).stdout


def test_what_nft_tells(netns: str) -> None:
    needs_root()
    text = told(netns, NFT.replace('\\"', ""))
    assert packet_filter.by_nft("eth0", text) == [
        'set wan of inet filter: "eth0" "ppp0"',
        'iifname "eth0" tcp dport 22 accept',
        'iifname "eth*" udp dport 53 accept',
        'oifname { "br0", "eth0" } accept',
        'iifname != "eth0" jump other',
        'vmap "br0" "eth0"',
        'iifname . tcp dport { "eth0" . 22 } counter drop',
    ]
    assert packet_filter.by_nft("wan", text) == packet_filter.by_nft("filter", text) == []


@pytest.mark.parametrize(
    "comment", ['a\niifname "eth0" accept', 'a" iifname "eth0', "\x00\x1b", "eth0", 'iifname "eth0"\n}']
)  # fmt: skip
def test_a_comment_is_nobodys_rule_whatever_is_in_it(comment: str) -> None:
    match = {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth1"}}
    rule = {"family": "ip", "table": "f", "chain": "c", "comment": comment, "expr": [match, {"log": {"prefix": comment}}, {"accept": None}]}  # fmt: skip
    text = json.dumps({"nftables": [{"rule": rule}]})
    assert packet_filter.by_nft("eth0", text) == []
    assert packet_filter.by_nft("eth1", text) == ['iifname "eth1" log accept']


@pytest.mark.parametrize(
    "text", ["", "Error: syntax error", "[]", "{}", '{"nftables": 7}', '{"nftables": [7, {"rule": 7}, {"rule": {"expr": 7}}, {"x": {}}]}', "[" * 100000]
)  # fmt: skip
def test_what_is_no_ruleset_names_nobody(text: str) -> None:
    assert packet_filter.by_nft("eth0", text) == []


def test_what_iptables_save_prints() -> None:
    assert packet_filter.by_iptables("eth0", IPTABLES) == [
        "-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -i eth+ -j ACCEPT", "-A FORWARD ! -o eth0 -j DROP",
    ]  # fmt: skip


def test_a_name_with_a_patterns_letters_is_a_name() -> None:
    lines = "-A INPUT -i e?h0 -j DROP\n-A INPUT -i e[t]h0 -j DROP\n"
    assert packet_filter.by_iptables("e?h0", lines) == ["-A INPUT -i e?h0 -j DROP"]


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
    path.write_text("-A INPUT -i eth0 -j ACCEPT\n", encoding="ascii")
    groups = [(packet_filter.by_iptables, ((one, str(path)),)) for one in (first, second)]
    assert len(packet_filter.rules("eth0", groups)) == found
