# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor by its playbook: the sentence, and the task that cures it."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.tests.conftest import RunModule
from ansible_collections.hypervisor.network.tests.harness.net import dhcp_frames, tapped, xdp
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station, counts
from ansible_collections.hypervisor.network.tests.harness.net.guest_way import (
    MAC,
    OTHER,
    UPLINK,
    guest_and_uplink,
)
from ansible_collections.hypervisor.network.tests.harness.net.lan import set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    batch,
    inside,
    ip_json,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import at_load, wait_for

PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "doctor.yml"


@pytest.mark.parametrize(
    ("port0", "sentence", "cure"),
    [
        ("up", "Nothing on this host stops a frame.", None),
        (
            "down",
            "error, at the uplink: port0 is down.",
            {"hypervisor.network.bridge_port": {"name": "port0", "bridge": "br0", "up": True}},
        ),
    ],
)
def test_the_playbook_says_where_the_way_ends_and_what_cures_it(
    netns: str, tmp_path: Path, port0: str, sentence: str, cure: dict | None
) -> None:
    batch(netns, UPLINK.format(port0))
    told = played(netns, tmp_path, "-e", "doctor_bridge=br0")
    assert sentence in told
    assert (cure is None) == ("cure:" not in told)
    if cure is not None:
        (line,) = [one for one in told.splitlines() if "cure:" in one]
        # as it is pasted into a playbook: nothing in it is escaped
        assert yaml.safe_load(line.strip().strip('",').partition("cure:")[2]) == cure


def played(netns: str, folder: Path, *words: str) -> str:
    """What the playbook says of the namespace."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"hypervisors": {"hosts": {"here": host}}}), encoding="utf-8")
    done = subprocess.run(
        ["ip", "netns", "exec", netns, "ansible-playbook", "-i", str(inventory), str(PLAYBOOK), *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ids(run_module: RunModule, netns: str, **options: Any) -> set[str]:
    return {one["id"] for one in run_module("bridge_doctor", options, netns)["findings"]}


def test_a_host_that_would_answer_by_another_way_is_found(
    netns: str, run_module: RunModule
) -> None:
    batch(
        netns,
        UPLINK.format("up") + "address add 10.9.0.1/24 dev br0\n"
        "link add eth1 up type veth peer name far1\nlink set far1 up\naddress add 10.9.0.2/24 dev eth1\n"
        "route del 10.9.0.0/24 dev br0\nroute add 10.9.0.0/24 dev br0 metric 100\n",
    )
    inside(netns, set_sysctls, {"ipv4/conf/br0/rp_filter": 0, "ipv4/conf/all/rp_filter": 0})
    assert ids(run_module, netns) == set()
    inside(netns, set_sysctls, {"ipv4/conf/br0/rp_filter": 1})
    assert ids(run_module, netns) == {"rp_filter_drops"}


def listening(dev: str) -> socket.socket:
    """What comes in of IPv4, waited for."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    made.bind((dev, 0x0800))
    made.settimeout(10)
    return made


def datagram(mac: str, address: str) -> bytes:
    """A frame with an empty datagram of UDP from 10.9.0.9."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 8, 17, 0, socket.inet_aton("10.9.0.9"), socket.inet_aton(address))  # fmt: skip
    total = sum(struct.unpack("!10H", head))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    head = head[:10] + struct.pack("!H", total) + head[12:]
    own = bytes.fromhex(f"{mac}{MAC.replace(':', '')}0800")
    return own + head + struct.pack("!4H", 9, 9, 8, 0)


def test_a_joined_group_does_not_reach_a_port_that_nobody_asks(
    netns: str, run_module: RunModule
) -> None:
    batch(
        netns,
        UPLINK.format("up") + "link set br0 type bridge mcast_snooping 1\n"
        "link add port1 up master br0 type veth peer name far1\nlink set far1 up\n",
    )
    run("bridge", "-n", netns, "mdb", "add", "dev", "br0", "port", "port1", "grp", "239.1.1.1")
    run("bridge", "-n", netns, "link", "set", "dev", "port1", "mcast_flood", "off")
    with Station(netns, "far0", MAC) as sender, Station(netns, "far1", OTHER) as member:
        # the oracle: a datagram to the group is lost, and one to everybody after it is not
        heard = inside(netns, listening, "far1")
        for mac, address in (("01005e010101", "239.1.1.1"), ("ffffffffffff", "255.255.255.255")):
            sender._socket.send(datagram(mac, address))
        assert [heard.recv(2048)[30:34]] == [socket.inet_aton("255.255.255.255")]
        heard.close()
        member.send()  # the bridge has heard it
    assert "no_querier" in ids(run_module, netns, mac=OTHER)
    run("ip", "-n", netns, "link", "set", "br0", "type", "bridge", "mcast_querier", "1")
    assert "no_querier" not in ids(run_module, netns, mac=OTHER)


@pytest.mark.parametrize(
    ("mode", "found", "at_the_guest"),
    [("bridge", {"promiscuity_refused"}, {}), ("passthru", set(), {"far1": 1})],
)
def test_a_macvlan_takes_frames_for_guests_only_where_it_is_passed_through(
    netns: str, run_module: RunModule, mode: str, found: set[str], at_the_guest: dict[str, int]
) -> None:
    """Both are promiscuous by the kernel's word, which is not asked for that reason; what frames do is the oracle."""
    guest_and_uplink(netns)
    batch(
        netns,
        "link set port0 nomaster\nlink set br0 address 02:00:00:00:00:20\n"
        f"link add link port0 name wire0 type macvlan mode {mode}\n"
        "link set wire0 address 02:00:00:00:00:20\nlink set wire0 up master br0\n",
    )
    (wire,) = ip_json(netns, "-d", "link", "show", "wire0")
    assert wire["promiscuity"] == 1
    with Station(netns, "far1", OTHER) as guest, Station(netns, "far0", MAC) as outside:
        wait_for(lambda: outside.count(guest.send()), "the guest's way out")
        number = outside.send(to=OTHER)
        assert counts(number, outside, {"far1": guest}) == at_the_guest
        assert ids(run_module, netns, mac=OTHER) == found


def test_the_playbook_sends_frames_where_it_is_asked_to_in_check_mode_too(
    netns: str, tmp_path: Path
) -> None:
    guest_and_uplink(netns)
    with Station(netns, "far1", OTHER) as guest:
        guest.send()  # the bridge has heard it
        told = played(netns, tmp_path, "--check", "-e", f"doctor_mac={OTHER}", "-e", "doctor_probe=yes")  # fmt: skip
    assert "Nobody offered an address to who asked by DHCP beside port1" in told


def test_a_look_alone_says_that_it_sends_nothing(netns: str, run_module: RunModule) -> None:
    refused = run_module("bridge_doctor", {"probe": True}, netns)
    assert refused["failed"] and refused["msg"].startswith("A look alone neither listens nor sends")


def test_probes_say_where_they_came_out_and_leave_nothing(
    netns: str, run_module: RunModule
) -> None:
    guest_and_uplink(netns)
    with Station(netns, "far1", OTHER) as guest:
        guest.send()  # the bridge has heard it
        links = {link["ifname"] for link in ip_json(netns, "link", "show")}
        found = run_module("bridge_doctor_probe", {"mac": OTHER, "probe": True}, netns)
        assert [one["id"] for one in found["findings"]] == ["no_dhcp_answer"]
        (row,) = found["probes"]
        assert row["tap"] == "port1" and row["sent"]["broadcast"] == 6
        assert row["seen"]["broadcast"]["port1"] == row["seen"]["broadcast"]["port0"] == 6
        assert row["seen"]["dhcp"]["port0"] == row["sent"]["dhcp"]
        assert {link["ifname"] for link in ip_json(netns, "link", "show")} == links
        words = "flood off mcast_flood off bcast_flood off"
        run("bridge", "-n", netns, "link", "set", "dev", "port0", *words.split())
        before = ip_json(netns, "-s", "link", "show", "port0")[0]["stats64"]["tx"]["packets"]
        ill = run_module("bridge_doctor_probe", {"mac": OTHER, "probe": True}, netns)
        after = ip_json(netns, "-s", "link", "show", "port0")[0]["stats64"]["tx"]["packets"]
    # the oracle: nothing went out there
    assert before == after
    assert "probe_not_at_uplink" in {one["id"] for one in ill["findings"]}
    assert ill["ways"][0]["ends_at"] == "uplink"


def test_what_the_host_itself_drops_behind_the_bridge_does_not_come_out_at_the_guest(
    netns: str, run_module: RunModule
) -> None:
    guest_and_uplink(netns)
    run("tc", "-n", netns, "qdisc", "add", "dev", "port1", "root", "pfifo", "limit", "0")
    with Station(netns, "far1", OTHER) as guest:
        guest.send()  # the bridge has heard it
        found = run_module("bridge_doctor_probe", {"mac": OTHER, "probe": True}, netns)
        said = json.loads(run("tc", "-n", netns, "-s", "-j", "qdisc", "show", "dev", "port1"))
    assert said[0]["drops"] > 0  # the oracle
    assert [one["id"] for one in found["findings"]] == ["probe_not_at_guest", "no_dhcp_answer"]
    assert found["ways"][0]["ends_at"] == "port"


def test_what_is_dropped_before_the_bridge_is_not_let_in(
    netns: str, run_module: RunModule, bridge_json: Callable[..., list[dict[str, Any]]]
) -> None:
    """The probe is held back by STP until its tap drops what it takes."""
    guest_and_uplink(netns)
    run("ip", "-n", netns, *"link set br0 type bridge stp_state 1 forward_delay 3000".split())

    def listening() -> list[str]:
        ports = bridge_json(netns, "link", "show")
        found = [one["ifname"] for one in ports if one["state"] == "listening"]
        # one that sends, and one that is sent to
        return found if len(found) == 2 else []

    with (
        Station(netns, "far1", OTHER) as guest,
        Station(netns, "far0", MAC) as outside,
        ThreadPoolExecutor(1) as pool,
        ExitStack() as held,
    ):
        first = guest.send()  # the bridge has heard it
        options = {"mac": OTHER, "probe": True}
        module = pool.submit(run_module, "bridge_doctor_probe", options, netns)
        probes = wait_for(listening, "the probes are ports", at_load(20))
        for probe in probes:
            held.enter_context(xdp.dropping(netns, probe))
        run("ip", "-n", netns, *"link set br0 type bridge stp_state 0".split())
        for probe in probes:
            run("bridge", "-n", netns, "link", "set", "dev", probe, "state", "3")
        found = module.result()
        assert counts(guest.send(), guest, {"far0": outside}) == {"far0": 1}
        # the oracle: but for the guest's own four frames, none of theirs came out there
        assert outside.count(first) == 1 and len(outside.numbers()) == 4
    (finding,) = found["findings"]
    assert (finding["id"], finding["device"]) == ("probe_not_let_in", "port1")
    assert finding["evidence"]["sent"] > 0 and finding["evidence"]["seen"] == {}
    assert found["ways"][0]["ends_at"] == "bridge"


def serve(guest: tapped.Guest, over: threading.Event) -> None:
    """Offer an address to everybody who asks, until that is over."""
    while not over.wait(0.01):
        with suppress(BlockingIOError):
            while True:
                asked = guest._socket.recv(2048)
                if (asked[12:14], asked[36:38]) == (b"\x08\0", b"\0\x43"):  # UDP to port 67
                    number, mac = int.from_bytes(asked[46:50], "big"), asked[70:76].hex(":")
                    guest._socket.send(dhcp_frames.frame("offer", mac, number=number))


def test_a_guest_that_offers_addresses_is_told(netns: str, run_module: RunModule) -> None:
    guest_and_uplink(netns)
    batch(netns, "tuntap add tap2 mode tap\nlink set tap2 master br0 up\n")
    over = threading.Event()
    with (
        Station(netns, "far1", OTHER) as guest,
        tapped.Guest(netns, "tap2", MAC) as rogue,
        ThreadPoolExecutor(1) as pool,
    ):
        guest.send()  # the bridge has heard it
        server = pool.submit(serve, rogue, over)
        try:
            found = run_module("bridge_doctor_probe", {"mac": OTHER, "probe": True}, netns)
        finally:
            over.set()
        server.result()
    (finding,) = found["findings"]
    assert (finding["id"], finding["device"]) == ("dhcp_from_a_guest", "tap2")
    assert finding["evidence"]["address"] == dhcp_frames.OFFERED
