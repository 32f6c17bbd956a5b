# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of systemd.syntax(7): what is read of them is what systemd reads."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import (
    Section,
    is_true,
    like,
    number,
    parse,
    render,
    seconds,
    size,
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15", 15.0), ("15s", 15.0), ("1min 30s", 90.0), ("1min30", 90.0), ("0.5", 0.5), ("250ms", 0.25), ("2h", 7200.0), ("1 week", 604800.0),
        ("infinity", None), ("1fortnight", None), ("", None), ("-1", None),
    ],
)  # fmt: skip
def test_spans_of_time(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "example", "expected"),
    [
        ("", 5, None), ("Yes", False, True), ("1min", 15.0, 60.0), ("0x10", 0, 16), ("none", 1, 0), ("ten", 0, None), ("802.1AD", "802.1Q", "802.1ad"),
        ("802.1q", "802.1Q", "802.1Q"), ("other", "802.1Q", "other"),
    ],
)  # fmt: skip
def test_values_as_the_kernel_has_them(text: str, example: object, expected: object) -> None:
    assert like(text, example) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1500", 1500), ("9K", 9216), ("9k", 9216), ("xK", None), ("", None)]
)
def test_numbers_of_bytes(text: str, expected: int | None) -> None:
    assert size(text) == expected
    assert number("1.5") is None
