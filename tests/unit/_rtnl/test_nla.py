# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of netlink: padded, nested, cut off."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute


def test_attributes_are_padded_and_walked() -> None:
    data = attribute(1, b"a") + attribute(2, b"") + attribute(3, b"12345678")
    assert len(data) == 8 + 4 + 12
    assert nla.walk(data) == {1: b"a", 2: b"", 3: b"12345678"}


def test_the_flag_bits_of_a_type_are_not_part_of_it() -> None:
    assert nla.walk(attribute(0x8000 | 18, b"x") + attribute(0x4000 | 5, b"y")) == {
        18: b"x",
        5: b"y",
    }


def test_bytes_that_were_cut_off_give_what_is_whole() -> None:
    data = attribute(1, b"abcd") + attribute(2, b"efgh")
    for end in range(len(data)):
        found = nla.walk(data[:end])
        assert found == ({1: b"abcd"} if end >= 8 else {})


def test_an_attribute_of_no_length_ends_the_walk() -> None:
    assert nla.walk(attribute(1, b"abcd") + b"\0\0\2\0" + attribute(3, b"x")) == {1: b"abcd"}


@given(st.binary(max_size=64))
def test_any_bytes_can_be_walked(data: bytes) -> None:
    for payload in nla.walk(data).values():
        assert payload in data


@given(st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=20), max_size=8))
def test_what_is_put_together_is_taken_apart(attributes: dict[int, bytes]) -> None:
    assert (
        nla.walk(b"".join(attribute(kind, payload) for kind, payload in attributes.items()))
        == attributes
    )


@given(st.binary(max_size=80), st.integers(0, 20))
def test_walking_any_bytes_ends_and_finds_only_what_is_there(data: bytes, offset: int) -> None:
    assert all(payload in data for payload in nla.walk(data, offset).values())


@given(
    st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=60), max_size=8), st.integers(0, 16)
)
def test_attributes_are_found_again(values: dict[int, bytes], offset: int) -> None:
    data = b"\xff" * offset + b"".join(
        nla.attribute(kind, payload) for kind, payload in values.items()
    )
    assert nla.walk(data, offset) == values


def test_a_type_that_stands_twice_is_told_twice_in_order_and_what_is_cut_off_not() -> None:
    data = attribute(5, b"a") + attribute(0x8005, b"bc") + attribute(6, b"d")
    assert list(nla.each(data)) == [(5, b"a"), (5, b"bc"), (6, b"d")]
    assert list(nla.each(data[:-5])) == [(5, b"a"), (5, b"bc")]
    assert list(nla.each(struct.pack("=HH", 0, 5))) == []
    assert nla.walk(data) == {5: b"bc", 6: b"d"}


def test_text_is_what_stands_before_the_nul_and_keeps_bytes_that_are_no_utf_8() -> None:
    assert nla.text(b"br0\0") == "br0"
    assert nla.text(b"\xff\0").encode("utf-8", "surrogateescape") == b"\xff"


def test_a_number_that_is_missing_is_0() -> None:
    assert nla.number(struct.pack("=I", 7)) == 7 and nla.number(None) == 0
