# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes' frames: every one is found again, no other is, and each is what a network takes it for."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._isolation.frames import (
    KINDS,
    Mark,
    built,
    found,
    offered,
    station,
    tag,
)

RUN = bytes.fromhex("0123456789abcdef")
PEER = station(RUN, 7)
runs = st.binary(min_size=8, max_size=8)


def frame(kind: str, run: bytes = RUN, probe: int = 3) -> bytes:
    return built(Mark(run, probe, kind), peer=PEER, vid=20)


@given(runs, st.integers(0, 65535), st.sampled_from(KINDS))
def test_what_was_sent_is_found_again(run: bytes, probe: int, kind: str) -> None:
    data = frame(kind, run, probe)
    assert found(data, run) == (probe, kind)
    assert data[6:12] == station(run, probe) and 60 <= len(data) <= 1514


@given(runs, runs, st.sampled_from(KINDS))
def test_a_frame_of_another_run_is_not_ours(run: bytes, other: bytes, kind: str) -> None:
    assert other == run or other in (run[::-1],) or found(frame(kind, run), other) is None


@given(st.binary(max_size=200))
def test_anybody_elses_bytes_are_nothing(data: bytes) -> None:
    if RUN not in data:
        assert found(data, RUN) is None
    assert offered(data, Mark(RUN, 0, "dhcp")) is None


@given(runs)
def test_a_station_is_one_that_nobody_bought(run: bytes) -> None:
    assert station(run, 1)[0] & 0b11 == 0b10
    assert station(run, 1)[:4] == station(run, 2)[:4] and station(run, 1) != station(run, 2)


@pytest.mark.parametrize(
    ("kind", "target", "ethertype"),
    [
        ("arp", "ff:ff:ff:ff:ff:ff", 0x0806),
        ("broadcast", "ff:ff:ff:ff:ff:ff", 0x0800),
        ("multicast", "01:00:5e:7f:89:ab", 0x0800),
        ("multicast6", "33:33:00:00:00:01", 0x86DD),
        ("unicast", "ee:01:23:45:67:89", 0x88B5),
        ("nd", "33:33:ff:45:23:01", 0x86DD),
        ("known", PEER.hex(":"), 0x88B5),
        ("tagged", "ff:ff:ff:ff:ff:ff", 0x8100),
        ("dhcp", "ff:ff:ff:ff:ff:ff", 0x0800),
    ],
)
def test_each_kind_goes_where_its_name_says(kind: str, target: str, ethertype: int) -> None:
    data = frame(kind)
    assert (data[:6].hex(":"), struct.unpack_from("!H", data, 12)[0]) == (target, ethertype)
    assert tag(data) == (20 if kind == "tagged" else None)


def ones(data: bytes) -> int:
    """The sum that is all ones where a checksum is right (RFC 1071)."""
    total = sum(
        int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2)
    )
    return total % 0xFFFF


@pytest.mark.parametrize("kind", ["broadcast", "multicast", "dhcp"])
def test_an_ipv4_packet_is_whole(kind: str) -> None:
    packet = frame(kind)[14:]
    total, udp = struct.unpack_from("!H", packet, 2)[0], struct.unpack_from("!H", packet, 24)[0]
    assert ones(packet[:20]) == 0 and packet[9] == 17
    assert total == udp + 20 <= len(packet) and RUN in packet[28:total]
    assert packet[8] == 1, "no router hands it on"


def test_a_solicitation_is_one_that_a_host_would_take_for_real() -> None:
    packet = frame("nd")[14:]
    length = struct.unpack_from("!H", packet, 4)[0]
    body = packet[40 : 40 + length]
    assert ones(packet[8:40] + struct.pack("!II", length, 58) + body) == 0
    assert (packet[6], packet[7], body[0]) == (58, 255, 135)
    assert packet[24:37].hex() == "ff02000000000000000000" + "01ff" and packet[37:40] == body[21:24]


def offer(mark: Mark, kind: int = 2, chaddr: bytes = b"", xid: bytes = b"") -> bytes:
    bootp = (
        struct.pack("!BBBB", 2, 1, 6, 0)
        + (xid or mark.run[4:])
        + b"\0" * 8
        + bytes([10, 20, 0, 100])
        + b"\0" * 8
    )
    bootp += (chaddr or station(mark.run, mark.probe)).ljust(16, b"\0") + b"\0" * 192
    options = bytes.fromhex("63825363") + bytes([53, 1, kind, 54, 4, 10, 20, 0, 1, 255])
    udp = struct.pack("!HHHH", 67, 68, 8 + len(bootp + options), 0) + bootp + options
    ip = (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
        + bytes([10, 20, 0, 9])
        + b"\xff" * 4
    )
    return b"\xff" * 6 + bytes.fromhex("525400000020") + b"\x08\x00" + ip + udp


def test_an_offer_is_read() -> None:
    mark = Mark(RUN, 3, "dhcp")
    assert offered(offer(mark), mark) == {
        "server": "10.20.0.1",
        "address": "10.20.0.100",
        "mac": "52:54:00:00:00:20",
    }


@pytest.mark.parametrize("other", [{"kind": 5}, {"chaddr": PEER}, {"xid": b"abcd"}])
def test_what_is_no_offer_to_this_station_is_none(other: dict) -> None:
    mark = Mark(RUN, 3, "dhcp")
    assert offered(offer(mark, **other), mark) is None
