# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy rules as the kernel dumps them, each part in words."""

from __future__ import annotations

import socket
import struct

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.rules import (
    anybodys,
    decode,
    policies,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute

U32 = struct.Struct("=I")


def body(
    family: int = socket.AF_INET,
    dst: int = 0,
    src: int = 0,
    table: int = 254,
    action: int = 1,
    flags: int = 0,
    tos: int = 0,
    **parts: bytes,
) -> bytes:
    """An RTM_NEWRULE body; C(parts) are attributes by their numbers, as in a14=..."""
    header = struct.pack("=BBBBBBBBI", family, dst, src, tos, table, 0, 0, action, flags)
    return header + b"".join(attribute(int(key[1:]), data) for key, data in parts.items())


def test_a_rule_of_everything() -> None:
    rule = decode(
        body(
            dst=8, src=16, flags=2, tos=0x10,
            a1=socket.inet_aton("192.0.0.0"), a2=socket.inet_aton("10.5.0.0"), a3=b"br0\0", a17=b"lo\0", a6=U32.pack(100), a10=U32.pack(1),
            a16=U32.pack(0xFF), a14=U32.pack(0), a13=U32.pack(7), a15=U32.pack(1000), a22=b"\x06", a23=struct.pack("=HH", 80, 80),
            a24=struct.pack("=HH", 1, 9), a20=struct.pack("=II", 5, 5), a21=b"\x03",
        )
    )  # fmt: skip
    assert (rule.src, rule.dst, rule.iif, rule.oif) == ("10.5.0.0/16", "192.0.0.0/8", "br0", "lo")
    assert (rule.priority, rule.action, rule.table, rule.mark, rule.mask) == (100, "table", 1000, 1, 255)  # fmt: skip
    assert (rule.suppress_prefix, rule.suppress_group, rule.ip_proto) == (0, 7, 6)
    assert (rule.sport, rule.dport, rule.uids, rule.invert, rule.tos) == ("80", "1-9", "5", True, 16)  # fmt: skip
    assert rule.protocol == 3 and rule.unsaid == ()


def test_what_is_not_asked_is_not_there() -> None:
    none = U32.pack(0xFFFFFFFF)
    rule = decode(body(a6=U32.pack(5), a10=U32.pack(1), a16=none, a14=none, a13=none))
    assert (rule.mask, rule.suppress_prefix, rule.suppress_group, rule.src) == (None, None, None, "")  # fmt: skip
    assert str(rule) == "5: from all"


@pytest.mark.parametrize(
    ("number", "word"), [(4, "goto"), (11, "realms"), (12, "tun_id"), (19, "l3mdev")]
)
def test_what_only_ip_rule_has_words_for(number: int, word: str) -> None:
    assert decode(body(**{f"a{number}": b"\1"})).unsaid == (word,)
    assert decode(body(**{f"a{number}": b"\0"})).unsaid == ()


def test_the_kernels_own_are_nobodys() -> None:
    own, other = body(a21=b"\x02"), body(a6=U32.pack(9), a21=b"\x03")
    multicast = body(family=128, a21=b"\x03")
    assert [one.priority for one in policies([own, other, multicast])] == [9]


def test_a_rule_is_the_same_whoever_made_it() -> None:
    by_hand, by_networkd = (decode(body(a6=U32.pack(9), a21=one)) for one in (b"\x03", b"\x04"))
    assert by_hand != by_networkd and anybodys(by_hand) == anybodys(by_networkd)
    assert str(decode(body(src=16, a2=socket.inet_aton("10.5.0.0"), a3=b"br0\0"))) == (
        "0: from 10.5.0.0/16 iif br0"
    )
