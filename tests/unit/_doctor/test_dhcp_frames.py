# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What overheard frames of DHCP say; those that are none say nothing, whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import dhcp_frames
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_frames import Said
from ansible_collections.hypervisor.network.tests.harness.model import patient
from ansible_collections.hypervisor.network.tests.harness.net.dhcp_frames import (
    SERVER,
    frame,
)

MAC = patient.MAC


@pytest.mark.parametrize("kind", ["discover", "request"])
def test_a_client_asks(kind: str) -> None:
    assert dhcp_frames.read(frame(kind, MAC)) == Said(kind, MAC)


@pytest.mark.parametrize("kind", ["offer", "ack", "nak"])
def test_a_server_answers(kind: str) -> None:
    found = dhcp_frames.read(frame(kind, MAC))
    assert found == Said(kind, MAC, "right", SERVER)


@pytest.mark.parametrize(
    ("checksum", "left", "said"),
    [
        ("right", False, "right"),
        ("none", False, "right"),  # IPv4 allows that
        ("wrong", False, "wrong"),
        ("wrong", True, "left"),  # half of it is there
    ],
)
def test_a_checksum(checksum: str, left: bool, said: str) -> None:
    found = dhcp_frames.read(frame("offer", MAC, checksum), left)
    assert found is not None and found.checksum == said


@pytest.mark.parametrize("tag", ["8100 0014", "88a8 0014"])
def test_a_tag_that_stands_in_the_frame(tag: str) -> None:
    found = dhcp_frames.read(frame("discover", MAC, tag=bytes.fromhex(tag)))
    assert found == Said("discover", MAC)


def changed(at: int, to: str) -> bytes:
    whole = frame("discover", MAC)
    return whole[:at] + bytes.fromhex(to) + whole[at + len(to) // 2 :]


@pytest.mark.parametrize(
    "other",
    [
        frame("decline", MAC),
        changed(12, "86dd"),
        changed(23, "06"),
        changed(36, "0035"),  # to DNS
        changed(38, "0020"),  # a length that holds no message
        changed(42, "02"),  # a server's, from a client's port
        changed(14, "4f"),  # a header that leaves no room
        frame("discover", MAC)[:281],
    ],
)
def test_what_is_no_dhcp_says_nothing(other: bytes) -> None:
    assert dhcp_frames.read(other) is None


@given(st.binary(max_size=40), st.integers(12, 300))
def test_whatever_stands_in_a_frame_is_read_or_left(noise: bytes, at: int) -> None:
    whole = frame("offer", MAC)
    found = dhcp_frames.read(whole[:at] + noise + whole[at + len(noise) :])
    assert found is None or found.kind in dhcp_frames.KINDS.values()
