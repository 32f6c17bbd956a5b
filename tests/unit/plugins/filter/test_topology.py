# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter topology: its formats, and what it refuses."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.filter.topology import FilterModule
from ansible_collections.hypervisor.network.tests.harness.model import pictured

topology = FilterModule().filters()["topology"]


@pytest.mark.parametrize(
    ("form", "beginning"),
    [("mermaid", "flowchart LR"), ("dot", "digraph topology"), ("html", "<!DOCTYPE html>")],
)
def test_each_format_has_its_beginning_and_its_guests(form: str, beginning: str) -> None:
    text = topology({"hv1": pictured.host(9)}, form)
    assert text.startswith(beginning) and "vm0000" in text


def test_the_page_is_what_is_drawn_by_default_and_has_its_program() -> None:
    text = topology({})
    assert "<style>/* SPDX" in text and '"use strict";' in text


def test_svg_wants_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AnsibleFilterError, match="install Debian's package graphviz"):
        topology({}, "svg")


def test_what_is_no_format_and_what_is_no_fleet_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="no format 'png'; ask for one of mermaid, dot"):
        topology({}, "png")
    with pytest.raises(AnsibleFilterError, match="a dictionary of hosts"):
        topology(["hv1"])
