# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group K: a NIC that is busy while it is converted, and many guests."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import Guests
from ansible_collections.hypervisor.network.tests.harness.net.lan import ADDRESSES4, Lan, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import enter, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

pytestmark = pytest.mark.skipif(
    not LONG, reason="it wants a processor for itself, or minutes: make faults gives it both"
)
RATE = 50_000
SECONDS = 4.0
CLOSED = 9
# The kernel takes the NIC's frames a moment before it lets the port forward (br_add_if): ip -batch in the safe order loses 6 to 9 here, each time
UNAVOIDABLE = 0.0005


def flood(made: Lan, stop: threading.Event, sent: list[int]) -> None:
    """Send small datagrams from the client to a closed port of the host, in a thread that has entered the client: each is counted there when it arrives."""
    enter(made.client)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.connect((ADDRESSES4[0], CLOSED))
        began = time.monotonic()
        while not stop.is_set():
            due = int((time.monotonic() - began) * RATE)
            for _number in range(due - sent[0]):
                try:
                    line.send(b"x" * 64)
                except ConnectionRefusedError:
                    # the answer to an earlier one was told in the place of sending this one
                    line.send(b"x" * 64)
                sent[0] += 1
            time.sleep(0.0005)


def arrived(made: Lan) -> int:
    """The datagrams for which the host has no receiver."""
    names, values = (
        line.split()
        for line in run("cat", "/proc/net/snmp", netns=made.host).splitlines()
        if line.startswith("Udp:")
    )
    return int(values[names.index("NoPorts")])


def lost_while(made: Lan, action: Any) -> tuple[int, int]:
    """How many datagrams were sent, and how many did not arrive."""
    before, sent, stop = arrived(made), [0], threading.Event()
    sender = threading.Thread(target=flood, args=(made, stop, sent))
    sender.start()
    time.sleep(SECONDS / 2)
    action()
    time.sleep(SECONDS / 2)
    stop.set()
    sender.join()
    end = time.monotonic() + 1
    while arrived(made) - before < sent[0] and time.monotonic() < end:
        time.sleep(0.01)
    return sent[0], sent[0] - (arrived(made) - before)


def test_k05_a_nic_is_converted_while_50000_packets_a_second_arrive(uplink):
    with lan() as made:
        sent, lost = lost_while(made, lambda: None)
        assert sent > RATE * SECONDS * 0.8 and lost == 0, (
            f"{lost} of {sent} were lost without any conversion"
        )
        sent, lost = lost_while(made, lambda: uplink(made.host))
        print(f"{lost} of {sent} were lost")
        (nic,) = ip_json(made.host, "link", "show", "eth0")
        assert nic["master"] == "br0"
        assert lost <= RATE * UNAVOIDABLE


def test_k08_a_hundred_guests_are_started_and_stopped_in_one_run(netns, run_module):
    count = 100
    made = Guests(netns, run_module, count)
    guests = [
        {"name": made.name(f"vm{number}"), "nics": [{"tap": f"tap{number}"}]}
        for number in range(1, count + 1)
    ]
    common = {"emulator": "qemu-system-i386", "memory": "32", "accel": "tcg", "shutdown_timeout": 0}
    try:
        started = run_module(
            "qemu_guest", {"guests": guests, **common, "state": "paused"}, netns, timeout=600
        )
        assert not started["failed"], started
        # as QEMU calls what has not begun yet
        assert [one["status"] for one in started["guests"]] == ["prelaunch"] * count
        again = run_module(
            "qemu_guest", {"guests": guests, **common, "state": "paused"}, netns, timeout=600
        )
        assert again["changed"] is False
    finally:
        gone = run_module(
            "qemu_guest", {"guests": guests, **common, "state": "absent"}, netns, timeout=600
        )
    assert not gone["failed"] and len(gone["changes"]) >= count, gone
    assert [made.left(f"vm{number}") for number in range(1, count + 1)] == [[]] * count
