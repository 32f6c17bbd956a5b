# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dhcpcd and udhcpc: how their processes look in a process list, and what a successor is started with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import clients
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.clients import (
    PROGRAMS,
    Dhcpcd,
    Udhcpc,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import (
    Inet,
    bridged,
    client_for,
    layout_of,
)
from ansible_collections.hypervisor.network.tests.harness import simulated


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        # dhcpcd 9 and 10 write a title over their command line; only the one without brackets is the client itself
        (("dhcpcd: eth0 [ip4]",), [("eth0", ("dhcpcd", "-4", "eth0"))]),
        (("dhcpcd: eth0 [ip6]",), [("eth0", ("dhcpcd", "-6", "eth0"))]),
        (("dhcpcd: eth0 [ip4] [ip6]",), [("eth0", ("dhcpcd", "eth0"))]),
        (("dhcpcd: [privileged proxy] eth0 [ip4]",), []),
        (("dhcpcd: [control proxy] eth0 [ip4]",), []),
        (("dhcpcd: [BPF ARP] eth0 10.77.0.100",), []),
        # for all devices: there is nothing to hand over
        (("dhcpcd: [manager] [ip4] [ip6]",), []),
        (("dhcpcd: [master] [ip4] [ip6]",), []),
        (("dhcpcd: eth1 [ip4]",), []),
        (("dhcpcd: eth0.10 [ip4]",), []),
        (("/sbin/dhcpcd", "-m", "7", "eth0"), [("eth0", ("/sbin/dhcpcd", "-m", "7", "eth0"))]),
        (("/sbin/dhcpcd",), []),
        (("udhcpc", "-n", "-i", "eth0"), [("eth0", ("udhcpc", "-n", "-i", "eth0"))]),
        (("/sbin/udhcpc", "-ieth0", "-b"), [("eth0", ("/sbin/udhcpc", "-ieth0", "-b"))]),
        (("udhcpc", "--interface=eth0"), [("eth0", ("udhcpc", "--interface=eth0"))]),
        (("udhcpc", "--interface", "eth0"), [("eth0", ("udhcpc", "--interface", "eth0"))]),
        (
            ("/bin/busybox", "udhcpc", "-i", "eth0"),
            [("eth0", ("/bin/busybox", "udhcpc", "-i", "eth0"))],
        ),
        (("udhcpc",), [("eth0", ("udhcpc", "-i", "eth0"))]),
        (("udhcpc", "-i", "eth1"), []),
        (("/bin/busybox", "sh"), []),
        (("/bin/busybox",), []),
        (("sshd: eth0",), []),
    ],
)
def test_recognised(argv: tuple[str, ...], found: list[tuple[str, tuple[str, ...]]]) -> None:
    assert [
        one for program in PROGRAMS.values() for one in program.recognise(argv, ("eth0", "br0"))
    ] == found


def test_all_processes_of_a_dhcpcd_belong_to_it() -> None:
    client = Client("eth0", "dhcpcd", ("dhcpcd", "-4", "eth0"), 100)
    for title in (
        "eth0 [ip4]",
        "[privileged proxy] eth0 [ip4]",
        "[control proxy] eth0 [ip4]",
        "[BPF ARP] eth0 10.77.0.100",
    ):
        assert Dhcpcd().belongs((f"dhcpcd: {title}",), client), title
    for title in (
        "eth1 [ip4]",
        "[privileged proxy] eth1 [ip4]",
        "[manager] [ip4] [ip6]",
        "eth0.10 [ip4]",
    ):
        assert not Dhcpcd().belongs((f"dhcpcd: {title}",), client), title
    assert not Dhcpcd().belongs(("vi", "dhcpcd: eth0"), client)


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (
            ("udhcpc", "-n", "-p", "/run/udhcpc.eth0.pid", "-i", "eth0"),
            ("udhcpc", "-n", "-p", "/run/udhcpc.br0.pid", "-i", "br0"),
        ),
        (("udhcpc", "-ieth0"), ("udhcpc", "-ibr0")),
        (("udhcpc", "--interface=eth0"), ("udhcpc", "--interface=br0")),
        (("dhcpcd", "-4", "eth0"), ("dhcpcd", "-4", "br0")),
    ],
)
def test_the_same_client_for_the_bridge(argv: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    assert client_for(Client("eth0", "x", argv), "br0").argv == wanted


def test_the_client_of_the_bridge_keeps_the_metric_that_the_routes_have() -> None:
    way = simulated.route("default", Hop("eth0", "10.77.0.1"), metric=1002, protocol=16)
    client = Client("eth0", "dhcpcd", ("dhcpcd", "-4", "eth0"), 100)
    now = Inet(
        {"eth0": Link("eth0", 2, "", 1, "02:00:00:00:00:10")}, routes=(way,), clients=(client,)
    )
    (moved,) = bridged(now, "eth0", "br0").clients
    assert (moved.dev, moved.metric) == ("br0", 1002)
    assert Dhcpcd().prepare(moved, "br0") == ("dhcpcd", "-m", "1002", "-4", "br0")
    (back,) = layout_of(now, "eth0", "br0").clients
    assert Dhcpcd().prepare(back, "eth0") == ("dhcpcd", "-m", "1002", "-4", "eth0")
    assert Dhcpcd().prepare(client, "eth0") == ("dhcpcd", "-4", "eth0")


@pytest.mark.parametrize(
    "argv",
    [
        ("udhcpc", "-i", "br0"),
        ("busybox", "udhcpc", "-R", "-i", "br0"),
        ("udhcpc", "-s", "SCRIPT", "-i", "br0"),
    ],
    ids=["plain", "busybox", "script"],
)
def test_udhcpcs_first_order_is_passed_over_and_only_the_first(
    tmp_path: Path, argv: tuple[str, ...]
) -> None:
    script = tmp_path / "default.script"
    script.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/orders\n', encoding="ascii")
    script.chmod(0o755)
    program = Udhcpc(run=str(tmp_path / "run"), script=str(script))
    client = Client(
        "br0", "udhcpc", tuple(str(script) if word == "SCRIPT" else word for word in argv)
    )
    started = program.prepare(client, "eth0")
    assert started[started.index("-s") + 1] == f"{tmp_path}/run/udhcpc.br0"
    # the second run sees the client that was wished
    assert program.recognise(started, ["br0"]) == [("br0", client.argv)]
    for order in ("deconfig", "bound", "renew", "deconfig"):
        subprocess.run([started[started.index("-s") + 1], order], check=True)
    assert (tmp_path / "orders").read_text(encoding="ascii").split() == [
        "bound",
        "renew",
        "deconfig",
    ]
    assert program.prepare(client, "eth0") == started
    assert os.stat(tmp_path / "run" / "udhcpc.br0").st_mode & 0o777 == 0o755


def test_a_script_of_ours_that_is_gone_is_taken_for_the_default_one(tmp_path: Path) -> None:
    program = Udhcpc(run=str(tmp_path))
    assert program.recognise(("udhcpc", "-s", f"{tmp_path}/udhcpc.br0", "-i", "br0"), ["br0"]) == [
        ("br0", ("udhcpc", "-i", "br0"))
    ]


def test_dhcpcds_lease_files_are_copied_and_kept(tmp_path: Path) -> None:
    (tmp_path / "eth0.lease").write_bytes(b"\1\2\3")
    (tmp_path / "eth0.lease6").write_bytes(b"\4")
    Dhcpcd(leases=str(tmp_path)).prepare(Client("br0", "dhcpcd", ("dhcpcd", "br0")), "eth0")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "eth0.lease": b"\1\2\3", "br0.lease": b"\1\2\3", "eth0.lease6": b"\4", "br0.lease6": b"\4",
    }  # fmt: skip
    Dhcpcd(leases=str(tmp_path / "nowhere")).prepare(
        Client("br0", "dhcpcd", ("dhcpcd", "br0")), "eth0"
    )


def test_every_program_names_its_package() -> None:
    assert {name: one.package for name, one in PROGRAMS.items()} == {
        "dhclient": "isc-dhcp-client",
        "udhcpc": "udhcpc",
        "dhcpcd": "dhcpcd-base",
    }
    assert clients.RUN.startswith("/run/")
