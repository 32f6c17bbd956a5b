# SPDX-License-Identifier: GPL-3.0-or-later
"""What a start waits for beyond a machine that answers: a word on the serial line, the guest's agent, its frames in the bridge, a port that accepts.

All guests of a run come up meanwhile, so their deadlines do not add up.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any, Callable, Iterable, Mapping, Protocol

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import agent
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.serial_wait import SerialLog
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import Wish

# Seconds, where nobody said how many: a guest whose processor is emulated takes some minutes over what a real one does in a quarter of one, and
# so does a firmware of UEFI that cleans up its variables, as it does now and then
_SHORT, _LONG = 60.0, 300.0
# Seconds: what is asked of an address that nobody has yet is lost, and a port that is closed opens without a word
_ASK, _AGAIN = 1.0, 0.2


class Wire(Protocol):
    """What is needed of the kernel, in the namespace of the guests' taps."""

    def wait_for_mac(self, mac: str, timeout: float) -> Any:
        """The forwarding entry of that MAC as soon as there is one, None after C(timeout) seconds."""


class Arrivals:
    """The waits of one run. C(wire) makes a socket at first need, C(read) tells of a guest, C(folder) where its sockets are."""

    def __init__(
        self,
        wishes: Mapping[str, Wish],
        wire: Callable[[], Wire],
        read: Callable[[str], Guest],
        folder: Callable[[str], str],
    ) -> None:
        self._wishes, self._wire, self._read, self._folder = wishes, wire, read, folder
        self._logs: dict[str, SerialLog] = {}

    def starts(self, name: str, spec: Mapping[str, Any]) -> None:
        """A guest is about to start: what its serial log has by now is of an earlier one."""
        if set(self._wishes[name].wait_for) - {"running"} and spec.get("serial_log"):
            self._logs[name] = SerialLog(spec["serial_log"])

    def wait(self, names: Iterable[str]) -> None:
        """Return when these guests, which were started, are as far as their wishes say. Raises DeadlineExceeded, GuestError."""
        begin = time.monotonic()
        try:
            for name in names:
                wish = self._wishes[name]
                if set(wish.wait_for) - {"running"}:
                    self._wait_for(wish, self._read(name), begin)
        finally:
            for log in self._logs.values():
                log.close()

    def _wait_for(self, wish: Wish, guest: Guest, begin: float) -> None:
        seconds = wish.wait_timeout
        if seconds is None:
            quick = guest.accel == "kvm" and guest.spec.get("firmware") != "uefi"
            seconds = _SHORT if quick else _LONG

        def left() -> float:
            return max(0.0, seconds - (time.monotonic() - begin))

        if "serial" in wish.wait_for and guest.pid is not None and wish.name in self._logs:
            pattern = wish.serial_pattern or ""
            self._logs[wish.name].wait_for(wish.name, pattern, left(), guest.pid, seconds)
        if "agent" in wish.wait_for:
            self._wait_for_agent(wish.name, left(), seconds)
        if "mac_learned" in wish.wait_for:
            for nic in guest.spec["nics"]:
                if self._wire().wait_for_mac(nic["mac"], left()) is None:
                    self._check_stays(wish.name, "it sent a frame")
                    raise DeadlineExceeded(
                        f"{wish.name} runs, but sent no frame from {nic['mac']} through {nic['tap']} within {seconds:g} s; "
                        f"{self._last_words(wish.name) or 'look at its serial_log, or '}wait longer with wait_timeout."
                    )

        if wish.port_at is not None:
            self._wait_for_port(wish.name, wish.port_at, left, seconds)

    def _wait_for_port(
        self, name: str, where: tuple[str, int], left: Callable[[], float], seconds: float
    ) -> None:
        while True:
            begun = time.monotonic()
            try:
                socket.create_connection(where, min(_ASK, max(left(), 0.1))).close()
                return
            except OSError as error:
                why = "no answer" if error.errno is None else os.strerror(error.errno)
            self._check_stays(name, f"{where[0]} accepted a connection to port {where[1]}")
            if left() <= 0:
                raise DeadlineExceeded(
                    f"{name} runs, but {where[0]} accepted no connection to port {where[1]} within {seconds:g} s ({why}); {self._last_words(name)}"
                    "see whether the guest has that address and the program runs, or wait longer with wait_timeout."
                )
            time.sleep(max(0.0, min(_AGAIN, left()) - (time.monotonic() - begun)))

    def _check_stays(self, name: str, what: str) -> None:
        """Raise GuestError where a guest that was waited for has ended meanwhile: that is why nothing came of it."""
        guest = self._read(name)
        if guest.down:
            why = f" ({guest.crash_reason.rstrip('.')})" if guest.crash_reason else ""
            raise GuestError(
                f"{name} ended before {what}{why}; {self._last_words(name)}look why it does not stay."
            )

    def _last_words(self, name: str) -> str:
        log = self._logs.get(name)
        return "" if log is None else f"its serial line {log.last_words()}; "

    def _wait_for_agent(self, name: str, left: float, seconds: float) -> None:
        """The question lies at the guest's door until its agent opens it, so it is asked once."""
        try:
            agent.Agent(agent.socket_of(self._folder(name)), max(left, 0.1)).close()
        except HypervisorNetworkError as error:
            self._check_stays(name, "its agent answered")
            if not isinstance(error, DeadlineExceeded):
                raise
            raise DeadlineExceeded(
                f"{name} runs, but its agent did not answer within {seconds:g} s; {self._last_words(name)}install qemu-guest-agent in the guest and start "
                "it, or wait longer with wait_timeout."
            ) from None
