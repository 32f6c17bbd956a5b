# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a disk holds something, by what qemu-img prints; nothing that it holds is left out, however it lies."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._backup import extents

BIT = extents.GRANULARITY
SIZE = 64 * BIT + 512


def told(*pieces: tuple[int, int, bool]) -> str:
    return json.dumps(
        [{"start": begin, "length": length, "zero": zero} for begin, length, zero in pieces]
    )


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([], []),
        ([(0, SIZE, True)], []),
        ([(0, SIZE, False)], [(0, SIZE)]),
        ([(1, 1, False)], [(0, BIT)]),
        ([(SIZE - 1, 1, False)], [(64 * BIT, 512)]),
        ([(0, BIT, False), (BIT, BIT, False), (3 * BIT, 5, False)], [(0, 2 * BIT), (3 * BIT, BIT)]),
        ([(BIT - 1, 2, False), (5 * BIT, 0, False)], [(0, 2 * BIT)]),
    ],
)
def test_pieces_are_whole_bits_and_those_that_meet_are_one(
    pieces: list[tuple[int, int, bool]], found: list[tuple[int, int]]
) -> None:
    assert extents.found(told(*pieces), SIZE) == found


def test_where_there_would_be_too_many_what_is_between_is_said_too() -> None:
    every = [(number * BIT, 512, False) for number in range(0, 64, 2)]
    assert len(extents.found(told(*every), SIZE)) == 32
    assert extents.found(told(*every), SIZE, most=31) == [(0, 64 * BIT)]


@given(
    st.lists(
        st.tuples(st.integers(0, SIZE - 1), st.integers(0, 3 * BIT), st.booleans()), max_size=20
    ),
    st.integers(1, 5),
)
def test_nothing_that_it_holds_is_left_out(pieces: list[tuple[int, int, bool]], most: int) -> None:
    within = [(begin, min(length, SIZE - begin), zero) for begin, length, zero in pieces]
    found = extents.found(told(*within), SIZE, most)
    assert len(found) <= most
    for begin, length, zero in within:
        if not zero and length:
            assert any(one <= begin and begin + length <= one + many for one, many in found)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{}",
        "[1]",
        '[{"start": 0}]',
        '[{"start": 0, "length": null, "zero": false}]',
        told((-1, 5, False)),
        told((0, -5, False)),
        told((SIZE, 1, False)),
        '[{"start": Infinity, "length": 1, "zero": false}]',
        "[" * 100_000,
    ],
)
def test_what_is_no_map_is_told_as_that(said: str) -> None:
    with pytest.raises(ValueError):
        extents.found(said, SIZE)
