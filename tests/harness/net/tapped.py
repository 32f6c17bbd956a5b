# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests as their host sees them: processes that hold a tap, and send frames to each other all the time. What got lost is counted where it comes out."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from ..process.waiting import wait_for
from .frames import ETHERTYPE, Station
from .netns import inside, ip_json

_TUNSETIFF, _TAP, _NO_PI, _VNET_HDR = 0x400454CA, 0x0002, 0x1000, 0x4000
_VNET = 10  # struct virtio_net_hdr
TICK = 0.005


class _Held:
    """A tap as the socket that a Station writes to and reads from: the guest's side of it."""

    def __init__(self, descriptor: int, header: int) -> None:
        self._descriptor, self._header = descriptor, header

    def send(self, frame: bytes) -> None:
        # a tap that is down refuses it, and a guest's frame is lost then
        with suppress(OSError):
            os.write(self._descriptor, bytes(self._header) + frame)

    def recv(self, size: int) -> bytes:
        """Whatever came out of the bridge next. Raises BlockingIOError."""
        return os.read(self._descriptor, size + self._header)[self._header :]

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int, int]]:
        while True:
            frame = self.recv(size)
            if frame[12:14] == ETHERTYPE.to_bytes(2, "big"):
                return frame, ("", 0, socket.PACKET_HOST)

    def close(self) -> None:
        os.close(self._descriptor)


class Guest(Station):
    """Whoever holds a persistent tap, as QEMU does: frames that are written into it come in at its bridge."""

    def __init__(self, netns: str, tap: str, mac: str) -> None:
        (link,) = ip_json(netns, "-d", "link", "show", "dev", tap)
        vnet = link["linkinfo"]["info_data"].get("vnet_hdr", False)
        self.netns, self.mac = netns, mac
        self._socket = _Held(inside(netns, _held, tap, vnet), _VNET if vnet else 0)
        self._seen: Counter[int] = Counter()


class Traffic:
    """Pairs of stations, each of which sends the other a frame every few milliseconds until this ends."""

    def __init__(self, **pairs: tuple[Station, Station]) -> None:
        self._pairs = {
            f"{name}{arrow}": (sender, receiver)
            for name, (one, other) in pairs.items()
            for arrow, sender, receiver in ((">", one, other), ("<", other, one))
        }
        self._open: dict[str, set[int]] = {way: set() for way in self._pairs}
        self._rounds = 0
        self._lock, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._end.wait(TICK):
            with self._lock:
                for way, (sender, receiver) in self._pairs.items():
                    self._open[way].add(sender.send(receiver.mac))
                self._drain()
                self._rounds += 1

    def _drain(self) -> None:
        for way, (_sender, receiver) in self._pairs.items():
            self._open[way] = {number for number in self._open[way] if not receiver.count(number)}

    def sent(self, number: int) -> None:
        """Wait until each has sent that many more."""
        end = self._rounds + number + 1
        wait_for(lambda: self._rounds >= end, "frames of the guests")

    def lost(self) -> dict[str, int]:
        """By way, how many of the frames that were sent since the last look never came out; one that was sent later has come out of each way by then."""
        with self._lock:
            due = {way: set(numbers) for way, numbers in self._open.items()}
            last = {way: sender.send(to.mac) for way, (sender, to) in self._pairs.items()}
        wait_for(lambda: self._arrived(last), "a frame from each guest")
        with self._lock:
            self._drain()
            missing = {way: due[way] & self._open[way] for way in self._pairs}
            for way, numbers in missing.items():
                self._open[way] -= numbers
        return {way: len(numbers) for way, numbers in missing.items() if numbers}

    def _arrived(self, last: Mapping[str, int]) -> bool:
        with self._lock:
            return all(to.count(last[way]) for way, (_sender, to) in self._pairs.items())

    def _wait_until_open(self) -> None:
        """A port forwards only a moment after somebody holds its tap, on a busy machine a long one: what is sent before is no loss of anybody's."""
        closed: dict[str, set[int]] = {way: set() for way in self._pairs}

        def open_ways() -> bool:
            for way, numbers in tuple(closed.items()):
                sender, receiver = self._pairs[way]
                if any(map(receiver.count, numbers)):
                    del closed[way]
                else:
                    numbers.add(sender.send(receiver.mac))
            return not closed

        wait_for(open_ways, "a frame from each guest")

    def __enter__(self) -> Traffic:
        self._wait_until_open()
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._end.set()
        self._thread.join()


def _held(tap: str, vnet: bool) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    flags = _TAP | _NO_PI | (_VNET_HDR if vnet else 0)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", tap.encode(), flags))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
