# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a guest to shut down and wait until it has: a program of its own, which its unit runs when it is stopped, and which needs Python alone.

``powerdown.py DIRECTORY SECONDS``: the monitors are in that directory, and the guest has so many seconds. What became of it is told on
standard output, for the journal. The exit status is always 0: what is left then is systemd's to end, and a unit whose ExecStop= fails, or is
still running at TimeoutStopSec=, would be called failed though its guest ended well.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from typing import Any, Iterator

SOCKETS = ("qmp.sock", "spare.sock")
_GREETING = 3.0  # a monitor that another client holds never greets
_CHUNK = 65536
_LONGEST = 2**20


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

    def execute(self, command: str, deadline: float) -> Any:
        self._socket.sendall(json.dumps({"execute": command}).encode() + b"\n")
        for message in self.messages(deadline):
            if "error" in message:
                raise ValueError(f"QEMU refuses {command}")
            if "return" in message:
                return message["return"]
        return None  # it ended first

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
        except (OSError, ValueError):
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
        except (OSError, ValueError, StopIteration) as error:
            why = str(error) or "its monitor does not answer"
            continue
        if monitor.gone(begin + seconds):
            return f"The guest shut down by itself within {time.monotonic() - begin:.1f} s."
        return f"The guest did not shut down within {seconds:g} s; QEMU is ended."
    if why == "there is no monitor":
        return "QEMU has ended already."
    return f"The guest could not be asked to shut down: {why}; QEMU is ended."


def main(words: list[str]) -> None:
    try:
        said = ask(words[0], float(words[1]))
    except Exception as error:  # see above: never a failure
        said = f"The guest could not be asked to shut down: {error!r}."
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
