# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitors that behave as badly as QEMU's can."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}, "capabilities": []}}
Answer = Callable[[dict[str, Any]], Iterable[Any]]


class Server:
    """One monitor: what it greets with, and what it answers to each command (a list of lines; None hangs up)."""

    def __init__(self, path: Path, greeting: Any, answer: Answer) -> None:
        self.path = str(path)
        self.seen: list[str] = []
        self.said = 0  # messages
        self._greeting = greeting
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen(2)
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        for one in [self._socket, *self._open]:
            one.close()

    def _serve(self) -> None:
        try:
            while True:
                client, _name = self._socket.accept()
                self._open.append(client)
                self._talk(client)
        except OSError:
            return  # closed by the test

    def _talk(self, client: socket.socket) -> None:
        if self._greeting is None:
            return
        self._say(client, self._greeting)
        with client.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                self.seen.append(request["execute"])
                for answer in self._answer(request):
                    if answer is None:
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    self._say(client, answer)

    def _say(self, client: socket.socket, message: Any) -> None:
        client.sendall(
            message if isinstance(message, bytes) else json.dumps(message).encode() + b"\r\n"
        )
        self.said += 1


def well(request: dict[str, Any]) -> list[Any]:
    value = {"status": "running"} if request["execute"] == "query-status" else {}
    return [{"return": value, "id": request.get("id")}]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Callable[..., Server]]:
    """A function that makes a monitor in a folder, which greets and answers well unless it is said otherwise."""
    servers: list[Server] = []

    def make(**given: Any) -> Server:
        path = folder / f"{len(servers)}.sock"
        servers.append(Server(path, **{"greeting": GREETING, "answer": well, **given}))
        return servers[-1]

    try:
        yield make
    finally:
        for server in servers:
            server.close()
