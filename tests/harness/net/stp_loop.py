# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two bridges in a loop of two links, with a station at each, as tests/integration/test_stp.py draws it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station, counts
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    Namespaces,
    batch,
    ip_json,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

BRIDGES = ("west", "east")


LINKS = ("one", "two")


PORTS = {f"{link}-{bridge}": bridge for link in LINKS for bridge in BRIDGES}


QUICK = {"hello_time": 1, "max_age": 6, "forward_delay": 2}


SETTLED = 20.0  # the old tree's max_age, then listening and learning, on a busy machine


class Loop:
    """The two bridges, their stations, and what is told of them."""

    def __init__(self, modules: Modules, stations: dict[str, Station]) -> None:
        self.modules = modules
        self.stations = stations
        self.netns = modules.netns

    def bridges(self, **options: Any) -> None:
        """Give both bridges these options."""
        self.modules.done("linux_bridge", bridges=[{"name": name} for name in BRIDGES], **options)

    def cut(self, *links: str) -> None:
        """Take the plug of these links, and of no others, out of the western bridge."""
        for link in LINKS:
            run(
                "ip",
                "-n",
                self.netns,
                "link",
                "set",
                f"{link}-west",
                "down" if link in links else "up",
            )

    def states(self) -> dict[str, str]:
        """The states of the ports of the two links, as iproute2 tells them."""
        found = json.loads(run("bridge", "-n", self.netns, "-j", "link", "show"))
        return {one["ifname"]: one["state"] for one in found if one["ifname"] in PORTS}

    def settled(self, *blocked: str) -> str:
        """Wait until all ports forward but one, which is one of C(blocked) where these are given; returns that one."""

        def one_blocks() -> str | None:
            states = self.states()
            others = [name for name, state in states.items() if state != "forwarding"]
            return (
                others[0]
                if len(others) == 1
                and states[others[0]] == "blocking"
                and others[0] in (blocked or states)
                else None
            )

        return wait_for(
            one_blocks, f"one port blocks, of {blocked or list(PORTS)}: {self.states()}", SETTLED
        )

    def told(self, bridge: str) -> dict[str, Any]:
        """What iproute2 tells of a bridge, and sysfs of its root, where some versions of iproute2 write the bridge's own id."""
        info = ip_json(self.netns, "-d", "link", "show", "dev", bridge)[0]["linkinfo"]["info_data"]
        ids = {
            key: run("cat", f"/sys/class/net/{bridge}/bridge/{key}", netns=self.netns).strip()
            for key in ("root_id", "bridge_id")
        }
        return {**info, **ids}

    def copies(self) -> dict[str, int]:
        """Where one broadcast of the western station comes out, and how often; itself included, should it come back."""
        west = self.stations["west"]
        number = west.send()
        found = counts(number, west, {"east": self.stations["east"]})
        return {**found, **({"west": west.count(number)} if west.count(number) else {})}


@contextlib.contextmanager
def closed_loop(target_path: str) -> Iterator[Loop]:
    """The loop, made by the modules and removed at the end."""
    with (
        Namespaces("loop", "far") as names,
        Modules(names["loop"], str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules,
        contextlib.ExitStack() as stack,
    ):
        for netns in names.values():
            run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", netns=netns)
        modules.done(
            "linux_bridge",
            bridges=[
                {"name": name, "mac": f"02:00:00:00:00:{mac}"}
                for name, mac in zip(BRIDGES, ("0a", "0b"))
            ],
            up=True,
        )
        for link in LINKS:
            batch(names["loop"], f"link add {link}-west type veth peer name {link}-east\n")
            # should a storm break loose, the machine survives it
            for bridge in BRIDGES:
                run(
                    "tc",
                    "-n",
                    names["loop"],
                    "qdisc",
                    "add",
                    "dev",
                    f"{link}-{bridge}",
                    "root",
                    "tbf",
                    "rate",
                    "8mbit",
                    "burst",
                    "4kb",
                    "limit",
                    "64kb",
                )
        for bridge in BRIDGES:
            batch(
                names["loop"],
                f"link add port-{bridge} type veth peer name far-{bridge} netns {names['far']}\n",
            )
            batch(names["far"], f"link set far-{bridge} up\n")
        modules.done(
            "linux_bridge",
            bridges=[{"name": name} for name in BRIDGES],
            stp_state=True,
            mcast_snooping=False,
            **QUICK,
        )
        ports = {**PORTS, **{f"port-{bridge}": bridge for bridge in BRIDGES}}
        modules.done(
            "bridge_port",
            up=True,
            ports=[{"name": name, "bridge": bridge} for name, bridge in ports.items()],
        )
        stations = {
            bridge: stack.enter_context(
                Station(names["far"], f"far-{bridge}", f"02:aa:00:00:00:0{number}")
            )
            for number, bridge in enumerate(BRIDGES)
        }
        yield Loop(modules, stations)
