# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of systemd.syntax(7): what is read of them is what systemd reads."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import (
    Section,
    is_true,
    parse,
    render,
    value,
    values,
)

TEXT = """
# a comment
before=any section
[Match]
Name = eth0 ; one
; another
[Network]
DHCP=yes
DNS=10.0.0.1 \\
# within
 10.0.0.2
no assignment
[Route]
Gateway=10.0.0.1
[Route]
Gateway=10.0.0.2
"""


def test_sections_stand_in_their_order_and_twice() -> None:
    assert parse(TEXT) == [
        Section("Match", (("Name", "eth0 ; one"),)),
        Section("Network", (("DHCP", "yes"), ("DNS", "10.0.0.1  10.0.0.2"))),
        Section("Route", (("Gateway", "10.0.0.1"),)),
        Section("Route", (("Gateway", "10.0.0.2"),)),
    ]


def test_what_is_written_is_read_again() -> None:
    sections = parse(TEXT)
    text = render(sections, "ours")
    assert text.startswith("# ours\n\n[Match]\nName=eth0") and parse(text) == sections


def test_a_section_that_says_nothing_is_left_out() -> None:
    assert render([Section("Link"), Section("Match", (("Name", "a"),))]) == "[Match]\nName=a\n"


def test_a_file_that_ends_in_a_continuation() -> None:
    assert parse("[Network]\nDHCP=\\\nyes\\") == [Section("Network", (("DHCP", "yes"),))]


def test_an_empty_value_begins_anew() -> None:
    sections = parse("[Network]\nDNS=a\nDNS=b\n[Network]\nDNS=\nDNS=c\n[Match]\nDNS=d\n")
    assert values(sections, "Network", "DNS") == ["c"]
    assert value(sections, "Network", "DNS") == "c"
    assert value(sections, "Network", "DHCP", "no") == "no"


@pytest.mark.parametrize(
    ("word", "true"), [("Yes", True), ("on", True), ("no", False), ("", False)]
)
def test_booleans(word: str, true: bool) -> None:
    assert is_true(word) is true


def test_a_section_less_some_keys() -> None:
    section = Section("Network", (("DHCP", "yes"), ("VLAN", "a"), ("VLAN", "b")))
    assert section.without("VLAN").lines == (("DHCP", "yes"),)
    assert section.only("VLAN").lines == (("VLAN", "a"), ("VLAN", "b"))
