# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's text. What a browser makes of it: tests/integration/test_topology.py."""

from __future__ import annotations

import json
import re

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import build
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.html import page
from ansible_collections.hypervisor.network.tests.harness.model import pictured


def data(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="fleet">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_data_is_whole_and_says_nothing_twice() -> None:
    text = page(build.fleet({"hv1": pictured.host(9, odd=False)}), "", "")
    (host,) = data(text)["hosts"]
    assert host["name"] == "hv1" and "trouble" not in host
    guest = next(node for node in host["nodes"] if node["name"] == "vm0000")
    assert (guest["kind"], guest["tenant"], guest["vlans"]) == ("guest", "blue", ["10"])
    assert "mark" not in guest and "findings" not in guest and "key" not in guest
    source, target, label, mark = host["edges"][0]
    assert host["nodes"][source]["name"] == "bond0" and host["nodes"][target]["name"] == "br0"
    assert label.startswith("VLAN 1") and mark == ""


def test_a_name_begins_no_markup_wherever_it_stands() -> None:
    text = page(build.fleet(pictured.hostile()), "", "")
    assert len(re.findall("<script", text)) == 2 and "<img" not in text and "&lt;b" not in text
    names = [node["name"] for node in data(text)["hosts"][0]["nodes"]]
    assert "</script><img src=x onerror=alert(2)>" in names, "the name itself is whole"


def test_no_line_end_of_javascripts_gets_out_of_the_data() -> None:
    assert "\u2028" not in page(build.fleet({"a\u2028b": None}), "", "")


def test_the_page_lets_only_its_own_program_and_style_in() -> None:
    text = page(build.fleet({}), "p{}", "1")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy and policy[1] == (
        # sha256sum of "p{}" and of "1"
        "default-src 'none'; style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='; "
        "script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='; base-uri 'none'; form-action 'none'"
    )
