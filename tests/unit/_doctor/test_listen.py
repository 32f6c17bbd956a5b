# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening for DHCP; that the kernel takes the filter, and what it says of checksums, is seen in tests/integration/test_doctor_dhcp.py."""

from __future__ import annotations

import errno
import itertools
import socket
import struct
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Way
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.listen import listen
from ansible_collections.hypervisor.network.tests.harness.model.patient import (
    MAC,
    OTHER_MAC,
)
from ansible_collections.hypervisor.network.tests.harness.net.dhcp_frames import frame
from ansible_collections.hypervisor.network.tests.harness.net.line import Line

IN, OUT = socket.PACKET_BROADCAST, socket.PACKET_OUTGOING
NOT_READY = [(263, 8, struct.pack("=IIIHHH", 0x08, 0, 0, 0, 0, 0))]
READY = [(263, 8, struct.pack("=IIIHHH", 0x80, 0, 0, 0, 0, 0)), (1, 2, b"")]


class Capture(Line):
    """Hears frames with what the kernel notes of them."""

    def recvmsg(self, _most: int, _notes: int) -> tuple[Any, ...]:
        if not self.heard:
            raise socket.timeout
        data, notes, dev, kind = self.heard.pop(0)
        return data, notes, 0, (dev, 0x0800, kind, 1, b"")

    asked = 0

    def getsockopt(self, _level: int, _name: int, _most: int) -> bytes:
        """What was taken, and what was lost since it was asked last, as tpacket_stats has it: much of it before there was a filter."""
        self.asked += 1
        return struct.pack("=II", 12, 500 if self.asked == 1 else 7)


WAYS = [Way(mac=MAC, tap="tap1")]


def steps(capture: Capture) -> int:
    """How long the filter is that it was given."""
    return max(struct.unpack("@HP", one)[0] for one in capture.joined if isinstance(one, bytes))


def test_what_is_heard_is_told_with_its_place_and_time() -> None:
    capture = Capture(
        (frame("discover", MAC), READY, "tap1", IN),
        (b"other", [], "tap1", IN),
        (frame("offer", MAC), NOT_READY, "tap1", OUT),
    )
    ticks = itertools.count()
    heard = listen(60, WAYS, capture.open, lambda: float(next(ticks)))
    assert [(one.at, one.dev, one.leaving) for one in heard.sightings] == [
        (2.0, "tap1", False),
        (5.0, "tap1", True),
    ]
    assert [(one.said.kind, one.said.checksum) for one in heard.sightings] == [
        ("discover", "right"),
        ("offer", "left"),
    ]
    assert heard.missed == 7
    assert capture.closed and capture.opened[0] == socket.AF_PACKET


def test_it_ends_when_its_time_is_over_however_much_is_said() -> None:
    ticks = itertools.count()
    capture = Capture(*[(frame("discover", MAC), [], "tap1", IN)] * 100)
    (one,) = listen(9, WAYS, capture.open, lambda: float(next(ticks))).sightings
    assert one.times == 4


def test_it_does_not_end_before_however_much_is_said() -> None:
    flood = [(frame("discover", OTHER_MAC), [], "tap2", IN)] * 10_001
    capture = Capture(*flood, (frame("discover", MAC), [], "tap1", IN))
    heard = listen(9, WAYS, capture.open, lambda: 0.0)
    assert {(one.dev, one.times) for one in heard.sightings} == {("tap2", 10_001), ("tap1", 1)}


@pytest.mark.parametrize(
    ("macs", "named"),
    [
        ([MAC], 1),
        ([MAC, OTHER_MAC, MAC], 2),
        ([MAC, None], 0),  # whose MAC is not known yet may be anybody
        ([f"02:00:00:00:00:{number:02x}" for number in range(33)], 0),
    ],
)
def test_the_kernel_hands_over_who_is_asked_about(macs: list[str | None], named: int) -> None:
    capture = Capture()
    listen(1, [Way(mac=mac, tap="tap1") for mac in macs], capture.open)
    assert steps(capture) == 12 + (5 * named or 1)


def test_who_may_not_listen_is_told_so() -> None:
    def refuse(*_words: Any) -> Any:
        raise OSError(errno.EPERM, "no")

    with pytest.raises(KernelError, match="Cannot listen for DHCP: .*become"):
        listen(1, WAYS, refuse)
