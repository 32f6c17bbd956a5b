# SPDX-License-Identifier: GPL-3.0-or-later
"""Overhear DHCP at every device of the host for a while. Nothing is sent, and no device is told to take more than it does."""

from __future__ import annotations

import ctypes
import socket
import struct
import time
from typing import Any, Callable, Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import dhcp_frames
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_frames import Sighting

_ETH_P_ALL, _SOL_PACKET, _PACKET_AUXDATA, _SO_ATTACH_FILTER = 3, 263, 8, 26
_CHECKSUM_LEFT = 0x08  # TP_STATUS_CSUMNOTREADY
_MOST_BYTES, _MOST_FRAMES = 2048, 10_000
_LOAD_HALF, _LOAD_BYTE, _EQUAL, _TAKE = 0x28, 0x30, 0x15, 0x06


def _filter() -> bytes:
    """Classic BPF: UDP over IPv4 to port 67 or 68, with a tag or without, in packets without IP options."""
    steps = [
        (_LOAD_HALF, 0, 0, 12), (_EQUAL, 2, 0, 0x0800), (_EQUAL, 6, 0, 0x8100), (_EQUAL, 5, 11, 0x88A8),
        # untagged
        (_LOAD_BYTE, 0, 0, 23), (_EQUAL, 0, 9, 17), (_LOAD_HALF, 0, 0, 36), (_EQUAL, 6, 0, 67), (_EQUAL, 5, 6, 68),
        # tagged
        (_LOAD_BYTE, 0, 0, 27), (_EQUAL, 0, 4, 17), (_LOAD_HALF, 0, 0, 40), (_EQUAL, 1, 0, 67), (_EQUAL, 0, 1, 68),
        (_TAKE, 0, 0, _MOST_BYTES), (_TAKE, 0, 0, 0),
    ]  # fmt: skip
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def listen(
    seconds: float,
    open_socket: Callable[..., Any] = socket.socket,
    clock: Callable[[], float] = time.monotonic,
) -> list[Sighting]:
    """What was heard within so many seconds, in its order. Raises KernelError."""
    began = clock()
    try:
        with open_socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as ear:
            code = ctypes.create_string_buffer(_filter())
            program = struct.pack("@HP", len(_filter()) // 8, ctypes.addressof(code))
            ear.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            ear.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            return list(_heard(ear, began, seconds, clock))
    except OSError as error:
        raise KernelError("listen for DHCP", error.errno or 0) from None


def _heard(
    ear: Any, began: float, seconds: float, clock: Callable[[], float]
) -> Iterator[Sighting]:
    for _frame in range(_MOST_FRAMES):
        left = began + seconds - clock()
        if left <= 0:
            return
        ear.settimeout(left)
        try:
            data, notes, _flags, where = ear.recvmsg(_MOST_BYTES, 64)
        except socket.timeout:
            return
        said = dhcp_frames.read(data, _is_left(notes))
        if said is not None:
            yield Sighting(clock() - began, where[0], where[2] == socket.PACKET_OUTGOING, said)


def _is_left(notes: Sequence[tuple[int, int, bytes]]) -> bool:
    """Whether the kernel says that the checksum is still to be made (struct tpacket_auxdata)."""
    return any(
        (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA)
        and struct.unpack_from("=I", data)[0] & _CHECKSUM_LEFT
        for level, kind, data in notes
    )
