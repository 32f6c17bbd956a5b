# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load from the client, and what of it got lost: C(probe.py PORT SETTLE DEADLINE IPV4 [IPV6]).

Each millisecond a UDP datagram per family, and a TCP request of 64 bytes a millisecond after the last answer. Prints
C(ready) once everything answers, and counts from there; at the end of stdin it goes on for SETTLE seconds, then until the last 100
datagrams came back (at most DEADLINE seconds), and prints one JSON object:
C({"udp4": {sent, lost, outage_ms}, "udp6": ..., "tcp": {answers, stall_ms, died}}).
C(outage_ms) is the longest time without an answered datagram, 0 where none was lost.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import struct
import sys
import time

TICK = 0.001
RECENT = 100
GRACE = 20  # the newest datagrams may still be on their way
REQUEST = b"q" * 64


class Datagrams:
    """One UDP flow: what was sent when, and which came back."""

    def __init__(self, family: int, address: str, port: int) -> None:
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_RCVBUFFORCE", 33), 8 << 20)
        self.socket.connect((address, port))
        self.socket.setblocking(False)
        self.sent: list[float] = []
        self.back = bytearray()
        self.first = 0

    def send(self, now: float) -> None:
        self.sent.append(now)
        self.back.append(0)
        try:
            self.socket.send(struct.pack("!I60x", len(self.sent) - 1))
        except OSError:  # unreachable reported back, or a full buffer: counted as lost
            pass

    def receive(self) -> None:
        while True:
            try:
                (number,) = struct.unpack_from("!I", self.socket.recv(2048))
            except BlockingIOError:
                return
            except OSError:
                continue
            self.back[number] = 1

    def well(self) -> bool:
        """Whether the last datagrams all came back."""
        recent = self.back[-RECENT - GRACE : -GRACE]
        return len(recent) == RECENT and all(recent)

    def report(self) -> dict[str, float]:
        outage, begun = 0.0, None
        for number in range(self.first, len(self.sent)):
            if not self.back[number]:
                begun = self.sent[number] if begun is None else begun
                outage = (
                    max(outage, self.sent[-1] - begun) if number == len(self.sent) - 1 else outage
                )
            elif begun is not None:
                outage, begun = max(outage, self.sent[number] - begun), None
        counted = self.back[self.first :]
        return {
            "sent": len(counted),
            "lost": counted.count(0),
            "outage_ms": round(outage * 1000, 2),
        }


class Stream:
    """One TCP session of small requests, each sent a tick after the last was answered."""

    def __init__(self, family: int, address: str, port: int) -> None:
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(5)
        self.socket.connect((address, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.asked: float | None = None
        self.last = 0.0
        self.pending = 0
        self.answers = 0
        self.stall = 0.0
        self.died = 0

    def send(self, now: float) -> None:
        if self.asked is None and not self.died and now - self.last >= TICK:
            self._try(self.socket.send, REQUEST)
            self.asked, self.last, self.pending = now, now, len(REQUEST)

    def receive(self) -> None:
        data = self._try(self.socket.recv, 4096)
        if self.died or data is None:
            return
        self.pending -= len(data)
        if self.pending <= 0 and self.asked is not None:
            self.stall = max(self.stall, time.monotonic() - self.asked)
            self.asked = None
            self.answers += 1

    def _try(self, call, argument):
        try:
            answer = call(argument)
        except BlockingIOError:
            return None
        except OSError:
            self.died = 1
            return None
        if answer == b"":
            self.died = 1
        return answer

    def well(self) -> bool:
        return (
            bool(self.died) or self.asked is None or time.monotonic() - self.asked < RECENT * TICK
        )

    def report(self) -> dict[str, float]:
        stall = (
            max(self.stall, time.monotonic() - self.asked) if self.asked is not None else self.stall
        )
        return {"answers": self.answers, "stall_ms": round(stall * 1000, 2), "died": self.died}


def main(port: int, settle: float, deadline: float, addresses: list[str]) -> None:
    families = {f"udp{6 if ':' in address else 4}": address for address in addresses}
    flows = {name: Datagrams(_family(address), address, port) for name, address in families.items()}
    stream = Stream(_family(addresses[0]), addresses[0], port)
    gc.disable()
    everything = [*flows.values(), stream]
    tick, ready, stop = time.monotonic(), False, None
    while True:
        now = time.monotonic()
        while tick <= now:
            for flow in flows.values():
                flow.send(now)
            tick += TICK
        stream.send(now)
        watched = [one.socket for one in everything if not (one is stream and stream.died)] + (
            [0] if stop is None else []
        )
        readable, _w, _x = select.select(watched, [], [], max(0.0, tick - time.monotonic()))
        for one in everything:
            if one.socket in readable:
                one.receive()
        if not ready and all(one.well() for one in everything):
            ready = True
            stream.stall = 0.0
            for flow in flows.values():
                flow.first = len(flow.sent)
            print("ready", flush=True)
        if 0 in readable and not os.read(0, 1):
            stop = now
        if (
            stop is not None
            and now >= stop + settle
            and (all(one.well() for one in everything) or now >= stop + deadline)
        ):
            break
    _drain(flows)
    print(
        json.dumps(
            {**{name: flow.report() for name, flow in flows.items()}, "tcp": stream.report()}
        ),
        flush=True,
    )


def _drain(flows: dict[str, Datagrams]) -> None:
    end = time.monotonic() + 0.1
    while time.monotonic() < end and any(not all(flow.back[-GRACE:]) for flow in flows.values()):
        readable, _w, _x = select.select([flow.socket for flow in flows.values()], [], [], 0.01)
        for flow in flows.values():
            if flow.socket in readable:
                flow.receive()


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
