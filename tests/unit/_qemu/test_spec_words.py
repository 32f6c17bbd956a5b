# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that a guest's options are made of."""

from __future__ import annotations

import re
from typing import Any, Callable

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_words as words

vowels = words.matching(re.compile("[aeiou]+"), "a word of vowels")


@pytest.mark.parametrize(
    ("check", "value", "canonical"),
    [
        (words.text, "a, b=ü", "a, b=ü"),
        (words.path, "/var/lib/a,b.qcow2", "/var/lib/a,b.qcow2"),
        (vowels, "aei", "aei"),
        (words.between(0, 3), 0, 0),
        (words.between(0, 3), 3, 3),
        (words.any_of_its_type, False, False),
        (words.mebibytes, "2G", 2048),
        (words.mebibytes, "1048576k", 1024),
    ],
)
def test_a_value_in_canonical_form(check: Callable[..., Any], value: Any, canonical: Any) -> None:
    assert check(value, "option") == canonical


@pytest.mark.parametrize(
    ("check", "value", "part"),
    [
        (words.text, "a\nb", "control character"),
        (words.text, "a\x7f", "control character"),
        (words.path, "a/b", "not an absolute path"),
        (words.path, "//host/share", "not an absolute path"),
        (words.path, "/a/../b", "'..'"),
        (vowels, "aeib", "not a word of vowels"),
        (vowels, "a\n", "not a word of vowels"),
        (words.between(0, 3), 4, "outside 0 to 3"),
        (words.between(0, 3), -1, "outside 0 to 3"),
        (words.mebibytes, "1025k", "no whole number of MiB"),
        (words.mebibytes, "0", "is not a size"),
    ],
)
def test_a_value_that_is_refused(check: Callable[..., Any], value: Any, part: str) -> None:
    with pytest.raises(BadInput, match=re.escape(part)) as caught:
        check(value, "option")
    assert str(caught.value).startswith("option ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "unit", "size"), [("3", 7, 21), ("3K", 7, 3072), ("1 tib", 1, 2**40)]
)
def test_a_bare_number_counts_in_the_options_own_unit(value: str, unit: int, size: int) -> None:
    assert words.size(value, "option", unit) == size


def test_only_what_is_given_is_written_down() -> None:
    assert words.given({"a": 0, "b": None, "c": False}, "a", "b", "c", "d") == {"a": 0, "c": False}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("192.0.2.10:22", ("192.0.2.10", 22)),
        ("[2001:DB8::10]:65535", ("2001:db8::10", 65535)),
        ("[::1]:1", ("::1", 1)),
    ],
)
def test_an_address_with_a_port(value: str, found: tuple[str, int]) -> None:
    assert words.endpoint(value, "port_at") == found


@pytest.mark.parametrize(
    "value",
    [
        "", "192.0.2.10", "192.0.2.10:", "192.0.2.10:0", "192.0.2.10:65536", "192.0.2.10:022222", "192.0.2.999:22", "[192.0.2.10]:22", "2001:db8::10:22",
        "[2001:db8::10]", "host:22", "192.0.2.10:22\n", "192.0.2.10:\u0662\u0662", " 192.0.2.10:22", "192.0.2.10:22;id", "[$(id)]:22", "192.0.2.10/24:22",
        ":22", "[]:22",
    ],
)  # fmt: skip
def test_what_is_no_address_with_a_port(value: str) -> None:
    with pytest.raises(BadInput, match="port_at"):
        words.endpoint(value, "port_at")
