# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that opens a monitor socket: QMP, QEMU's JSON over a unix socket.

A stopped QEMU accepts a connection and never greets, and one that serves another client does the same: no read is without
a deadline. QEMU reads what it is asked byte by byte, each with some system calls, so questions to many guests are as short as can be.
Source: QEMU's docs/interop/qmp-spec.
"""

from __future__ import annotations

import collections
import contextlib
import json
import selectors
import socket
import time
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)

# A command with its arguments
Question = tuple[str, Mapping[str, Any]]
# What a guest says to several of them, None where it refuses one, and its version
Said = tuple[list[Any], "str | None"]
_LONGEST_LINE = 16 * 1024 * 1024
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
            self.version = _version(_greeting(path, self._message(deadline)))
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
            _bounded(self.path, self._buffer)
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
        return _parsed(self.path, line)

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"QEMU does not answer at {self.path}: it is stopped, too busy, or another client holds this monitor."
        )

    def _gone(self, error: OSError | None) -> GuestError:
        why = f" ({error.strerror})" if error else ""
        return GuestError(
            f"QEMU closed {self.path}{why}: it has ended, or is about to; look at the guest with qemu_guest_info."
        )


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
            message = _parsed(self.path, line)
            if self._greeting is None:
                self._greeting = _greeting(self.path, message)
            elif "event" not in message:
                self._answers.append(message.get("return"))
        _bounded(self.path, self._buffer)
        if len(self._answers) < self._wanted:
            return None
        return self._answers[1:], _version(self._greeting)


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


def _parsed(path: str, line: bytes) -> dict[str, Any]:
    """A line of a monitor as an object. Raises GuestError."""
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise GuestError(
            f"{path} does not speak QMP: it sends {line[:80].decode(errors='replace')!r}; look what listens there."
        )
    return message


def _greeting(path: str, message: Mapping[str, Any]) -> Any:
    """What a monitor says of itself in its first message. Raises GuestError."""
    if "QMP" not in message:
        raise GuestError(
            f"{path} does not speak QMP: it greets with {str(message)[:80]}; look what listens there."
        )
    return message["QMP"]


def _bounded(path: str, unfinished: bytes) -> None:
    if len(unfinished) > _LONGEST_LINE:
        raise GuestError(f"{path} sends a line without an end; look what listens there.")


def _version(greeting: Any) -> str | None:
    """The version of QEMU that greets, None where it does not say it as QEMU does."""
    try:
        number = greeting["version"]["qemu"]
        return f"{number['major']}.{number['minor']}.{number['micro']}"
    except (KeyError, TypeError):
        return None


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
