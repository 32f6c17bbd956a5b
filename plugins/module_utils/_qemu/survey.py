# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks many monitors at the same time; and what all of QMP's messages have in common. Beside qmp.py the only file that opens such a socket.

QEMU reads what it is asked byte by byte, each with some system calls, so the questions are as short as can be.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import time
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError

# A command with its arguments
Question = tuple[str, Mapping[str, Any]]
# What a guest says to several of them, None where it refuses one, and its version
Said = tuple[list[Any], "str | None"]
LONGEST_LINE = 16 * 1024 * 1024
_CHUNK = 65536


class _Talk:
    """What a monitor says of itself and to C(questions), piece by piece; whatever is C(said), in their order, as it has no number."""

    def __init__(self, path: str, questions: Sequence[Question]) -> None:
        self.path, self._wanted = path, len(questions) + 1
        self._buffer = b""
        self._greeting: Any = None
        self._answers: list[Any] = []

    def hears(self, piece: bytes) -> Said | None:
        """All that it says, where this was the last of it. Raises GuestError where that is no QMP."""
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        for line in lines:
            message = parsed(self.path, line)
            if self._greeting is None:
                self._greeting = greeting(self.path, message)
            elif "event" not in message:
                self._answers.append(message.get("return"))
        bounded(self.path, self._buffer)
        if len(self._answers) < self._wanted:
            return None
        return self._answers[1:], version(self._greeting)


def ask_each(
    asked: Mapping[str, Sequence[Question]],
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Said]:
    """What these monitors say to several questions each, by their paths. All are asked before the first is heard, and so work at the same time.

    C(timeout) is in seconds, for all together. A monitor that does not say all in time, or says what is no QMP, is not in the result.
    """
    found: dict[str, Said] = {}
    deadline = clock() + timeout
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for path, questions in asked.items():
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            stack.enter_context(client)
            client.setblocking(False)
            with contextlib.suppress(OSError):  # nobody is there, or too many wait already
                client.connect(path)
                client.sendall(_short([("qmp_capabilities", {}), *questions]))
                selector.register(client, selectors.EVENT_READ, _Talk(path, questions))
        late = False
        while selector.get_map() and not late:
            left = deadline - clock()
            late = left <= 0  # what has come by now is heard
            for key, _events in selector.select(max(left, 0.0)):
                client, talk = key.fileobj, key.data
                try:
                    piece = client.recv(_CHUNK)
                    said = talk.hears(piece)
                except (OSError, GuestError):
                    piece, said = b"", None
                if said is not None:
                    found[talk.path] = said
                if said is not None or not piece:
                    selector.unregister(client)
                    client.close()  # for whoever waits for it
    return found


def _short(questions: Iterable[Question]) -> bytes:
    """These questions with nothing that can be left out."""
    lines = []
    for command, arguments in questions:
        request = {"execute": command, **({"arguments": arguments} if arguments else {})}
        lines.append(json.dumps(request, separators=(",", ":")).encode() + b"\n")
    return b"".join(lines)


def parsed(path: str, line: bytes) -> dict[str, Any]:
    """A line of a monitor as an object. Raises GuestError."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise GuestError(
            f"{path} does not speak QMP: it sends {line[:80].decode(errors='replace')!r}; look what listens there."
        )
    return message


def greeting(path: str, message: Mapping[str, Any]) -> Any:
    """What a monitor says of itself in its first message. Raises GuestError."""
    if "QMP" not in message:
        raise GuestError(
            f"{path} does not speak QMP: it greets with {str(message)[:80]}; look what listens there."
        )
    return message["QMP"]


def bounded(path: str, unfinished: bytes) -> None:
    """Raise GuestError where a line does not end."""
    if len(unfinished) > LONGEST_LINE:
        raise GuestError(f"{path} sends a line without an end; look what listens there.")


def version(greeting: Any) -> str | None:
    """The version of QEMU that greets, None where it does not say it as QEMU does."""
    try:
        number = greeting["version"]["qemu"]
        return f"{number['major']}.{number['minor']}.{number['micro']}"
    except (KeyError, TypeError):
        return None
