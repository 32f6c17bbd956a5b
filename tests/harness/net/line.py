# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet socket that hears what it is told to hear, and notes what is sent."""

from __future__ import annotations

import socket
from typing import Any


class Line:
    """Stands in for C(socket.socket): C(line.open) is what a function takes as its C(open_socket). Silence is a timeout at once."""

    def __init__(self, *heard: bytes) -> None:
        self.heard = list(heard)
        self.sent: list[bytes] = []
        self.bound: tuple[Any, ...] = ()
        self.opened: tuple[Any, ...] = ()
        self.joined: list[bytes] = []
        self.closed = False

    def open(self, *arguments: Any) -> Any:
        self.opened = arguments
        return self

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_error: object) -> None:
        self.closed = True

    def bind(self, where: tuple[Any, ...]) -> None:
        self.bound = where

    def setsockopt(self, _level: int, _name: int, value: bytes) -> None:
        self.joined.append(value)

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def sendto(self, packet: bytes, _where: tuple[Any, ...]) -> None:
        self.sent.append(packet)

    def recv(self, _most: int) -> bytes:
        if not self.heard:
            raise socket.timeout
        return self.heard.pop(0)
