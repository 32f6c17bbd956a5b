# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARP packets: what is asked, and what is heard. The layouts are those of RFC 826 and RFC 5227, written out by hand."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink.acd import probe, sender

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
