# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture in Mermaid's language: every line is one of a few forms, whatever names are in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import build
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.mermaid import mermaid
from ansible_collections.hypervisor.network.tests.harness.model import pictured

# Of Mermaid's flowchart, what is used here. A quoted text has no character of its syntax but the entities, and line breaks
_TEXT = r'"(?:[^"#&<>`\\;{}%$]|\#\d+;|<br/>)*"'
_FORMS = re.compile(
    rf"""flowchart\ LR
    | \ \ subgraph\ h\d+\[{_TEXT}\] | \ \ \ \ direction\ LR | \ \ end
    | \ \ \ \ h\d+n\d*(?:\[{_TEXT}\]|\[\[{_TEXT}\]\]|\[/{_TEXT}/\]|\({_TEXT}\))
    | \ \ \ \ h\d+n\d+\ (?:---|-\.-|===)(?:\|{_TEXT}\|)?\ h\d+n\d+
    | \ \ class\ h\d+n\d+\ \w+ | \ \ classDef\ \w+\ [\w:,\#-]+""",
    re.VERBOSE,
)


@pytest.mark.parametrize("fleet", [pictured.fleet(2, 9), pictured.hostile(), {}])
def test_every_line_has_a_form_of_mermaids(fleet: dict) -> None:
    text = mermaid(build.fleet(fleet))
    assert [line for line in text.splitlines() if not _FORMS.fullmatch(line)] == []


def test_a_guest_has_its_tenants_colour_and_sign() -> None:
    text = mermaid(build.fleet({"hv1": pictured.host(9, odd=False)}))
    guest = re.search(r'(h0n\d+)\("vm0000<br/>■ blue"\)', text)
    assert guest and f"  class {guest[1]} t1\n" in text and "classDef t1 fill:#f5c76b" in text


@pytest.mark.parametrize(
    ("name", "word"), [("vm0006", "missing"), ("vm0008", "surplus"), ("vm0004", "wrong")]
)
def test_what_is_not_as_it_should_be_has_its_class(name: str, word: str) -> None:
    text = mermaid(build.fleet({"hv1": pictured.host(9)}))
    guest = re.search(rf'(h0n\d+)\("{name}<br/>', text)
    assert guest and f"  class {guest[1]} {word}\n" in text


def test_a_missing_way_is_dashed_and_a_surplus_one_thick() -> None:
    host = pictured.host(1, odd=False)
    host["wish"]["taps"] = [{"name": "tap0", "bridge": "br-idle"}]
    host["wish"]["tenants"] = []
    text = mermaid(build.fleet({"hv1": host}))
    assert " -.- " in text and ' ===|"VLAN 10<br/>surplus"| ' in text


def test_a_host_that_did_not_answer_is_there() -> None:
    text = mermaid(build.fleet({"hv1": {"info": {"msg": "No route"}}}))
    assert '"hv1<br/>It did not answer: No route"' in text and "nothing is known" in text


def test_readme_shows_such_a_picture() -> None:
    readme = Path(__file__).resolve().parents[4] / "README.md"
    shown = re.search(r"```mermaid\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert shown and shown[1] == mermaid(build.fleet(pictured.readme()))
