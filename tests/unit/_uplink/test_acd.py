# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARP packets: what is asked, and what is heard. The layouts are those of RFC 826 and RFC 5227, written out by hand."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink.acd import (
    elsewhere,
    probe,
    sender,
)
from ansible_collections.hypervisor.network.tests.harness.net.line import Line

MAC = "52:54:00:77:00:10"
ETHERNET_IPV4 = "0001 0800 06 04 "
REQUEST, REPLY = "0001 ", "0002 "
OURS = "525400770010 0a4d000a "
THEIRS = "525400000099 0a4d000a "
NOBODY = "000000000000 00000000 "


def test_a_probe_tells_no_sender_address() -> None:
    assert probe(MAC, "10.77.0.10") == bytes.fromhex(
        ETHERNET_IPV4 + REQUEST + "525400770010 00000000 000000000000 0a4d000a"
    )


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (ETHERNET_IPV4 + REPLY + THEIRS + OURS, ("10.77.0.10", "52:54:00:00:00:99")),
        (ETHERNET_IPV4 + REQUEST + THEIRS + NOBODY, ("10.77.0.10", "52:54:00:00:00:99")),
        (ETHERNET_IPV4 + REPLY + THEIRS + OURS + "00" * 18, ("10.77.0.10", "52:54:00:00:00:99")),
        (
            ETHERNET_IPV4 + REQUEST + "525400000099 00000000 " + NOBODY,
            ("0.0.0.0", "52:54:00:00:00:99"),
        ),
        (ETHERNET_IPV4 + REPLY + THEIRS, None),
        ("0006 0800 06 04 " + REPLY + THEIRS + OURS, None),
        ("0001 86dd 06 04 " + REPLY + THEIRS + OURS, None),
        ("0001 0800 14 04 " + REPLY + THEIRS + OURS, None),
        ("", None),
    ],
    ids=[
        "an answer",
        "a question of its owner",
        "with padding",
        "a probe",
        "cut short",
        "no Ethernet",
        "no IPv4",
        "a long hardware address",
        "nothing",
    ],
)
def test_who_sends_is_read_from_the_packet(packet: str, told: tuple[str, str] | None) -> None:
    assert sender(bytes.fromhex(packet)) == told


def answer(address: str, mac: str) -> bytes:
    words = bytes.fromhex(mac.replace(":", "")) + bytes(int(part) for part in address.split("."))
    return bytes.fromhex(ETHERNET_IPV4 + REPLY) + words + bytes.fromhex(OURS)


OTHER = "52:54:00:00:00:99"


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        ([answer("10.77.0.10", OTHER)], {"10.77.0.10": OTHER}),
        ([answer("10.77.0.10", MAC), answer("10.77.0.10", OTHER)], {"10.77.0.10": OTHER}),
        ([answer("10.77.0.77", OTHER), b"other"], {}),
        ([answer("10.77.0.10", MAC)], {}),
        ([], {}),
    ],
    ids=["another host", "ours first", "an address that is not ours", "our other NIC", "nobody"],
)
def test_an_address_of_ours_that_somebody_else_answers_for(
    heard: list[bytes], found: dict[str, str]
) -> None:
    line = Line(*heard)
    assert elsewhere("eth0", MAC, ["10.77.0.10"], {MAC}, open_socket=line.open) == found
    assert (
        line.sent == [probe(MAC, "10.77.0.10")] and line.bound == ("eth0", 0x0806) and line.closed
    )


def test_once_every_address_has_an_answer_nobody_listens_on() -> None:
    line = Line(answer("10.77.0.10", OTHER), answer("10.77.0.11", OTHER), b"later")
    asked = ["10.77.0.10", "10.77.0.11"]
    assert set(elsewhere("eth0", MAC, asked, {MAC}, open_socket=line.open)) == set(asked)
    assert line.heard == [b"later"]
    assert elsewhere("eth0", MAC, [], {MAC}, open_socket=Line(b"x").open) == {}
