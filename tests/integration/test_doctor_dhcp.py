# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a guest's DHCP gets to, overheard by the doctor without a frame of its own."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.conftest import RunModule
from ansible_collections.hypervisor.network.tests.harness.net import dhcp_frames
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station
from ansible_collections.hypervisor.network.tests.harness.net.guest_way import (
    MAC,
    OTHER,
    guest_and_uplink,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, inside, run
from ansible_collections.hypervisor.network.tests.harness.process.waiting import at_load, wait_for

LOUD = "02:00:00:00:00:03"


def server(netns: str) -> socket.socket:
    """A server on the host itself, whose kernel leaves the checksum to whoever takes the frame."""
    batch(netns, "address add 192.0.2.1/24 dev br0\n")
    made = inside(netns, socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"br0\0")
    made.bind(("192.0.2.1", 67))
    return made


@pytest.mark.parametrize(
    ("answers", "port", "seconds", "finding"),
    [
        (("offer", "ack"), "port1 flood on", 1, None),
        ((), "port1 flood on", 4, "dhcp_unanswered"),
        ((), "port0 bcast_flood off", 4, "dhcp_question_lost"),
        (("offer",), "port1 bcast_flood off", 1, "dhcp_answer_lost"),
        (("offer",), "port1 flood on", 1, "dhcp_answer_not_taken"),
        (("nak",), "port1 flood on", 1, "dhcp_refused"),
        (("wrong offer",), "port1 flood on", 1, "checksum_wrong"),
        (("the host's",), "port1 flood on", 1, "checksum_left_to_do"),
    ],
)
def test_where_a_guests_dhcp_gets_to_is_overheard(
    netns: str, run_module: RunModule, answers: tuple[str, ...], port: str, seconds: int, finding: str | None
) -> None:  # fmt: skip
    guest_and_uplink(netns)
    run("bridge", "-n", netns, "link", "set", "dev", *port.split())
    own = server(netns) if "the host's" in answers else None
    options = {"mac": OTHER, "listen": seconds}
    with (
        Station(netns, "far1", OTHER) as guest,
        Station(netns, "far0", MAC) as router,
        ThreadPoolExecutor(1) as pool,
    ):
        guest.send()  # the bridge has heard it
        module = pool.submit(run_module, "bridge_doctor_probe", options, netns)
        while not module.done():
            guest._socket.send(dhcp_frames.frame("discover", OTHER))
            for answer in answers:
                if own is not None:
                    own.sendto(dhcp_frames.message("offer", OTHER), ("255.255.255.255", 68))
                    continue
                checksum = "wrong" if answer.startswith("wrong") else "right"
                router._socket.send(dhcp_frames.frame(answer.split()[-1], OTHER, checksum))
                if answer == "offer" and len(answers) > 1:
                    guest._socket.send(dhcp_frames.frame("request", OTHER))
            wait([module], 0.1)
        found = module.result()
    if own is not None:
        own.close()
    # that no broadcast goes out there is seen without listening, too
    looked = ["bcast_flood_off"] if "port1 bcast_flood off" == port else []
    assert [one["id"] for one in found["findings"]] == looked + ([finding] if finding else [])
    (row,) = found["heard"]
    assert row["tap"] == "port1" and row["asked"]["discover"] > 1
    assert (row["left_by"].get("port0", 0) > 1) == (finding != "dhcp_question_lost")
    assert bool(row["answered"]) == (bool(answers) and finding != "dhcp_answer_lost")


def test_who_floods_a_bridge_with_dhcp_hides_nobody_elses(
    netns: str, run_module: RunModule
) -> None:
    guest_and_uplink(netns)
    batch(netns, "link add port2 up master br0 type veth peer name far2\nlink set far2 up\n")
    options = {"mac": OTHER, "listen": round(at_load(2))}
    noise = dhcp_frames.frame("discover", "02:00:00:00:00:03")
    with (
        Station(netns, "far0", MAC) as router,
        Station(netns, "far1", OTHER) as guest,
        Station(netns, "far2", "02:00:00:00:00:03") as loud,
        ThreadPoolExecutor(1) as pool,
    ):
        guest.send()  # the bridge has heard it
        module = pool.submit(run_module, "bridge_doctor_probe", options, netns)
        while not module.done():
            guest._socket.send(dhcp_frames.frame("discover", OTHER))
            for _frame in range(3000):  # each of them is seen at four devices
                loud._socket.send(noise)
            router._socket.send(dhcp_frames.frame("offer", OTHER))
            guest._socket.send(dhcp_frames.frame("request", OTHER))
            router._socket.send(dhcp_frames.frame("ack", OTHER))
        found = module.result()
    assert found["findings"] == []
    (row,) = found["heard"]
    assert row["asked"]["discover"] > 2 and row["answered"]["ack"] > 2


def _listens(netns: str) -> bool:
    """Whether there is a socket for every frame, by the kernel's own list."""
    rows = run("cat", "/proc/net/packet", netns=netns).splitlines()[1:]
    return any(row.split()[3] == "0003" for row in rows)


def test_what_came_faster_than_it_could_be_read_is_told(
    netns: str, run_module: RunModule, tmp_path: Path
) -> None:
    """The listener stands still while more comes in than its buffer holds."""
    guest_and_uplink(netns)
    told = tmp_path / "pid"
    wrapper = ("sh", "-c", 'echo $$ > "$0"; exec "$@"', str(told))
    noise = dhcp_frames.frame("discover", LOUD)
    options = {"listen": at_load(3), "bridge": "br0"}
    with Station(netns, "far1", LOUD) as loud, ThreadPoolExecutor(1) as pool:
        loud.send()
        module = pool.submit(run_module, "bridge_doctor_probe", options, netns, wrapper=wrapper)
        wait_for(lambda: _listens(netns), "it listens")
        pid = int(told.read_text(encoding="ascii"))
        os.kill(pid, signal.SIGSTOP)
        try:
            for _frame in range(15_000):
                loud._socket.send(noise)
        finally:
            os.kill(pid, signal.SIGCONT)
        found = module.result()
    (finding,) = [one for one in found["findings"] if one["id"] == "dhcp_not_all_heard"]
    assert finding["evidence"]["missed"] > 0 and finding["severity"] == "warning"
