# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a start waits for, with an agent and a bridge that are this test's."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import arrival
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import Wish

NICS = [{"tap": "tap1", "mac": "52:00:00:00:00:01"}]


class Bridge:
    def __init__(self, heard: bool) -> None:
        self.heard = heard
        self.waits: list[float] = []

    def wait_for_mac(self, mac: str, timeout: float) -> Any:
        self.waits.append(timeout)
        return mac if self.heard else None


@pytest.fixture
def folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as made:
        yield made


def arrivals(
    folder: str,
    *wait_for: str,
    heard: bool = True,
    accel: str = "tcg",
    firmware: str | None = None,
    **more: Any,
) -> tuple[arrival.Arrivals, Bridge]:
    bridge = Bridge(heard)
    spec = {"nics": NICS, **({} if firmware is None else {"firmware": firmware})}
    guest = Guest("vm1", "running", spec, pid=os.getpid(), accel=accel)
    wish = Wish("vm1", "running", {}, wait_for=("running", *wait_for), **more)
    return arrival.Arrivals(
        {"vm1": wish}, lambda: bridge, lambda _name: guest, lambda _name: folder
    ), bridge


def agent(folder: str, after: float) -> threading.Timer:
    """An agent that begins to read after a while, when something else lies at its door, and says something else first."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(os.path.join(folder, "agent.sock"))
    door.listen(1)

    def answer() -> None:
        with door, door.accept()[0] as line:
            asked = json.loads(line.recv(65536).lstrip(b"\xff"))
            line.sendall(
                b'{"return": 7}\n\xff'
                + json.dumps({"return": asked["arguments"]["id"]}).encode()
                + b"\n"
            )

    timer = threading.Timer(after, answer)
    timer.start()
    return timer


def test_who_waits_for_nothing_more_is_not_even_read(folder: str) -> None:
    waits, bridge = arrivals(folder)
    waits.starts("vm1", {})
    waits.wait(["vm1"])
    assert bridge.waits == []


@pytest.mark.parametrize(
    ("accel", "firmware", "seconds"),
    [("kvm", "bios", 60), ("kvm", None, 60), ("tcg", "bios", 300), ("kvm", "uefi", 300)],
)
def test_an_emulated_processor_and_uefi_have_more_time(
    folder: str, accel: str, firmware: str | None, seconds: float
) -> None:
    waits, bridge = arrivals(folder, "mac_learned", accel=accel, firmware=firmware)
    waits.wait(["vm1"])
    assert seconds - 5 < bridge.waits[0] <= seconds


def test_a_guest_that_is_not_heard(folder: str) -> None:
    waits, _bridge = arrivals(folder, "mac_learned", heard=False, wait_timeout=0)
    with pytest.raises(DeadlineExceeded, match="no frame from 52:00:00:00:00:01 through tap1"):
        waits.wait(["vm1"])


def test_an_agent_that_begins_late_is_asked_once_and_heard(folder: str) -> None:
    timer = agent(folder, 0.3)
    waits, _bridge = arrivals(folder, "agent", wait_timeout=30)
    waits.wait(["vm1"])
    timer.join()


def test_an_agent_that_does_not_answer(folder: str) -> None:
    timer = agent(folder, 60)
    waits, _bridge = arrivals(folder, "agent", wait_timeout=0.2)
    with pytest.raises(DeadlineExceeded, match="its agent did not answer within 0.2 s"):
        waits.wait(["vm1"])
    timer.cancel()


def test_the_serial_line_from_the_start_on(folder: str) -> None:
    log = Path(folder, "log")
    log.write_text("ready\n", encoding="ascii")
    waits, _bridge = arrivals(folder, "serial", serial_pattern="ready", wait_timeout=0.2)
    waits.starts("vm1", {"serial_log": str(log)})
    with pytest.raises(DeadlineExceeded, match="did not say 'ready'"):
        waits.wait(["vm1"])
    waits.starts("vm1", {"serial_log": str(log)})
    log.write_text("ready\nready\n", encoding="ascii")
    waits.wait(["vm1"])


def test_an_agent_of_a_guest_that_ended_meanwhile(folder: str) -> None:
    """Whatever the agent's socket says then: that it ended is why."""
    left = [
        Guest("vm1", "crashed", {"nics": NICS}, crash_reason="killed by signal 9"),
        Guest("vm1", "running", {"nics": NICS}),
    ]
    wish = Wish("vm1", "running", {}, wait_for=("agent",), wait_timeout=0.1)
    waits = arrival.Arrivals({"vm1": wish}, lambda: Bridge(True), lambda _name: left.pop(), lambda _name: folder)  # fmt: skip
    log = Path(folder, "log")
    log.write_text("", encoding="ascii")
    waits.starts("vm1", {"serial_log": str(log)})
    log.write_text("Kernel panic", encoding="ascii")
    with pytest.raises(GuestError) as found:
        waits.wait(["vm1"])
    assert str(found.value) == (
        "vm1 ended before its agent answered (killed by signal 9); its serial line ended with: Kernel panic; look why it does not stay."
    )


def test_a_port_that_opens_late(folder: str) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        waits, _bridge = arrivals(folder, "port", port_at=door.getsockname(), wait_timeout=30)
        timer = threading.Timer(0.5, door.listen)
        timer.start()
        waits.wait(["vm1"])
        timer.join()


def test_a_port_that_stays_closed(folder: str) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
        waits, _bridge = arrivals(folder, "port", port_at=("127.0.0.1", port), wait_timeout=0.3)
        with pytest.raises(
            DeadlineExceeded,
            match=f"127.0.0.1 accepted no connection to port {port} within 0.3 s .Connection refused.",
        ):
            waits.wait(["vm1"])


def test_an_address_that_does_not_answer(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_where: object, _seconds: float) -> None:
        raise socket.timeout("timed out")

    monkeypatch.setattr(arrival.socket, "create_connection", connect)
    waits, _bridge = arrivals(folder, "port", port_at=("192.0.2.1", 22), wait_timeout=0)
    with pytest.raises(DeadlineExceeded, match="no answer"):
        waits.wait(["vm1"])
