# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a guest has no network, asked where it has none: each illness is made by hand on the kernel's own devices, around a guest that runs, and cured again.

What wants VLANs is in lab/test_v_doctor.py, hardware or a cloud in lab/test_v_hardware.py; frames are in tests/integration/test_doctor.py, DHCP beside it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, RunModule
from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    MAC,
    Guests,
    ask,
    guest_user,
    kept,
)
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station
from ansible_collections.hypervisor.network.tests.harness.net.lan import set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, inside, run
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

ROUTER = "02:00:00:00:00:01"
KNOWN = f"bridge fdb replace {MAC} dev tap1 master static"
FORGOTTEN = f"bridge fdb del {MAC} dev tap1 master"
UPLINK = (
    "ip link set br0 address 02:00:00:00:00:b0",
    "ip link add port0 address 02:00:00:00:00:b0 up type veth peer name far0",
    "ip link set far0 address 02:00:00:00:00:0f up",
    "ip link set port0 master br0",
    "ip address add 192.0.2.10/24 dev br0",
    KNOWN,
)


@dataclass
class Ward:
    """A guest that sends nothing, on a host on which nothing is ill."""

    guests: Guests
    modules: Modules

    def hand(self, *lines: str) -> None:
        for line in lines:
            run(*line.split(), netns=self.guests.netns)

    def ids(self) -> set[str]:
        own = {"guest": self.guests.name(), "netns": self.guests.netns}
        found = self.modules.done("bridge_doctor", **own)
        return {one["id"] for one in found["findings"]}


@pytest.fixture
def ward(guests: Guests, target_path: str) -> Iterator[Ward]:
    inside(guests.netns, set_sysctls, {"ipv6/conf/default/disable_ipv6": 1})
    with Modules(guests.netns, str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules:
        made = Ward(guests, modules)
        made.hand(*UPLINK)
        guests.done(wait_for=["running"], nics=[{"tap": "tap1", "mac": MAC, "bridge": "br0"}])
        ask(guests, "set_link", name="net0", up=False)  # its firmware would ask by DHCP
        assert made.ids() == set()
        yield made


# what is done by hand, what is found, and what undoes it
ILL: dict[str, tuple[tuple[str, ...], set[str], tuple[str, ...]]] = {
    "tap down": (("ip link set tap1 down",), {"tap_down"}, ("ip link set tap1 up", KNOWN)),
    "in no bridge": (
        ("ip link set tap1 nomaster",), {"tap_in_no_bridge"}, ("ip link set tap1 master br0", KNOWN),
    ),
    "in another bridge": (
        ("ip link add br1 up type bridge", "ip link set tap1 master br1"),
        {"wrong_bridge", "not_heard", "no_way_out"},
        ("ip link set tap1 master br0", "ip link del br1", KNOWN),
    ),
    "listens": (("bridge link set dev tap1 state 1",), {"port_not_yet_forwarding"}, ("bridge link set dev tap1 state 3",)),
    "learns": (("bridge link set dev tap1 state 2",), {"port_not_yet_forwarding"}, ("bridge link set dev tap1 state 3",)),
    "disabled": (("bridge link set dev tap1 state 0",), {"port_disabled"}, ("bridge link set dev tap1 state 3", KNOWN)),
    "not heard": ((FORGOTTEN,), {"not_heard"}, (KNOWN,)),
    "learning off": ((FORGOTTEN, "bridge link set dev tap1 learning off"), {"learning_off", "not_heard"}, (KNOWN, "bridge link set dev tap1 learning on")),
    "flood off": ((FORGOTTEN, "bridge link set dev tap1 flood off"), {"flood_off", "not_heard"}, (KNOWN, "bridge link set dev tap1 flood on")),
    "locked": ((FORGOTTEN, "bridge link set dev tap1 locked on"), {"port_locked", "not_heard"}, (KNOWN, "bridge link set dev tap1 locked off")),
    "neigh_suppress": (("bridge link set dev tap1 neigh_suppress on",), {"neigh_suppress"}, ("bridge link set dev tap1 neigh_suppress off",)),
    "isolated": (("bridge link set dev tap1 isolated on",), {"port_isolated"}, ("bridge link set dev tap1 isolated off",)),
    "isolated as its uplink is": (
        ("bridge link set dev tap1 isolated on", "bridge link set dev port0 isolated on"), {"isolated_from_uplink"},
        ("bridge link set dev tap1 isolated off", "bridge link set dev port0 isolated off"),
    ),
    "no groups": (("bridge link set dev tap1 mcast_flood off",), {"mcast_flood_off", "no_querier"}, ("bridge link set dev tap1 mcast_flood on",)),
    "no broadcasts": (("bridge link set dev tap1 bcast_flood off",), {"bcast_flood_off"}, ("bridge link set dev tap1 bcast_flood on",)),
    "elsewhere": (
        (FORGOTTEN, f"bridge fdb add {MAC} dev port0 master static"), {"mac_learned_elsewhere"}, (f"bridge fdb del {MAC} dev port0 master", KNOWN),
    ),
    "twice": (
        ("ip link add br1 up type bridge", "ip link add port1 up master br1 type veth peer name far1", f"bridge fdb add {MAC} dev port1 master static"),
        {"mac_in_two_bridges"}, ("ip link del port1", "ip link del br1"),
    ),
    "the host's": ((f"ip link set far0 address {MAC}",), {"mac_is_hosts"}, ("ip link set far0 address 02:00:00:00:00:0f",)),
    "bridge down": (("ip link set br0 down",), {"bridge_down"}, ("ip link set br0 up", KNOWN)),
    "uplink down": (("ip link set port0 down",), {"uplink_down"}, ("ip link set port0 up",)),
    "uplink without carrier": (("ip link set far0 down",), {"uplink_no_carrier"}, ("ip link set far0 up",)),
    "uplink has an address": (
        ("ip address add 192.0.2.11/24 dev port0",), {"uplink_has_addresses"}, ("ip address del 192.0.2.11/24 dev port0",),
    ),
    "uplink takes less": (("ip link set port0 mtu 1400",), {"mtu_too_big"}, ("ip link set port0 mtu 1500",)),
    "tap takes less": (("ip link set tap1 mtu 1400",), {"mtu_too_small"}, ("ip link set tap1 mtu 1500",)),
    "no way out": (
        ("ip link set port0 nomaster", "ip address del 192.0.2.10/24 dev br0"), {"no_way_out"},
        ("ip link set port0 master br0", "ip address add 192.0.2.10/24 dev br0"),
    ),
    "poses as the gateway": (
        (
            "ip route add default via 192.0.2.1", f"ip neigh replace 192.0.2.1 lladdr {ROUTER} dev br0 nud permanent",
            f"bridge fdb add {ROUTER} dev tap1 master static",
        ),
        {"gateway_behind_a_guest"},
        (f"bridge fdb del {ROUTER} dev tap1 master", "ip neigh del 192.0.2.1 dev br0", "ip route del default"),
    ),
    "filtered": (
        ("nft add table ip filter", "nft add chain ip filter FORWARD { type filter hook forward priority 0 ; policy drop ; }"),
        {"packet_filter_drops"}, ("nft delete table ip filter",),
    ),
    "filtered as Docker does": (
        (
            "nft add table ip filter", "nft add chain ip filter FORWARD { type filter hook forward priority 0 ; policy drop ; }",
            "nft add chain ip filter DOCKER-USER", "nft add chain ip filter DOCKER", "nft add rule ip filter FORWARD counter jump DOCKER-USER",
            "nft add rule ip filter FORWARD oifname docker0 counter jump DOCKER", "nft add rule ip filter FORWARD iifname docker0 counter accept",
            "nft add rule ip filter DOCKER-USER counter return",
        ),
        {"packet_filter_drops"}, ("nft delete table ip filter",),
    ),
}  # fmt: skip


def test_each_illness_of_a_tap_a_port_a_bridge_and_an_uplink_is_found_by_its_name(
    ward: Ward,
) -> None:
    wrong = {}
    for case, (ill, expected, cure) in ILL.items():
        ward.hand(*ill)
        found = ward.ids()
        if found != expected:
            wrong[case] = found
        ward.hand(*cure)
        assert ward.ids() == set(), case
    assert wrong == {}


def test_a_table_that_is_full_is_found(ward: Ward) -> None:
    options = ward.modules.done("bridge_info", name="br0")["bridges"][0]["options"]
    if "fdb_max_learned" not in options:
        pytest.skip("this kernel has no fdb_max_learned")
    ward.modules.done("linux_bridge", name="br0", fdb_max_learned=1, guard_mode="never")
    assert ward.ids() == set()
    with Station(ward.guests.netns, "far0", ROUTER) as router:
        router.send()
    assert ward.ids() == {"fdb_full"}


LOOP = (
    "ip link set br0 type bridge stp_state 1 forward_delay 200 hello_time 100",
    "ip link add br1 up type bridge stp_state 1 forward_delay 200 hello_time 100 priority 4096",
    # of two cables to one bridge the tree takes that which is the first of its ports
    "ip link add port2 up master br0 type veth peer name far2",
    "ip link set far2 up master br1",
    "ip link set far0 master br1",
)


def test_a_port_that_the_spanning_tree_listens_at_or_blocks_is_found(ward: Ward) -> None:
    ward.hand(*LOOP)
    wait_for(lambda: "port_blocking" in ward.ids(), "the uplink is blocked", 20)
    oracle = run("bridge", "-n", ward.guests.netns, "link", "show", "dev", "port0")
    assert "state blocking" in oracle
    ward.hand("ip link set tap1 down", "ip link set tap1 up", KNOWN)
    assert "port_not_yet_forwarding" in ward.ids()


@contextmanager
def stands_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def held_by_another(netns: str, tap: str) -> Iterator[None]:
    """A process of that namespace that has the tap open."""
    code = (
        "import fcntl, struct, sys; tun = open('/dev/net/tun', 'r+b', 0); "
        f"fcntl.ioctl(tun, 0x400454CA, struct.pack('16sH22x', b'{tap}', 0x1002)); print(flush=True); sys.stdin.read()"
    )
    words = ["ip", "netns", "exec", netns, sys.executable, "-c", code]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        yield
        child.stdin.close()


def test_each_illness_of_the_guest_and_of_who_holds_its_tap_is_found_by_its_name(
    ward: Ward,
) -> None:
    pid = ward.guests.info()["pid"]
    with stands_still(pid):
        assert ward.ids() == {"guest_unresponsive"}
    ask(ward.guests, "stop")
    assert ward.ids() == {"guest_not_running"}
    ask(ward.guests, "cont")
    assert ward.ids() == set()
    ward.hand("ip link del tap1")
    assert ward.ids() == {"tap_missing"}
    ward.hand("ip link add tap1 up type veth peer name far1")
    assert "not_a_tap" in ward.ids()
    ward.hand("ip link del tap1", "ip tuntap add tap1 mode tap", "ip link set tap1 up master br0")
    assert "tap_not_held" in ward.ids()
    with held_by_another(ward.guests.netns, "tap1"):
        ward.hand(KNOWN)
        assert ward.ids() == {"tap_held_by_other"}


def test_a_tpm_whose_process_ended_is_found_and_its_cure_brings_it_back(ward: Ward) -> None:
    wish = {"nics": [{"tap": "tap1", "mac": MAC, "bridge": "br0"}], "tpm": True}
    ward.guests.done(**wish, on_change="restart")
    ask(ward.guests, "set_link", name="net0", up=False)
    ward.hand(KNOWN)
    assert ward.ids() == set()
    state = f"dir={kept(ward.guests.name())}/tpm"
    (swtpm,) = subprocess.run(["pgrep", "-f", "--", state], capture_output=True, check=True).stdout.split()  # fmt: skip
    os.kill(int(swtpm), signal.SIGKILL)
    wait_for(lambda: "guest_problem" in ward.ids(), "the finding")
    own = {"guest": ward.guests.name(), "netns": ward.guests.netns}
    (finding,) = ward.modules.done("bridge_doctor", **own)["findings"]
    assert "its TPM is gone" in finding["finding"] and finding["severity"] == "warning"
    for cure in finding["cure"]:
        ((module, options),) = cure.items()
        ward.modules.done(module.rpartition(".")[2], **options)
    ask(ward.guests, "set_link", name="net0", up=False)
    ward.hand(KNOWN)
    assert ward.ids() == set()


def test_a_guest_that_ended_is_found(ward: Ward) -> None:
    os.kill(ward.guests.info()["pid"], signal.SIGKILL)
    assert "guest_not_running" in ward.ids()


def test_a_strangers_tap_that_nobody_holds_is_told_by_its_bridge_and_one_that_is_held_is_looked_at(
    netns: str, run_module: RunModule
) -> None:
    batch(
        netns,
        "link add br0 up type bridge\naddress add 192.0.2.10/24 dev br0\ntuntap add tap9 mode tap\nlink set tap9 master br0 up\n",
    )

    def ids() -> set[str]:
        return {
            one["id"] for one in run_module("bridge_doctor", {"bridge": "br0"}, netns)["findings"]
        }

    assert ids() == {"tap_of_nobody"}
    with held_by_another(netns, "tap9"):
        assert ids() == set()
        batch(netns, "link set tap9 down\n")
        assert ids() == {"tap_down"}


def test_what_two_guests_have_in_common_and_a_cable_that_is_pulled_by_definition_are_found(
    ward: Ward,
) -> None:
    nic = {"tap": "tap1", "mac": MAC, "bridge": "br0"}
    user = guest_user().pw_name
    ward.hand(f"ip tuntap add tap2 mode tap user {user}", "ip link set tap2 up master br0")
    ward.guests.done("vm2", wait_for=["running"], nics=[{**nic, "tap": "tap2", "link": "down"}])
    assert ward.ids() == {"mac_of_two_guests"}
    ward.guests.done("vm2", state="absent")
    ward.guests.done(nics=[{**nic, "link": "down"}], on_change="hotplug")
    assert ward.ids() == {"guest_link_off"}


def test_that_a_monitor_pulled_the_cable_is_what_qemu_tells_nobody(ward: Ward) -> None:
    def told() -> tuple[str, ...]:
        said = ("info network", "info qtree")
        every = [ask(ward.guests, "human-monitor-command", **{"command-line": one}) for one in said]
        return (*every, ask(ward.guests, "query-rx-filter"))

    def alike() -> bool:
        pulled = told()
        ask(ward.guests, "set_link", name="net0", up=True)
        plugged = told()
        ask(ward.guests, "set_link", name="net0", up=False)
        return pulled == plugged

    # while its firmware finds the devices, they change by themselves
    wait_for(alike, "QEMU says the same of a plugged cable")
