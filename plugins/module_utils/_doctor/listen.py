# SPDX-License-Identifier: GPL-3.0-or-later
"""Overhear DHCP at every device of the host for a while. Nothing is sent, and no device is told to take more than it does."""

from __future__ import annotations

import ctypes
import socket
import struct
import time
from typing import Any, Callable, Collection, Iterable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import dhcp_frames
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Way
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_heard import Heard

_ETH_P_ALL, _SOL_PACKET, _PACKET_AUXDATA, _PACKET_STATISTICS = 3, 263, 8, 6
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_CHECKSUM_LEFT = 0x08  # TP_STATUS_CSUMNOTREADY
_MOST_BYTES, _BUFFER = 2048, 8 << 20
# More steps than the kernel takes by default (net.core.optmem_max) would come of more MACs
_MOST_MACS = 32
_X_IS, _LOAD_HALF, _EQUAL, _TAKE = 0x01, 0x28, 0x15, 0x06
_BYTE_AT_X, _HALF_AT_X, _WORD_AT_X = 0x50, 0x48, 0x40

_Step = tuple[int, int, int, int]


def _filter(macs: Collection[str]) -> bytes:
    """Classic BPF: UDP over IPv4 to port 67 or 68, with a tag or without, in packets without IP options; of these clients, or of all where none is named."""
    clients: list[_Step] = []
    for mac in macs:
        first, rest = struct.unpack("!IH", bytes.fromhex(mac.replace(":", "")))
        clients += [
            (_WORD_AT_X, 0, 0, 70), (_EQUAL, 0, 3, first), (_HALF_AT_X, 0, 0, 74), (_EQUAL, 0, 1, rest),
            (_TAKE, 0, 0, _MOST_BYTES),
        ]  # fmt: skip
    clients = clients or [(_TAKE, 0, 0, _MOST_BYTES)]
    no = len(clients)  # steps from the last question to the end
    # X is how much a tag takes
    steps = [
        (_X_IS, 0, 0, 0),
        (_LOAD_HALF, 0, 0, 12), (_EQUAL, 3, 0, 0x0800), (_EQUAL, 1, 0, 0x8100), (_EQUAL, 0, no + 6, 0x88A8),
        (_X_IS, 0, 0, 4),
        (_BYTE_AT_X, 0, 0, 23), (_EQUAL, 0, no + 3, 17), (_HALF_AT_X, 0, 0, 36), (_EQUAL, 1, 0, 67), (_EQUAL, 0, no, 68),
        *clients, (_TAKE, 0, 0, 0),
    ]  # fmt: skip
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def listen(
    seconds: float,
    ways: Iterable[Way],
    open_socket: Callable[..., Any] = socket.socket,
    clock: Callable[[], float] = time.monotonic,
) -> Heard:
    """What was heard within so many seconds, of the guests of these ways above all. Raises KernelError."""
    began = clock()
    macs = {way.mac for way in ways}
    heard = Heard({mac for mac in macs if mac})
    # whose MAC is not known yet may be anybody
    named = heard.asked if None not in macs and len(macs) <= _MOST_MACS else ()
    try:
        with open_socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as ear:
            code = ctypes.create_string_buffer(_filter(named))
            program = struct.pack("@HP", len(code) // 8, ctypes.addressof(code))
            ear.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            ear.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            ear.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            # whoever floods a bridge filled the small buffer that there was before the filter
            _lost(ear)
            _hear(ear, heard, began, seconds, clock)
            heard.missed = _lost(ear)
    except OSError as error:
        raise KernelError("listen for DHCP", error.errno or 0) from None
    return heard


def _hear(ear: Any, heard: Heard, began: float, seconds: float, clock: Callable[[], float]) -> None:
    while True:
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
            heard.take(clock() - began, where[0], where[2] == socket.PACKET_OUTGOING, said)


def _lost(ear: Any) -> int:
    """How many frames found no room since this was asked last (packet(7), PACKET_STATISTICS)."""
    return struct.unpack("=II", ear.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[1]


def _is_left(notes: Sequence[tuple[int, int, bytes]]) -> bool:
    """Whether the kernel says that the checksum is still to be made (struct tpacket_auxdata)."""
    return any(
        (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA)
        and struct.unpack_from("=I", data)[0] & _CHECKSUM_LEFT
        for level, kind, data in notes
    )
