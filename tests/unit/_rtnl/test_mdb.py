# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a bridge's multicast table, as the kernel's headers lay them out."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import mdb as rtnl_mdb
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    walk,
)

NAMES = {4: "br0", 7: "tap1"}


def entry(
    group: bytes, protocol: int, *more: bytes, state: int = 0, vid: int = 0, port: int = 7
) -> bytes:
    return attribute(
        1,
        attribute(
            1,
            struct.pack("=IBBH", port, state, 0, vid)
            + group.ljust(16, b"\0")
            + struct.pack("!Hxx", protocol)
            + b"".join(more),
        ),
    )


def table(*entries: bytes, bridge: int = 4, routers: bytes = b"") -> bytes:
    return (
        struct.pack("=Bxxxi", 7, bridge) + attribute(1, b"".join(entries)) + attribute(2, routers)
    )


def test_a_group_of_one_source_in_a_vlan() -> None:
    more = (
        attribute(1, struct.pack("=I", 12050)),
        attribute(3, b"\x01"),
        attribute(4, ipaddress.ip_address("2001:db8::1").packed),
    )
    body = table(entry(ipaddress.ip_address("ff3e::8000:1").packed, 0x86DD, *more, vid=20))
    assert rtnl_mdb.decode([body], NAMES).groups == (
        rtnl_mdb.Group("br0", "tap1", "ff3e::8000:1", 20, False, "2001:db8::1", "include", 120.5),
    )


def test_a_permanent_group_has_no_time_left_and_a_mac_is_one_too() -> None:
    body = table(
        entry(bytes.fromhex("01005e000055"), 0, attribute(1, struct.pack("=I", 5)), state=1),
        entry(bytes([239, 1, 1, 1]), 0x0800),
    )
    assert [(one.group, one.permanent, one.seconds_left, one.filter_mode) for one in rtnl_mdb.decode([body], NAMES).groups] == [
        ("01:00:5e:00:00:55", True, 0.0, None), ("239.1.1.1", False, 0.0, None),
    ]  # fmt: skip


def test_ports_to_routers_are_named_once_and_bridges_that_are_gone_left_out() -> None:
    port = attribute(1, struct.pack("=I", 7) + attribute(1, struct.pack("=I", 100)))
    found = rtnl_mdb.decode(
        [table(routers=port + port), table(entry(b"\xef\1\1\1", 0x0800), bridge=99)], NAMES
    )
    assert found == rtnl_mdb.Table((), {"br0": ["tap1"]})


def test_the_senders_of_a_list_and_who_made_the_entry() -> None:
    one = attribute(1, attribute(1, bytes([192, 0, 2, 1])) + attribute(2, struct.pack("=I", 0)))
    more = (attribute(2, one + attribute(1, b"")), attribute(3, b"\x01"), attribute(5, b"\x02"))
    (group,) = rtnl_mdb.decode([table(entry(bytes([239, 1, 1, 1]), 0x0800, *more))], NAMES).groups
    assert (group.source_list, group.filter_mode, group.learned) == (
        ("192.0.2.1",),
        "include",
        True,
    )


def asked(*args: Any) -> tuple[bytes, bytes]:
    """What stands after struct br_port_msg: the entry, and what is said of it."""
    body = rtnl_mdb.entry(*args)
    assert body[:8] == struct.pack("=Bxxxi", 7, 4)
    found = walk(body, 8)
    return found[1], found.get(2, b"")


def test_a_group_in_the_kernels_words() -> None:
    four = struct.pack("=IBBH", 7, 1, 0, 20) + bytes([239, 1, 1, 1]).ljust(16, b"\0")
    assert asked(4, 7, "239.1.1.1", 20, None, True) == (four + b"\x08\x00\0\0", b"")
    six = struct.pack("=IBBH", 7, 0, 0, 0) + ipaddress.ip_address("ff02::1:2:33:4444").packed
    assert asked(4, 7, "ff02::1:2:33:4444", None, None) == (six + b"\x86\xdd\0\0", b"")
    mac = struct.pack("=IBBH", 7, 1, 0, 0) + bytes.fromhex("011b19000000").ljust(16, b"\0")
    assert asked(4, 7, "01:1b:19:00:00:00", None, None, True) == (mac + b"\0\0\0\0", b"")


def test_senders_in_the_kernels_words() -> None:
    sender = attribute(1, bytes([192, 0, 2, 1]))
    assert asked(4, 7, "239.1.1.1", None, "192.0.2.1")[1] == sender
    listed = attribute(0x8002, attribute(0x8001, sender))
    assert asked(4, 7, "239.1.1.1", None, None, True, "include", ["192.0.2.1"])[1] == (
        listed + attribute(3, b"\x01")
    )
    assert asked(4, 7, "239.1.1.1", None, None, True, "exclude")[1] == attribute(3, b"\x00")
