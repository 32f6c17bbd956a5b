# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest agent: asked to hold the guest's file systems still, and always to let them go again.

What it says are bytes of the guest. After an answer that came too late all later ones would be one behind, so each talk begins with a
number of its own, and what comes before its echo is thrown away. Source: QEMU's docs/interop/qemu-ga-ref.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
    HypervisorNetworkError,
)

SOCKET = "agent.sock"  # in the guest's own run directory
_ANSWER = 5.0
_FREEZE = 60.0  # hooks of the guest may flush databases first
_LONGEST = 1024 * 1024
_DELIMITER = b"\xff"


class Agent:
    """A talk with the agent at this socket; also a context that ends it. Raises GuestError and DeadlineExceeded."""

    def __init__(self, path: str, timeout: float = _ANSWER) -> None:
        self._path, self._timeout = path, timeout
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
            self._synchronise()
        except OSError as error:
            self._socket.close()
            raise self._silent(error) from None
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def call(self, command: str, timeout: float | None = None, **arguments: Any) -> Any:
        """What the agent answers to a command. Raises GuestError with its own words where it refuses."""
        try:
            self._send(command, arguments)
            answer = self._line(time.monotonic() + (timeout or self._timeout))
        except OSError as error:
            raise self._silent(error) from None
        return value_of(command, answer)

    def _synchronise(self) -> None:
        number = secrets.randbelow(2**31)
        self._socket.sendall(_DELIMITER)
        self._send("guest-sync-delimited", {"id": number})
        deadline = time.monotonic() + self._timeout
        while self._line(deadline).get("return") != number:
            pass

    def _send(self, command: str, arguments: dict[str, Any]) -> None:
        request: dict[str, Any] = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self._socket.sendall(json.dumps(request).encode() + b"\n")

    def _line(self, deadline: float) -> dict[str, Any]:
        """The next object that the agent says; what is none is passed over."""
        while True:
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._silent()
                self._socket.settimeout(left)
                said = self._socket.recv(65536)
                if not said or len(self._buffer) > _LONGEST:
                    raise self._silent()
                self._buffer += said
            line, self._buffer = self._buffer.split(b"\n", 1)
            with contextlib.suppress(ValueError, RecursionError):
                found = json.loads(line.rpartition(_DELIMITER)[2])
                if isinstance(found, dict):
                    return found

    def _silent(self, error: OSError | None = None) -> DeadlineExceeded:
        why = f" ({error.strerror})" if error is not None and error.strerror else ""
        return DeadlineExceeded(
            f"The guest agent does not answer at {self._path}{why}; install qemu-guest-agent in the guest and start it, or leave quiesce out."
        )


def value_of(command: str, answer: Mapping[str, Any]) -> Any:
    """The value in an answer. Raises GuestError with the agent's own words where it refuses."""
    if "error" in answer:
        said = answer["error"]
        words = said.get("desc", said) if isinstance(said, dict) else said
        raise GuestError(
            f"The guest agent refuses {command}: {' '.join(str(words).split())[:300]}."
        )
    return answer.get("return")


@dataclass
class Held:
    """Whether the guest's file systems were held still from the begin of a step to its end; C(note) says why not."""

    note: str | None = None


@contextlib.contextmanager
def frozen(path: str, remember: Callable[[], None], forget: Callable[[], None]) -> Iterator[Held]:
    """The guest's file systems are held still within. C(remember) is called before, C(forget) once they are let go for sure.

    A guest lets them go by itself after ten seconds: then the thaw fails, and what was done within is of no single moment for it.
    """
    held = Held()
    remember()
    try:
        with Agent(path) as agent:
            agent.call("guest-fsfreeze-freeze", _FREEZE)
        yield held
    finally:
        held.note = thaw(path)
        if held.note is None or "10 seconds" in held.note:
            forget()


def thaw(path: str) -> str | None:
    """Let the guest's file systems go; None, or why that failed. One that holds none is fine."""
    try:
        with Agent(path) as agent:
            agent.call("guest-fsfreeze-thaw", 2 * _ANSWER)
    except HypervisorNetworkError as error:
        return str(error)
    return None


def socket_of(folder: str) -> str:
    return os.path.join(folder, SOCKET)
