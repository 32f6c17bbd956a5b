# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of interfaces(5), and the names in them, as ifupdown takes them; tests/integration/test_sources.py asks ifquery the same."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    canonical,
    is_keyword,
    is_pattern_of,
    tokenize,
    whole_word,
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", []),
        ("iface a inet dhcp", ["iface"]),
        ("  # no option\n", ["comment"]),
        ("# never continued \\\niface a inet dhcp\n", ["comment", "iface"]),
        ("iface a inet dhcp\n up x \\\n # not a comment\n mtu 9\n", ["iface", "option", "option"]),
        ("iface a inet dhcp\n up x \\ \n mtu 9\n", ["iface", "option", "option"]),
        ("iface a inet dhcp\r\n up x \\\r\n mtu 9\r\n", ["iface", "option", "option"]),
        ("iface a inet dhcp\n auto\n mtu 9\n", ["iface", "flag", "option"]),
        ("auto\n", ["select"]),
        ("iface a inet dhcp\n\n   \n mtu 9\n", ["iface", "blank", "blank", "option"]),
        ("mapping eth*\n script /x\n", ["mapping", "option"]),
        ("source-dir x\nsource y\nrename a=b\n", ["source-directory", "source", "rename"]),
        (
            "allow-hotplug a\nno-auto-down a\nno-scripts a\nallow- a\n",
            ["select", "select", "select", "option"],
        ),
    ],
)
def test_lines_are_of_the_kind_that_ifupdown_takes_them_for(text: str, kinds: list[str]) -> None:
    assert [line.kind for line in tokenize(text)] == kinds


def test_a_continued_line_has_one_value() -> None:
    line = tokenize("iface a inet dhcp\n\tup ip route \\\n  add 192.0.2.0/24\n")[1]
    assert (line.key, line.value) == ("up", "ip route   add 192.0.2.0/24")


@pytest.mark.parametrize(
    ("spelled", "same"),
    [
        ("bridge-ports", "bridge_ports"),
        ("post-up", "up"),
        ("pre-down", "down"),
        ("pre-up", "pre-up"),
        ("mtu", "mtu"),
    ],
)
def test_spellings_that_ifupdown_takes_for_the_same_are_the_same(spelled: str, same: str) -> None:
    assert canonical(spelled) == canonical(same)


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ("dev eth0 metric 1", "dev br0 metric 1"),
        ("label eth0:1", "label br0:1"),
        ("dev eth0.10", "dev eth0.10"),
        ("dev veth0", "dev veth0"),
        ("dev eth0-x", "dev eth0-x"),
        ("dev eth0", "dev br0"),
    ],
)
def test_only_a_name_that_stands_alone_is_renamed(text: str, renamed: str) -> None:
    assert whole_word("eth0").sub("br0", text) == renamed


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("up a\\", ["a"]),
        ("up a\\\\", ["a"]),
        ("up a\\\\\n", ["a"]),
        ("up a \\\n# c\nup b\n", ["a # c", "b"]),
        ("up a \\\\\n# c\nup b\n", ["a \\# c", "b"]),
        ("up a\n\\\n# c\nup b\n", ["a", "c", "b"]),
        ("up a\n# c \\\nup b\n", ["a", "b"]),
        ("up a\n\\\n c d\n", ["a", "c d"]),
    ],
)
def test_a_backslash_continues_what_ifupdown_continues(text: str, values: list[str]) -> None:
    found = [
        line.value for line in tokenize("iface a inet manual\n" + text) if line.kind == "option"
    ]
    assert found == values


def test_lines_are_numbered_by_their_first_physical_line() -> None:
    text = "# c\nup a \\\n b\n\nup c\n"
    assert [line.number for line in tokenize(text, numbered=True)] == [1, 2, 4, 5]
    assert {line.number for line in tokenize(text)} == {0}


@pytest.mark.parametrize(
    ("word", "is_one"),
    [
        ("/eth*", True),
        ("/eth*/1", True),
        ("/eth*=home", True),
        ("mac/02:00:00:00:00:01", True),
        ("/en*", False),
        ("eth0", False),
        ("/dev/eth0", False),
    ],
)
def test_a_pattern_of_auto_names_devices(word: str, is_one: bool) -> None:
    assert is_pattern_of(word, "eth0") == is_one


def test_keywords_are_no_names_of_options() -> None:
    words = (
        "iface",
        "mapping",
        "source",
        "source-directory",
        "rename",
        "auto",
        "allow-x",
        "no-scripts",
    )
    assert all(map(is_keyword, words))
    assert not any(map(is_keyword, ("template", "up", "allow-", "address")))
