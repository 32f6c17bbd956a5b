# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bridge's forwarding database does to live frames: a bridge of three ports, a station at each, and frames that are counted.

The bridge, its ports and its entries are made by the modules; what is true is told by the frames, and by iproute2.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import apply as fdb_apply
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station, counts
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    Namespaces,
    batch,
    inside,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

MACS = {"a": "02:aa:00:00:00:0a", "b": "02:aa:00:00:00:0b", "c": "02:aa:00:00:00:0c"}
NOBODY = "02:aa:00:00:00:ee"


class Switch:
    """The bridge br0 with the ports port-a to port-c, and their stations."""

    def __init__(self, modules: Modules, stations: dict[str, Station]) -> None:
        self.modules = modules
        self.stations = stations

    def where(self, sender: str, to: str, source: str | None = None) -> dict[str, int]:
        """Where a frame of that sender comes out, and how often."""
        others = {name: one for name, one in self.stations.items() if name != sender}
        return counts(self.stations[sender].send(to, source), self.stations[sender], others)

    def entry(self, mac: str) -> dict[str, Any] | None:
        """The entry of a MAC, in iproute2's words."""
        found = json.loads(
            run("bridge", "-n", self.modules.netns, "-j", "fdb", "show", "br", "br0")
        )
        return next(
            (one for one in found if one["mac"] == mac and one.get("master") == "br0"), None
        )

    def port(self, mac: str) -> str | None:
        """The port of a MAC, as iproute2 tells it."""
        entry = self.entry(mac)
        return None if entry is None else entry["ifname"]

    def fdb(self, **options: Any) -> dict[str, Any]:
        """One run of the module."""
        return self.modules.done("bridge_fdb", bridge="br0", **options)


@pytest.fixture(scope="module", params=list(PYTHONS))
def made(request: pytest.FixtureRequest, target_path: str) -> Iterator[Switch]:
    needs_root()
    python = PYTHONS[request.param]
    if python is None:
        pytest.skip(f"there is no interpreter with {request.param} here: run it through make")
    with Namespaces("host", "far") as names, Modules(names["host"], python, target_path) as modules:
        modules.done("linux_bridge", name="br0", up=True, forward_delay=0, mcast_snooping=False)
        for name in MACS:
            batch(
                names["host"],
                f"link add port-{name} type veth peer name far-{name} netns {names['far']}\n",
            )
            batch(names["far"], f"link set far-{name} addrgenmode none up\n")
        modules.done(
            "bridge_port", bridge="br0", up=True, ports=[{"name": f"port-{name}"} for name in MACS]
        )
        stations = {name: Station(names["far"], f"far-{name}", mac) for name, mac in MACS.items()}
        for name in MACS:
            wait_for(
                lambda port=f"port-{name}": (
                    "LOWER_UP" in run("ip", "-n", names["host"], "link", "show", port)
                ),
                "carrier",
            )
        yield Switch(modules, stations)
        for one in stations.values():
            one.__exit__()


@pytest.fixture
def switch(made: Switch) -> Switch:
    """The switch as new: it knows nobody, and remembers for five minutes."""
    made.modules.done("linux_bridge", name="br0", ageing_time=300)
    for kind in ("static", "permanent", "dynamic"):
        made.fdb(flush={"type": kind})
    made.fdb(flush={"extern_learn": True})
    return made


def test_a_frame_to_nobody_known_comes_out_everywhere(switch: Switch) -> None:
    assert switch.where("a", NOBODY) == {"b": 1, "c": 1}


def test_who_has_sent_is_known_and_no_longer_flooded(switch: Switch) -> None:
    assert switch.where("a", MACS["b"]) == {"b": 1, "c": 1} and switch.port(MACS["a"]) == "port-a"
    assert switch.where("b", MACS["a"]) == {"a": 1}
    assert switch.where("a", MACS["b"]) == {"b": 1}


def test_a_mac_that_moves_is_learned_again_where_it_is(switch: Switch) -> None:
    switch.where("a", NOBODY, source=NOBODY)
    assert switch.port(NOBODY) == "port-a" and switch.where("c", NOBODY) == {"a": 1}
    switch.where("b", MACS["c"], source=NOBODY)
    assert switch.port(NOBODY) == "port-b" and switch.where("c", NOBODY) == {"b": 1}


def test_who_is_silent_for_the_ageing_time_is_forgotten_and_flooded_again(switch: Switch) -> None:
    switch.where("a", MACS["b"], source=NOBODY)
    switch.modules.done("linux_bridge", name="br0", ageing_time=1)
    wait_for(lambda: switch.port(NOBODY) is None, "the entry ages out")
    assert switch.where("c", NOBODY) == {"a": 1, "b": 1}


def test_what_a_control_plane_told_does_not_age_and_a_dynamic_entry_is_added_again(
    switch: Switch,
) -> None:
    wish = {
        "entries": [
            {"mac": NOBODY, "port": "port-a", "type": "dynamic"},
            {"mac": "02:aa:00:00:00:ef", "port": "port-a", "extern_learn": True},
        ]
    }
    assert switch.fdb(**wish)["changed"] and not switch.fdb(**wish)["changed"]
    assert switch.where("c", NOBODY) == {"a": 1}
    switch.modules.done("linux_bridge", name="br0", ageing_time=1)
    wait_for(lambda: switch.port(NOBODY) is None, "the entry ages out")
    again = switch.fdb(**wish)
    assert [change["name"] for change in again["changes"]] == [f"{NOBODY} in br0"]
    assert switch.where("c", "02:aa:00:00:00:ef") == {"a": 1}


def test_a_static_entry_directs_frames_to_who_has_never_sent_and_does_not_age(
    switch: Switch,
) -> None:
    assert switch.where("a", NOBODY) == {"b": 1, "c": 1}
    assert switch.fdb(mac=NOBODY, port="port-b")["changed"]
    switch.modules.done("linux_bridge", name="br0", ageing_time=1)
    switch.where("a", MACS["c"], source="02:aa:00:00:00:ef")
    wait_for(lambda: switch.port("02:aa:00:00:00:ef") is None, "a learned one ages out meanwhile")
    assert switch.where("a", NOBODY) == {"b": 1} and switch.where("c", NOBODY) == {"b": 1}
    assert not switch.fdb(mac=NOBODY, port="port-b")["changed"]


def test_a_sticky_entry_stays_whoever_sends_as_it_and_a_static_one_moves_and_is_brought_back(
    switch: Switch,
) -> None:
    for sticky in (True, False):
        wish = {"mac": NOBODY, "port": "port-b", "sticky": sticky}
        switch.fdb(**wish)
        switch.where("c", MACS["a"], source=NOBODY)
        assert switch.port(NOBODY) == ("port-b" if sticky else "port-c")
        assert switch.where("a", NOBODY) == ({"b": 1} if sticky else {"c": 1})
        assert switch.fdb(**wish)["changed"] is not sticky
        assert switch.port(NOBODY) == "port-b" and switch.where("a", NOBODY) == {"b": 1}


def test_a_permanent_entry_is_the_hosts_own_and_comes_out_nowhere(switch: Switch) -> None:
    for port in ("port-b", "br0"):
        switch.fdb(mac=NOBODY, port=port, type="permanent")
        assert switch.where("a", NOBODY) == {}
    assert switch.fdb(mac=NOBODY, state="absent")["changed"]
    assert switch.where("a", NOBODY) == {"b": 1, "c": 1}


def test_the_entry_of_a_guest_that_moved_is_moved(switch: Switch) -> None:
    switch.fdb(mac=NOBODY, port="port-a")
    moved = switch.fdb(mac=NOBODY, port="port-c")
    assert [(change["action"], change["after"]) for change in moved["changes"]] == [
        ("update", {"port": "port-c"})
    ]
    assert switch.where("a", NOBODY) == {"c": 1} and switch.where("b", NOBODY) == {"c": 1}


def test_a_flush_forgets_what_was_learned_and_nothing_else(switch: Switch) -> None:
    for name in MACS:
        switch.where(name, "ff:ff:ff:ff:ff:ff")
    switch.fdb(mac=NOBODY, port="port-b")
    predicted = switch.modules.run("bridge_fdb", bridge="br0", flush={"port": "port-a"}, check=True)
    assert [change["name"] for change in predicted["changes"]] == [f"{MACS['a']} in br0"]
    assert switch.port(MACS["a"]) == "port-a"
    assert switch.fdb(flush={"port": "port-a"})["changes"] == predicted["changes"]
    assert [switch.port(MACS[name]) for name in "abc"] == [None, "port-b", "port-c"]
    assert {change["name"] for change in switch.fdb(flush={})["changes"]} == {
        f"{MACS[name]} in br0" for name in "bc"
    }
    assert [switch.port(mac) for mac in (*MACS.values(), NOBODY)] == [None, None, None, "port-b"]
    assert not switch.fdb(flush={})["changed"]


def test_a_flush_below_traffic_succeeds_although_the_sender_is_learned_again_at_once(
    switch: Switch,
) -> None:
    stop = threading.Event()

    def talk() -> None:
        while not stop.wait(0.001):
            switch.stations["a"].send(NOBODY)

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        wait_for(lambda: switch.port(MACS["a"]), "the sender is learned")
        for _each in range(5):
            assert switch.fdb(flush={})["changed"]
            wait_for(lambda: switch.port(MACS["a"]), "the sender is learned again")
            assert switch.fdb(mac=MACS["a"], type="dynamic", state="absent")["changed"]
            wait_for(lambda: switch.port(MACS["a"]), "the sender is learned again")
    finally:
        stop.set()
        talking.join()


def test_bridge_info_tells_type_and_marks(switch: Switch) -> None:
    switch.fdb(
        port="port-b",
        entries=[
            {"mac": NOBODY, "sticky": True},
            {"mac": "02:aa:00:00:00:ef", "extern_learn": True},
        ],
    )
    found = {
        one["mac"]: one
        for one in switch.modules.done("bridge_info", name="br0")["bridges"][0]["fdb"]
    }
    assert (found[NOBODY]["type"], found[NOBODY]["sticky"], found[NOBODY]["extern_learn"]) == (
        "static",
        True,
        False,
    )
    marked = found["02:aa:00:00:00:ef"]
    assert (marked["type"], marked["sticky"], marked["extern_learn"]) == ("dynamic", False, True)


def _sent(bad: int, count: int, fine: tuple[int, ...] = ()) -> str:
    """Send that many entries at once, of which one is for a device that is no port; what came of it."""
    indexes = {"port0": socket.if_nametoindex("port0"), "far0": socket.if_nametoindex("far0")}
    messages = []
    for number in range(count):
        says = {
            "port": "far0" if number == bad else "port0",
            "type": "static",
            "sticky": False,
            "extern_learn": False,
        }
        step = fdb_plan.Step(
            "br0", f"02:bb:00:00:{number >> 8:02x}:{number & 255:02x}", None, None, says
        )
        messages += fdb_apply.messages(
            Change("create", "entry", f"number {number}", None, says, payload=step), indexes
        )
    try:
        Netlink().send_all([message._replace(fine=fine) for message in messages])
    except KernelError as error:
        return str(error)
    return "done"


@pytest.mark.parametrize("bad", [0, 98, 99, 100, 249])
def test_of_many_messages_at_once_the_one_that_is_refused_is_named_and_the_next_hundreds_are_not_sent(
    netns: str, bad: int
) -> None:
    batch(
        netns,
        "link add br0 up type bridge\nlink add port0 up master br0 type veth peer name far0\n",
    )
    said = inside(netns, _sent, bad, 250)
    assert (
        said.startswith(f"Cannot set the static entry number {bad} to far0: ")
        and "does not support it" in said
    )
    static = [
        line
        for line in run("bridge", "-n", netns, "fdb", "show", "br", "br0").splitlines()
        if " static" in line
    ]
    assert len(static) == min(250, (bad // 100 + 1) * 100) - 1


def test_what_an_errno_says_is_done_already_is_no_failure(netns: str) -> None:
    batch(
        netns,
        "link add br0 up type bridge\nlink add port0 up master br0 type veth peer name far0\n",
    )
    assert inside(netns, _sent, 120, 250, (errno.EOPNOTSUPP,)) == "done"
    assert run("bridge", "-n", netns, "fdb", "show", "br", "br0").count(" static") == 249


def told(switch: Switch, mac: str) -> dict[str, Any]:
    """The entry as bridge_info tells it: Debian 12's iproute2 has no words for the watch. That the kernel keeps it, frames show."""
    entries = switch.modules.done("bridge_info", name="br0")["bridges"][0]["fdb"]
    return next(one for one in entries if one["mac"] == mac)


def watch(switch: Switch) -> tuple[bool, bool]:
    entry = told(switch, NOBODY)
    return entry["activity_notify"], entry["inactive"]


def test_an_entry_that_is_watched_says_when_its_device_is_heard(switch: Switch) -> None:
    watched = {"mac": NOBODY, "port": "port-a", "activity_notify": True}
    first = switch.fdb(**watched, inactive=True)
    assert first["entry"]["activity_notify"] and first["entry"]["inactive"]
    assert watch(switch) == (True, True)
    assert not switch.fdb(**watched, inactive=True)["changed"]
    switch.where("a", to=MACS["b"], source=NOBODY)
    assert watch(switch) == (True, False), "the kernel heard it"
    # what is not asked for is left alone, though the kernel ends the watch with every message that does not speak of it
    assert switch.fdb(mac=NOBODY, port="port-a", sticky=True)["changed"]
    assert watch(switch) == (True, False) and "sticky" in switch.entry(NOBODY)["flags"]
    assert switch.fdb(**watched, inactive=True)["changed"]
    assert switch.fdb(**watched, inactive=False)["changed"]
    assert watch(switch) == (True, False)
    assert switch.fdb(mac=NOBODY, port="port-a", activity_notify=False)["changed"]
    assert watch(switch) == (False, False)


def test_norefresh_leaves_the_age_of_an_entry(switch: Switch) -> None:
    switch.fdb(mac=NOBODY, port="port-a", type="dynamic")
    wait_for(lambda: told(switch, NOBODY)["age"] > 0.5, "an entry half a second old")
    assert switch.fdb(mac=NOBODY, port="port-a", type="dynamic", sticky=True, norefresh=True)["changed"]  # fmt: skip
    assert told(switch, NOBODY)["age"] > 0.5
    assert switch.fdb(mac=NOBODY, port="port-a", type="dynamic", sticky=False)["changed"]
    assert told(switch, NOBODY)["age"] < 0.5


def test_a_mac_that_a_locked_port_noted_is_told_as_that(switch: Switch) -> None:
    switch.modules.done("bridge_port", name="port-a", bridge="br0", locked=True, mab=True)
    try:
        switch.stations["a"].send(MACS["b"])
        wait_for(lambda: switch.port(MACS["a"]), "what the port noted")
        found = told(switch, MACS["a"])
        assert found["locked"] and found["type"] == "dynamic" and found["port"] == "port-a"
        assert switch.fdb(mac=MACS["a"], port="port-a")["changed"], "let in"
        assert switch.where("a", to=MACS["b"])["b"] == 1
    finally:
        switch.modules.done("bridge_port", name="port-a", bridge="br0", mab=False, locked=False)
