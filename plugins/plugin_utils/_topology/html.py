# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The fleet as one self-contained page: its style, its program and its data, and nothing that is asked of anybody else.

The page forbids itself every request by its own policy, and lets no program run but the one whose hash is in it. The data is JSON that no
browser reads as markup, and the program puts it into the page as text.

Who lays out: others, and no coordinate is ours. The page is the browser's CSS grid and flexbox, which its makers keep and which reflows on a phone and on
paper; a library of npm's would be code of somebody's in each page that was ever sent along, which nobody brings up to date there. The svg is Graphviz'
(svg.py), Mermaid lays out its own. What page.js tells the browser is how many characters a name has, from which CSS has rows or columns.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.looks import SIGNS
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import (
    Fleet,
    Host,
    Node,
)

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{style_hash}'; script-src '{program_hash}'; base-uri 'none'; \
form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Network topology</title>
<style>{style}</style>
</head>
<body>
<noscript>This page draws itself by its own script, which is switched off here. It asks nobody for anything: \
allow it, or have the picture drawn as svg.</noscript>
<script type="application/json" id="fleet">{data}</script>
<script>{program}</script>
</body>
</html>
"""


def page(fleet: Fleet, style: str, program: str) -> str:
    """The page's text; C(style) and C(program) are the collection's own."""
    data = {
        "signs": SIGNS,
        "tenants": [{"name": one.name, "number": one.number} for one in fleet.tenants],
        "hosts": [_host(host) for host in fleet.hosts],
    }
    return _PAGE.format(
        style=style,
        program=program,
        style_hash=_hash(style),
        program_hash=_hash(program),
        data=_json(data),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(data: Any) -> str:
    """JSON in which there is no character that begins markup or an entity."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _host(host: Host) -> dict[str, Any]:
    numbers = {key: number for number, key in enumerate(host.nodes)}
    return _without_empty(
        {
            "name": host.name,
            "trouble": host.trouble,
            "nodes": [_node(node) for node in host.nodes.values()],
            "edges": [
                [numbers[one.source], numbers[one.target], one.label, one.mark]
                for one in host.edges
            ],
        }
    )


def _node(node: Node) -> dict[str, Any]:
    said = _without_empty({key: value for key, value in vars(node).items() if key != "key"})
    return {**said, "name": node.name}


def _without_empty(said: dict[str, Any]) -> dict[str, Any]:
    """What is not said needs no room: there are thousands of nodes."""
    return {key: value for key, value in said.items() if value not in ("", None, (), [])}
