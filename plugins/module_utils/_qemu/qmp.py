# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to one monitor: QMP, QEMU's JSON over a unix socket. Only this file and survey.py open such a socket.

A stopped QEMU accepts a connection and never greets, and one that serves another client does the same: no read is without
a deadline. Source: QEMU's docs/interop/qmp-spec.
"""

from __future__ import annotations

import collections
import json
import socket
import time
from typing import Any, Callable, Iterable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
    HungUp,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.survey import (
    bounded,
    greeting,
    parsed,
    version,
)

_CHUNK = 65536
_KEPT_EVENTS = 1000


class Qmp:
    """A connection to one monitor, negotiated and ready for commands; also a context that closes it.

    C(timeout) is in seconds and holds for each answer. Raises GuestError where nobody listens or the peer hangs up,
    DeadlineExceeded where no greeting or answer comes in time.
    """

    def __init__(
        self,
        path: str,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._timeout = timeout
        self._clock = clock
        self._buffer = b""
        self._events: collections.deque[dict[str, Any]] = collections.deque(maxlen=_KEPT_EVENTS)
        self._number = 0
        deadline = clock() + timeout
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(timeout)
            self._connect()
            self.version = version(greeting(path, self._message(deadline)))
            self.execute("qmp_capabilities")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Qmp:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def execute(
        self,
        command: str,
        timeout: float | None = None,
        handing: Sequence[int] = (),
        **arguments: Any,
    ) -> Any:
        """Run one command and return its value; events that come first are kept for C(event). C(handing): descriptors that go with it.

        Raises GuestError with QEMU's own sentence where it refuses.
        """
        self._number += 1
        request: dict[str, Any] = {"execute": command, "id": self._number}
        if arguments:
            request["arguments"] = arguments
        deadline = self._clock() + (self._timeout if timeout is None else timeout)
        self._send(json.dumps(request).encode() + b"\n", deadline, handing)
        while True:
            answer = self._message(deadline)
            if "event" in answer:
                self._events.append(answer)
            if answer.get("id") != self._number:
                continue  # an event, or of a command that an earlier deadline gave up on
            if "error" in answer:
                raise GuestError(
                    f"QEMU refuses {command}: {answer['error'].get('desc', answer['error'])}."
                )
            return answer.get("return")

    def event(self, timeout: float) -> dict[str, Any] | None:
        """The next event, one that was kept first; None where none comes within C(timeout) seconds. Raises GuestError where QEMU hangs up."""
        if self._events:
            return self._events.popleft()
        deadline = self._clock() + timeout
        try:
            while True:
                message = self._message(deadline)
                if "event" in message:
                    return message
        except DeadlineExceeded:
            return None

    def _connect(self) -> None:
        try:
            self._socket.connect(self.path)
        except (socket.timeout, BlockingIOError):
            raise self._late() from None
        except OSError as error:
            raise GuestError(f"Nobody answers at {self.path}: {error.strerror or error}.") from None

    def _send(self, data: bytes, deadline: float, handing: Sequence[int]) -> None:
        try:
            self._socket.settimeout(self._left(deadline))
            if handing:
                data = data[socket.send_fds(self._socket, [data], list(handing)) :]
            self._socket.sendall(data)
        except socket.timeout:
            raise self._late() from None
        except OSError as error:
            raise self._gone(error) from None

    def _message(self, deadline: float) -> dict[str, Any]:
        """The next line, as an object."""
        while b"\n" not in self._buffer:
            bounded(self.path, self._buffer)
            try:
                self._socket.settimeout(self._left(deadline))
                chunk = self._socket.recv(_CHUNK)
            except socket.timeout:
                raise self._late() from None
            except OSError as error:
                raise self._gone(error) from None
            if not chunk:
                raise self._gone(None)
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return parsed(self.path, line)

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"QEMU does not answer at {self.path}: it is stopped, too busy, or another client holds this monitor."
        )

    def _gone(self, error: OSError | None) -> HungUp:
        why = f" ({error.strerror})" if error else ""
        return HungUp(
            f"QEMU closed {self.path}{why}: it has ended, or is about to; look at the guest with qemu_guest_info."
        )


def connect_any(paths: Iterable[str], timeout: float) -> Qmp:
    """The first of these monitors that answers, each within its share of C(timeout): one client may hold the first of them.

    Raises the last one's error.
    """
    paths = list(paths)
    failure: GuestError | DeadlineExceeded = GuestError(
        "There is no monitor to ask; start the guest with qemu_guest."
    )
    for path in paths:
        try:
            return Qmp(path, timeout / len(paths))
        except (GuestError, DeadlineExceeded) as error:
            failure = error
    raise failure
