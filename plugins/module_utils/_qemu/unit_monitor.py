# SPDX-License-Identifier: GPL-3.0-or-later
"""What a unit asks of its guest's monitor: a program of its own, which needs Python alone. The monitors are in DIRECTORY.

``monitor.py stop DIRECTORY SECONDS``, when the unit is stopped: ask the guest to shut down, and wait so long until it has. The exit status is
always 0: what is left then is systemd's to end, and a unit whose ExecStop= fails, or is still running at TimeoutStopSec=, would be called failed
though its guest ended well.

``monitor.py begin DIRECTORY STEPS [-S]``, after QEMU was started with its processors held still: have it take over what no command line says, such as
a link that is down, and let the guest begin, unless it shall stay paused. STEPS is a list in JSON of commands with their arguments. Whatever goes
wrong makes the exit status 1, and systemd end the guest: it would be on a network that it was taken off.

What became of it is told on standard output, for the journal.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import sys
import time
from typing import Any, Iterator, Sequence

SOCKETS = ("qmp.sock", "spare.sock")
_GREETING = 3.0  # a monitor that another client holds never greets
_CHUNK = 65536
_LONGEST = 2**20
_LONGEST_START = 60.0  # seconds, less than TimeoutStartSec= has
_CLOEXEC, _NONBLOCK, _CREATED = 0o2000000, 0o4000, 0x100  # of inotify(7)


class Monitor:
    """One connection to QEMU, whatever QEMU has become: everything that it does has a deadline. Raises OSError and ValueError."""

    def __init__(self, path: str, deadline: float) -> None:
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            self._socket.connect(path)
            next(self.messages(deadline))
            self.execute("qmp_capabilities", deadline)
        except BaseException:
            self._socket.close()
            raise

    def execute(self, command: str, deadline: float, **arguments: Any) -> Any:
        asked = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(asked).encode() + b"\n")
        for message in self.messages(deadline):
            if "error" in message:
                raise ValueError(f"QEMU refuses {command}")
            if "return" in message:
                return message["return"]
        return None  # it ended first

    def close(self) -> None:
        self._socket.close()

    def messages(self, deadline: float) -> Iterator[dict[str, Any]]:
        """What QEMU says, until it hangs up. Raises TimeoutError at the deadline."""
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if found:
                self._buffer = rest
                message = json.loads(line)
                if not isinstance(message, dict):
                    raise ValueError("that is no monitor")
                yield message
                continue
            left = deadline - time.monotonic()
            if left <= 0 or len(line) > _LONGEST:
                raise TimeoutError
            self._socket.settimeout(left)
            said = self._socket.recv(_CHUNK)
            if not said:
                return
            self._buffer += said

    def gone(self, deadline: float) -> bool:
        """Whether QEMU hangs up in time, as it does when it ends."""
        try:
            for _event in self.messages(deadline):
                pass
        except ConnectionError:
            return True
        except (OSError, ValueError, RecursionError):
            return False
        return True


def ask(directory: str, seconds: float) -> str:
    """Ask the guest of that directory, and wait for its end so long; what came of it, as a sentence."""
    begin = time.monotonic()
    if seconds <= 0:
        return "The guest is not asked to shut down: it was given no time for that."
    why = "there is no monitor"
    for name in SOCKETS:
        deadline = min(begin + seconds, time.monotonic() + _GREETING)
        try:
            monitor = Monitor(os.path.join(directory, name), deadline)
            status = monitor.execute("query-status", deadline)
            if isinstance(status, dict) and status.get("status") in ("paused", "prelaunch"):
                monitor.execute("cont", deadline)  # what does not run cannot shut down
            monitor.execute("system_powerdown", deadline)
        except (FileNotFoundError, ConnectionRefusedError):
            continue
        except (OSError, ValueError, RecursionError, StopIteration) as error:
            why = str(error) or "its monitor does not answer"
            continue
        if monitor.gone(begin + seconds):
            return f"The guest shut down by itself within {time.monotonic() - begin:.1f} s."
        return f"The guest did not shut down within {seconds:g} s; QEMU is ended."
    if why == "there is no monitor":
        return "QEMU has ended already."
    return f"The guest could not be asked to shut down: {why}; QEMU is ended."


def begin(directory: str, steps: Sequence[Any], paused: bool, main: int) -> str:
    """Have the guest of that directory take over these steps and begin; what came of it, as a sentence. C(main) is its process. Raises OSError, ValueError."""
    deadline = time.monotonic() + _LONGEST_START
    process, watch = os.pidfd_open(main), -1
    try:
        watch = _watched(directory)
        monitor = _first(os.path.join(directory, SOCKETS[0]), deadline, process, watch)
    finally:
        for descriptor in {process, watch} - {-1}:
            os.close(descriptor)
    for command, arguments in [*steps, *([] if paused else [("cont", {})])]:
        if monitor.execute(command, deadline, **arguments) is None:
            raise ValueError("QEMU has ended")
    monitor.close()
    return f"Set before the guest begins: {json.dumps(steps)}."


def _watched(directory: str) -> int:
    """A descriptor that can be read once something is made in a directory. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(_CLOEXEC | _NONBLOCK)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(directory), _CREATED) < 0:
        number = ctypes.get_errno()
        if descriptor >= 0:
            os.close(descriptor)
        raise OSError(number, f"{os.strerror(number)}, by inotify", directory)
    return int(descriptor)


def _first(path: str, deadline: float, process: int, watch: int) -> Monitor:
    """The monitor of a QEMU that is being started. C(process) is its pidfd, C(watch) tells of its directory. Raises OSError, ValueError."""
    while True:
        try:
            return Monitor(path, deadline)
        except (FileNotFoundError, ConnectionRefusedError):
            # it has a name before it listens, which is no event: QEMU makes the next one then, whose name is one
            told = select.select([process, watch], [], [], max(0.0, deadline - time.monotonic()))[0]
            if process in told:
                raise ValueError("QEMU has ended") from None
            if not told:
                raise TimeoutError("its monitor does not come") from None
            os.read(watch, _CHUNK)


def main(words: list[str], main_pid: str = "") -> int:
    """What is asked for by the program's words; its exit status."""
    verb, *rest = words or [""]
    if verb == "begin":
        try:
            said, status = begin(rest[0], json.loads(rest[1]), "-S" in rest[2:], int(main_pid)), 0
        except Exception as error:  # whatever it is, the guest must not run on
            said, status = f"The guest cannot begin as it was asked for: {error or error!r}.", 1
    else:
        status = 0
        try:
            said = ask(rest[0], float(rest[1]))
        except Exception as error:  # see above: never a failure
            said = f"The guest could not be asked to shut down: {error!r}."
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], os.environ.get("MAINPID", "")))
