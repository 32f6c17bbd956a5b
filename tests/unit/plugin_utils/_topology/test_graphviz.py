# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture in Graphviz' language, whatever names are in it. That Graphviz reads it, and what it makes of it: tests/integration/test_topology.py."""

from __future__ import annotations

import re

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import build
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.graphviz import dot
from ansible_collections.hypervisor.network.tests.harness.model import pictured

# A line outside of quoted strings: words, numbers, brackets and arrows, and no more
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LEFT = re.compile(r"[\w\s=\[\]{},.>-]*")


def test_a_small_fleet() -> None:
    text = dot(build.fleet({"hv1": pictured.host(9, odd=False)}))
    assert text.startswith("digraph topology {") and text.endswith("}\n")
    assert 'label="hv1"' in text
    assert re.search(r'h0n\d+ \[label="vm0000\\n■ blue", shape=box, fillcolor="#f5c76b"\]', text)
    assert re.search(r'h0n\d+ -> h0n\d+ \[label="VLAN 10"\]', text)


def test_what_is_missing_is_dashed_and_what_is_surplus_says_so() -> None:
    text = dot(build.fleet({"hv1": pictured.host(9)}))
    missing = re.search(r'label="vm0006\\nmissing.*', text)
    assert missing and 'style="dashed,filled"' in missing[0]
    surplus = re.search(r'label="vm0008\\nsurplus.*', text)
    assert surplus and "peripheries=2" in surplus[0]


def test_the_way_that_is_surplus_is_bold_and_the_missing_one_dashed() -> None:
    host = pictured.host(1, odd=False)
    host["wish"]["taps"] = [{"name": "tap0", "bridge": "br-idle"}]
    host["wish"]["tenants"] = []
    text = dot(build.fleet({"hv1": host}))
    assert '[label="VLAN 10\\nsurplus", style=bold, color="#b00020"]' in text
    assert '[style=dashed, color="#b00020"]' in text


def test_a_host_that_did_not_answer_is_a_box_by_itself() -> None:
    text = dot(build.fleet({"hv1": {"info": {"msg": "No route"}}}))
    assert 'label="hv1\\nIt did not answer: No route"' in text and "nothing is known" in text


def test_names_stay_within_their_quotes() -> None:
    text = dot(build.fleet(pictured.hostile()))
    assert all(
        _LEFT.fullmatch(_STRING.sub("", line).replace("#", "")) for line in text.splitlines()
    )
    assert "\u202e" not in text and "&lt;b" not in text.replace("&amp;lt;b", "")
    # backslash N is the node's own name to Graphviz
    assert "\\\\N\\\\l&amp;lt;" in text
