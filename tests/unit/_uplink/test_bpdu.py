# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a frame tells of the switch's forward delay. That a kernel's own BPDUs are read so, is shown in tests/integration/test_stp.py."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._uplink.bpdu import (
    forward_delay,
    listen,
)
from ansible_collections.hypervisor.network.tests.harness.net.line import Line

# IEEE 802.1D-2004, figure 9-1: max age 20 s, hello time 2 s, forward delay 15 s
CONFIGURATION = bytes.fromhex(
    "0180c2000000 525400770001 0026 424203"
    "0000 00 00 01 8000525400770001 00000000 8000525400770001 8001 0000 1400 0200 0f00"
    "0000000000000000"
)


def changed(at: int, to: str) -> bytes:
    value = bytes.fromhex(to)
    return CONFIGURATION[:at] + value + CONFIGURATION[at + len(value) :]


@pytest.mark.parametrize(
    ("frame", "delay"),
    [
        (CONFIGURATION, 15.0),
        (changed(50, "0480"), 4.5),
        (changed(19, "0202"), 15.0),  # RSTP
        (changed(20, "80"), None),  # a topology change is told without times
        (changed(14, "aaaa03"), None),  # Cisco's own per-VLAN form, and all else behind SNAP
        (changed(0, "0180c200000e"), None),  # LLDP's group
        (CONFIGURATION[:51], None),
    ],
)
def test_the_forward_delay_that_a_frame_tells(frame: bytes, delay: float | None) -> None:
    assert forward_delay(frame) == delay


@given(st.binary(max_size=80))
def test_anybody_elses_frame_tells_nothing(frame: bytes) -> None:
    assert frame.startswith(CONFIGURATION[:6]) or forward_delay(frame) is None


def test_the_first_bpdu_that_tells_times_is_the_answer() -> None:
    line = Line(b"other", changed(20, "80"), changed(50, "0480"), CONFIGURATION)
    assert listen("eth0", 7, open_socket=line.open) == 4.5
    assert line.bound == ("eth0", 4) and line.closed and len(line.heard) == 1
    assert line.joined == [struct.pack("=iHH8s", 7, 0, 6, bytes.fromhex("0180c2000000"))]


def test_a_quiet_line_is_no_switch_that_runs_stp() -> None:
    assert listen("eth0", 7, open_socket=Line().open) is None
    line = Line(CONFIGURATION)
    assert listen("eth0", 7, seconds=0, open_socket=line.open) is None and line.closed
