# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest agent that behaves as well or as badly as it is told: a server at the socket that QEMU would have."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

SYNC = "guest-sync-delimited"
LIMIT = "fsfreeze is limited up to 10 seconds"


class FakeAgent:
    """Serves C(path) until it is closed. C(says): by command what it answers in place of the value 1; None is silence.

    C(stale): what it says before anything is asked, as an agent whose last client gave up does. C(seen): the commands, in order.
    """

    def __init__(self, path: Path, says: dict[str, Any] | None = None, stale: bytes = b"") -> None:
        self.seen: list[str] = []
        self.frozen = False
        self._says, self._stale = says or {}, stale
        self._clients: list[socket.socket] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        os.chmod(path, 0o666)
        self._socket.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> FakeAgent:
        return self

    def __exit__(self, *_unused: object) -> None:
        for one in [self._socket, *self._clients]:
            one.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _name = self._socket.accept()
                self._clients.append(client)
                with contextlib.suppress(OSError):
                    self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        client.sendall(self._stale)
        with client.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line.replace(b"\xff", b""))
                command = request["execute"]
                if command != SYNC:
                    self.seen.append(command)
                answer = self._says.get(command, {"return": request.get("arguments", {}).get("id", 1)})  # fmt: skip
                if answer is None:
                    continue
                if "error" not in answer:
                    self.frozen = {"guest-fsfreeze-freeze": True, "guest-fsfreeze-thaw": False}.get(command, self.frozen)  # fmt: skip
                client.sendall(b"\xff" * (command == SYNC) + json.dumps(answer).encode() + b"\n")


def refusing(words: str) -> dict[str, Any]:
    return {"error": {"class": "GenericError", "desc": words}}
