# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw frames between stations on a bridge's ports, and counts of what came out where. No code of the collection."""

from __future__ import annotations

import itertools
import socket
import struct
from collections import Counter

from ..process.waiting import wait_for
from .netns import inside

ETHERTYPE = 0x88B5  # IEEE 802: for local experiments, so that nothing else on the wire is counted
BROADCAST = "ff:ff:ff:ff:ff:ff"
PATIENCE = 10.0
_NUMBERS = itertools.count(1)


class Station:
    """A device that frames are written to and counted at; C(mac) is what it sends as."""

    def __init__(self, netns: str, dev: str, mac: str) -> None:
        self.netns = netns
        self.mac = mac
        self._socket = inside(netns, _opened, dev)
        self._seen: Counter[int] = Counter()

    def __enter__(self) -> Station:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._socket.close()

    def send(
        self, to: str = BROADCAST, source: str | None = None, number: int | None = None
    ) -> int:
        """One frame; returns its number, by which it is found again."""
        number = next(_NUMBERS) if number is None else number
        self._socket.send(
            _bytes(to)
            + _bytes(source or self.mac)
            + struct.pack("!HI", ETHERTYPE, number)
            + bytes(42)
        )
        return number

    def count(self, number: int) -> int:
        """How often the frame of that number has come in so far."""
        while True:
            try:
                data, address = self._socket.recvfrom(2048)
            except BlockingIOError:
                return self._seen[number]
            if address[2] != socket.PACKET_OUTGOING:
                self._seen[struct.unpack_from("!I", data, 14)[0]] += 1

    def numbers(self) -> set[int]:
        """What has come in so far, by the first four bytes behind the type: also what is no station's."""
        self.count(0)
        return set(self._seen)


def counts(number: int, sender: Station, stations: dict[str, Station]) -> dict[str, int]:
    """Where a frame came out, once it can come out nowhere any more: two broadcasts that were sent after it are there.

    What is on its way to one port may be overtaken where the sender changes its processor, hence two.
    """
    for _again in range(2):
        last = sender.send()
        wait_for(
            lambda last=last: all(one.count(last) for one in stations.values()),
            "the broadcast after it",
        )
    return {name: one.count(number) for name, one in stations.items() if one.count(number)}


def _opened(dev: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    made.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_RCVBUFFORCE", 33), 8 << 20)
    made.bind((dev, ETHERTYPE))
    made.setblocking(False)
    return made


def _bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
