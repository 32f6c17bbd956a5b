# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer UDP datagrams and TCP bytes with themselves, on one port, until killed. Run inside the host: C(echo.py PORT)."""

from __future__ import annotations

import selectors
import socket
import sys

BUFFER = 8 << 20


def _socket(family: int, kind: int, port: int) -> socket.socket:
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind == socket.SOCK_DGRAM:
        # What waits for a late reader must not be counted as lost on the wire.
        made.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_RCVBUFFORCE", 33), BUFFER)
    made.bind(("", port))
    made.setblocking(False)
    return made


def main(port: int) -> None:
    select = selectors.DefaultSelector()
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            datagrams, streams = (
                _socket(family, socket.SOCK_DGRAM, port),
                _socket(family, socket.SOCK_STREAM, port),
            )
        except OSError:  # a host without IPv6
            continue
        streams.listen(64)
        select.register(datagrams, selectors.EVENT_READ, "datagram")
        select.register(streams, selectors.EVENT_READ, "listener")
    print("ready", flush=True)
    while True:
        for key, _events in select.select():
            try:
                _answer(select, key)
            except BlockingIOError:
                continue
            # no route back while the network is rebuilt: that packet is lost, and is counted by the client
            except OSError:
                if key.data == "stream":
                    select.unregister(key.fileobj)
                    key.fileobj.close()


def _answer(select: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    if key.data == "listener":
        stream, _peer = key.fileobj.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setblocking(False)
        select.register(stream, selectors.EVENT_READ, "stream")
    elif key.data == "stream":
        data = key.fileobj.recv(65536)
        if data:
            key.fileobj.send(data)
        else:
            select.unregister(key.fileobj)
            key.fileobj.close()
    else:
        data, peer = key.fileobj.recvfrom(2048)
        key.fileobj.sendto(data, peer)


if __name__ == "__main__":
    main(int(sys.argv[1]))
