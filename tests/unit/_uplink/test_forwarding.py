# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a packet filter drops what a bridge passes on: by what nft itself tells of rulesets, and by what iptables prints."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import forwarding
from ansible_collections.hypervisor.network.tests.conftest import needs_root

ON = ("iptables", "ip6tables")
RULESETS: dict[str, tuple[str, tuple[str, ...], list[str]]] = {
    "a policy": ("table inet f { chain fw { type filter hook forward priority 10; policy drop; }; }", ON, ["inet f fw"]),
    "not handed over": ("table inet f { chain fw { type filter hook forward priority 0; policy drop; }; }", (), []),
    "IPv6 alone": ("table inet f { chain fw { type filter hook forward priority 0; policy drop; }; }", ("ip6tables",), ["inet f fw"]),
    "another family": ("table ip6 f { chain fw { type filter hook forward priority 0; policy drop; }; }", ("iptables",), []),
    "family bridge": ("table bridge f { chain fw { type filter hook forward priority 0; policy drop; }; }", (), ["bridge f fw"]),
    "established": (
        "table ip f { chain fw { type filter hook forward priority 0; policy drop; ct state established accept; }; }", ON, ["ip f fw"],
    ),
    "the last rule": ("table ip f { chain fw { type filter hook forward priority 0; tcp dport 22 accept; counter drop; }; }", ON, ["ip f fw"]),
    "the last rule rejects": ("table inet f { chain fw { type filter hook forward priority 0; log prefix x reject; }; }", ON, ["inet f fw"]),
    "some are dropped": ("table inet f { chain fw { type filter hook forward priority 0; tcp dport 25 drop; }; }", ON, []),
    "the bridge is accepted": (
        "table inet f { chain fw { type filter hook forward priority 0; policy drop; iifname br0 oifname br0 accept; }; }", ON, [],
    ),
    "bridges are accepted": ('table ip f { chain fw { type filter hook forward priority 0; policy drop; iifname { "br0", "x" } accept; }; }', ON, []),
    "by a pattern": ('table ip f { chain fw { type filter hook forward priority 0; policy drop; iifname "br*" accept; }; }', ON, []),
    "another is accepted": ("table ip f { chain fw { type filter hook forward priority 0; policy drop; iifname br1 accept; }; }", ON, ["ip f fw"]),
    "all but it is accepted": ("table ip f { chain fw { type filter hook forward priority 0; policy drop; iifname != br0 accept; }; }", ON, ["ip f fw"]),
    "all is accepted": ("table ip f { chain fw { type filter hook forward priority 0; policy drop; accept; }; }", ON, []),
    "a chain that is jumped to": (
        "table ip f { chain u { drop; }; chain fw { type filter hook forward priority 0; jump u; }; }", ON, ["ip f fw"],
    ),
    "one that returns": (
        "table ip f { chain u { return; }; chain fw { type filter hook forward priority 0; jump u; accept; }; }", ON, [],
    ),
    "other hooks": ("table ip f { chain i { type filter hook input priority 0; policy drop; }; }", ON, []),
    "routing": ("table ip f { chain n { type nat hook postrouting priority 0; }; }", ON, []),
    "none": ("", ON, []),
}  # fmt: skip


@pytest.mark.parametrize("case", RULESETS)
def test_what_nft_tells_of_it(case: str, netns: str) -> None:
    needs_root()
    ruleset, called, chains = RULESETS[case]
    inside = ["ip", "netns", "exec", netns]
    subprocess.run([*inside, "nft", "-f", "-"], input=ruleset, text=True, check=True)
    told = subprocess.run(
        [*inside, *forwarding.NFT], capture_output=True, text=True, check=True
    ).stdout
    found = forwarding.drops_by_nft(told, called, "br0")
    assert found == [f"nftables' chain {one}" for one in chains]


@pytest.mark.parametrize(
    "text",
    ["", "Error: JSON support not compiled-in", "[]", "{}", '{"nftables": 1}', '{"nftables": [1]}', '{"nftables": [{"rule": {"expr": 7}}]}'],
)  # fmt: skip
def test_what_is_no_ruleset_tells_nothing(text: str) -> None:
    assert forwarding.drops_by_nft(text, ON, "br0") == []


def test_rules_of_modules_that_nft_does_not_know() -> None:
    chain = {"family": "ip", "table": "filter", "name": "FORWARD", "type": "filter", "hook": "forward", "policy": "drop"}  # fmt: skip

    def told(match: Any) -> str:
        rule = {"family": "ip", "table": "filter", "chain": "FORWARD", "expr": [match, {"accept": None}]}  # fmt: skip
        return json.dumps({"nftables": [{"chain": chain}, {"rule": rule}]})

    accepted = told({"xt": {"type": "match", "name": "physdev"}})
    assert forwarding.drops_by_nft(accepted, ON, "br0") == []
    other = told({"xt": {"type": "match", "name": "conntrack"}})
    assert forwarding.drops_by_nft(other, ON, "br0") == ["nftables' chain ip filter FORWARD"]


@pytest.mark.parametrize(
    ("lines", "drops"),
    [
        (["-P FORWARD DROP"], True),
        (["-P FORWARD ACCEPT"], False),
        (["-P FORWARD ACCEPT", "-A FORWARD -i br1 -j ACCEPT", "-A FORWARD -j DROP"], True),
        (["-P FORWARD ACCEPT", "-A FORWARD -j REJECT --reject-with icmp-port-unreachable"], True),
        (["-P FORWARD ACCEPT", "-A FORWARD -p tcp -j DROP"], False),
        (["-P FORWARD DROP", "-A FORWARD -i br0 -o br0 -j ACCEPT"], False),
        (["-P FORWARD DROP", "-A FORWARD -m physdev --physdev-is-bridged -j ACCEPT"], False),
        (["-P FORWARD DROP", "-A FORWARD ! -i br0 -j ACCEPT"], True),
        (["-P FORWARD DROP", "-A FORWARD -i br0 -p tcp -j ACCEPT"], True),
        (["-P FORWARD DROP", "-A FORWARD -j ACCEPT"], False),
        (["-P FORWARD DROP", "-A FORWARD -j DOCKER-USER", "noise"], True),
    ],
)
def test_what_iptables_prints(lines: list[str], drops: bool) -> None:
    assert forwarding.drops_by_iptables("\n".join(lines), "br0") is drops


@pytest.mark.parametrize(
    ("sysctl", "option", "found"),
    [("1", False, 1), ("0", False, 0), ("0", True, 1), (None, False, 0), (None, True, 1)],
)
def test_a_bridge_that_hands_frames_over_by_itself_counts_as_well(
    tmp_path: Path, sysctl: str | None, option: bool, found: int
) -> None:
    if sysctl is not None:
        path = tmp_path / "sys/net/bridge/bridge-nf-call-iptables"
        path.parent.mkdir(parents=True)
        path.write_text(f"{sysctl}\n", encoding="ascii")
    chain = {"family": "ip", "table": "f", "name": "fw", "type": "filter", "hook": "forward", "policy": "drop"}  # fmt: skip
    nft = tmp_path / "nft"
    nft.write_text(f"#!/bin/sh\necho '{json.dumps({'nftables': [{'chain': chain}]})}'\n")
    nft.chmod(nft.stat().st_mode | stat.S_IXUSR)
    bridge = Link("br0", 5, "bridge", options={"nf_call_iptables": option})
    told = forwarding.dropping("br0", bridge, str(tmp_path), (str(nft),))
    assert [one for one in told if "fw" in one] == ["nftables' chain ip f fw"] * found
    missing = forwarding.dropping("br0", None, str(tmp_path), (str(tmp_path / "none"),))
    assert [one for one in missing if "nftables" in one] == []
