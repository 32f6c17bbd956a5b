# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening for DHCP; that the kernel takes the filter, and what it says of checksums, is seen in tests/integration/test_doctor.py."""

from __future__ import annotations

import errno
import itertools
import socket
import struct
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.listen import listen
from ansible_collections.hypervisor.network.tests.harness.model.patient import MAC
from ansible_collections.hypervisor.network.tests.harness.net.dhcp_frames import frame
from ansible_collections.hypervisor.network.tests.harness.net.line import Line

IN, OUT = socket.PACKET_BROADCAST, socket.PACKET_OUTGOING
NOT_READY = [(263, 8, struct.pack("=IIIHHH", 0x08, 0, 0, 0, 0, 0))]
READY = [(263, 8, struct.pack("=IIIHHH", 0x80, 0, 0, 0, 0, 0)), (1, 2, b"")]


class Ear(Line):
    """Hears frames with what the kernel notes of them."""

    def recvmsg(self, _most: int, _notes: int) -> tuple[Any, ...]:
        if not self.heard:
            raise socket.timeout
        data, notes, dev, kind = self.heard.pop(0)
        return data, notes, 0, (dev, 0x0800, kind, 1, b"")


def test_what_is_heard_is_told_with_its_place_and_time() -> None:
    ear = Ear(
        (frame("discover", MAC), READY, "tap1", IN),
        (b"other", [], "tap1", IN),
        (frame("offer", MAC), NOT_READY, "tap1", OUT),
    )
    ticks = itertools.count()
    found = listen(60, ear.open, lambda: float(next(ticks)))
    assert [(one.at, one.dev, one.leaving) for one in found] == [
        (2.0, "tap1", False),
        (5.0, "tap1", True),
    ]
    assert [(one.said.kind, one.said.checksum) for one in found] == [
        ("discover", "right"),
        ("offer", "left"),
    ]
    assert ear.closed and ear.opened[0] == socket.AF_PACKET


def test_it_ends_when_its_time_is_over_however_much_is_said() -> None:
    ticks = itertools.count()
    ear = Ear(*[(frame("discover", MAC), [], "tap1", IN)] * 100)
    assert len(listen(9, ear.open, lambda: float(next(ticks)))) == 4


def test_it_ends_when_too_much_is_said() -> None:
    ear = Ear(*[(b"", [], "tap1", IN)] * 10_001)
    assert listen(9, ear.open, lambda: 0.0) == [] and len(ear.heard) == 1


def test_who_may_not_listen_is_told_so() -> None:
    def refuse(*_words: Any) -> Any:
        raise OSError(errno.EPERM, "no")

    with pytest.raises(KernelError, match="Cannot listen for DHCP: .*become"):
        listen(1, refuse)
