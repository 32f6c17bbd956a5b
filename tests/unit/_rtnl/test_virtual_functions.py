# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a card in rtnetlink's messages, laid out by hand; a kernel's own are in tests/faults/lab/test_v_hardware.py."""

from __future__ import annotations

import struct

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import virtual_functions
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute

UNTOLD = 0xFFFFFFFF


def part(number: int, spoofchk: int | None, trust: int | None) -> bytes:
    settings = [(4, spoofchk), (9, trust)]
    return attribute(
        1,
        attribute(1, struct.pack("=I32s", number, b""))
        + b"".join(
            attribute(kind, struct.pack("=II", number, value))
            for kind, value in settings
            if value is not None
        ),
    )


def card(name: str, *parts: bytes) -> bytes:
    listed = attribute(22, b"".join(parts)) if parts else b""
    return rtnl_link.link_header(2) + attribute(3, name.encode() + b"\0") + listed


def test_what_is_set_is_told_by_card_and_number() -> None:
    messages = [
        card("pf0", part(0, 1, 0), part(3, 0, 1)),
        card("pf1", part(0, UNTOLD, None)),
        card("eth0"),
    ]
    assert virtual_functions.decode(messages) == {
        "pf0": {0: (True, False), 3: (False, True)},
        "pf1": {0: (None, None)},
    }


@pytest.mark.parametrize("cut", [attribute(4, b"\0\0\0\0"), b"", attribute(9, b"")])
def test_a_part_that_is_cut_off_is_none(cut: bytes) -> None:
    assert virtual_functions.decode([card("pf0", attribute(1, cut))]) == {"pf0": {}}


def test_a_trust_that_is_cut_off_is_not_told() -> None:
    short = attribute(1, attribute(4, struct.pack("=II", 5, 1)) + attribute(9, b"\5\0\0\0"))
    assert virtual_functions.decode([card("pf0", short)]) == {"pf0": {5: (True, None)}}
