# SPDX-License-Identifier: GPL-3.0-or-later
"""Hear whether the switch behind a NIC runs STP, and how long a port of it is mute when its link comes up. Source: IEEE 802.1D-2004, 9.3."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

LISTEN_SECONDS = 2.5  # a switch says it every hello time, which is 2 s unless somebody changed it
STANDARD_DELAY = 15.0  # seconds, the standard's own forward delay

# what comes in with a length in the place of a type: on a living network next to nothing else
_ETH_P_802_2 = 0x0004
_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _PACKET_MR_MULTICAST = 263, 1, 0
_GROUP = bytes.fromhex("0180c2000000")
_LLC = b"\x42\x42\x03"
_CONFIGURATION, _RAPID = 0, 2
_TIMES = 17 + 29  # message age, max age, hello time and forward delay stand there, each in 1/256 s


def forward_delay(frame: bytes) -> float | None:
    """PURE. The forward delay in seconds that a frame tells; None where it is no BPDU, or one without times."""
    if (
        len(frame) < _TIMES + 6
        or frame[:6] != _GROUP
        or frame[14:17] != _LLC
        or frame[17:19] != b"\0\0"
        or frame[20] not in (_CONFIGURATION, _RAPID)
    ):
        return None
    return struct.unpack_from("!H", frame, _TIMES + 4)[0] / 256


def listen(
    dev: str,
    index: int,
    seconds: float = LISTEN_SECONDS,
    open_socket: Callable[..., socket.socket] = socket.socket,
) -> float | None:
    """The forward delay of the switch behind a NIC, heard within C(seconds); None where none is heard. Raises OSError."""
    with open_socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_802_2)) as ear:
        ear.bind((dev, _ETH_P_802_2))
        ear.setsockopt(
            _SOL_PACKET,
            _PACKET_ADD_MEMBERSHIP,
            struct.pack("=iHH8s", index, _PACKET_MR_MULTICAST, len(_GROUP), _GROUP),
        )
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ear.settimeout(left)
            try:
                frame = ear.recv(2048)
            except socket.timeout:
                break
            delay = forward_delay(frame)
            if delay is not None:
                return delay
    return None
