# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dhcpcd and udhcpc: how their processes look in a process list, and what a successor is started with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import clients
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.clients import (
    PROGRAMS,
    Dhclient,
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
from ansible_collections.hypervisor.network.tests.harness.model import simulated


def anywhere(_path: str) -> bool:
    return True


def nowhere(_path: str) -> bool:
    return False


EVERY = (Dhclient(anywhere), Udhcpc(ours=anywhere), Dhcpcd(ours=anywhere))
CASES = [
    # dhcpcd 9 and 10 write a title over their command line; what runs as root is the client, or its privileged part
    (("dhcpcd: eth0 [ip4]",), [("eth0", ("dhcpcd", "-4", "eth0"))]),
    (("dhcpcd: eth0 [ip6]",), [("eth0", ("dhcpcd", "-6", "eth0"))]),
    (("dhcpcd: eth0 [ip4] [ip6]",), [("eth0", ("dhcpcd", "eth0"))]),
    (("dhcpcd: [privileged proxy] eth0 [ip4]",), [("eth0", ("dhcpcd", "-4", "eth0"))]),
    (("dhcpcd: [privileged actioneer] eth0 [ip6]",), [("eth0", ("dhcpcd", "-6", "eth0"))]),
    (("dhcpcd: [control proxy] eth0 [ip4]",), []),
    (("dhcpcd: [BPF ARP] eth0 10.77.0.100",), []),
    # for all devices: there is nothing to hand over
    (("dhcpcd: [manager] [ip4] [ip6]",), []),
    (("dhcpcd: [master] [ip4] [ip6]",), []),
    (("dhcpcd: [privileged proxy] [ip4] [ip6]",), []),
    (("dhcpcd: eth1 [ip4]",), []),
    (("dhcpcd: eth0.10 [ip4]",), []),
    (("/sbin/dhcpcd", "-m", "7", "eth0"), [("eth0", ("dhcpcd", "-m", "7", "eth0"))]),
    (("/sbin/dhcpcd", "-qm7", "eth0"), [("eth0", ("dhcpcd", "-q", "-m", "7", "eth0"))]),
    (("/sbin/dhcpcd",), []),
    (("udhcpc", "-n", "-i", "eth0"), [("eth0", ("udhcpc", "-n", "-i", "eth0"))]),
    (("/sbin/udhcpc", "-ieth0", "-b"), [("eth0", ("udhcpc", "-i", "eth0", "-b"))]),
    (("udhcpc", "-nqi", "eth0"), [("eth0", ("udhcpc", "-n", "-q", "-i", "eth0"))]),
    (("udhcpc", "--interface=eth0"), [("eth0", ("udhcpc", "-i", "eth0"))]),
    (("udhcpc", "--interf", "eth0", "-a500"), [("eth0", ("udhcpc", "-i", "eth0", "-a500"))]),
    (("/bin/busybox", "udhcpc", "-i", "eth0"), [("eth0", ("udhcpc", "-i", "eth0"))]),
    (("udhcpc",), [("eth0", ("udhcpc", "-i", "eth0"))]),
    (("udhcpc", "-i", "eth1"), []),
    (("udhcpc", "-F", "-i", "-i", "eth1"), []),
    (("/bin/busybox", "sh"), []),
    (("/bin/busybox",), []),
    (("sshd: eth0",), []),
    (("", "eth0"), []),
    (("dhclient", "-H", "eth0", "eth1"), []),  # a host's name
    (("dhclient", "-4", "eth1", "eth0"), [("eth0", ("dhclient", "-4", "eth1", "eth0"))]),
]


@pytest.mark.parametrize(("argv", "found"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_recognised(argv: tuple[str, ...], found: list[tuple[str, tuple[str, ...]]]) -> None:
    said = [one for program in EVERY for one in program.recognise(argv, ("eth0", "br0"))]
    assert [(one.dev, one.argv) for one in said] == found


LEFT = [
    (("dhclient", "-sf", "/tmp/evil", "eth0"), ("-sf /tmp/evil",)),
    (("dhclient", "-cf", "/srv/bob/dhclient.conf", "eth0"), ("-cf /srv/bob/dhclient.conf",)),
    (("dhclient", "-cf", "/etc/dhcp/../../tmp/x", "eth0"), ("-cf /etc/dhcp/../../tmp/x",)),
    (("dhclient", "-cf", "/etc/\ufffd.conf", "eth0"), ("-cf /etc/\ufffd.conf",)),
    (("dhclient", "-e", "PATH=/tmp", "eth0"), ("-e PATH=/tmp",)),
    (("dhclient", "-e", "IF_METRIC=1\nPATH=/tmp", "eth0"), ("-e IF_METRIC=1\nPATH=/tmp",)),
    (("dhclient", "-s", "10.0.0.1", "eth0"), ("-s 10.0.0.1",)),
    (("dhclient", "-r", "eth0"), ("-r",)),
    (("dhclient", "-x", "eth0"), ("-x",)),
    (("dhclient", "-d", "eth0"), ("-d",)),
    (("dhclient", "--new-option", "eth0"), ("--new-option",)),
    (("dhclient", "-H", "$(reboot)", "eth0"), ("-H $(reboot)",)),
    (("dhclient", "-H", "-r", "eth0"), ("-H -r",)),
    (("dhclient", "eth0", "-sf"), ("-sf",)),
    (("dhclient", "-4", "eth0", "a/b"), ("a/b",)),
    (("udhcpc", "-i", "eth0", "-s", "/tmp/evil"), ("-s /tmp/evil",)),
    (("udhcpc", "-i", "eth0", "-s/tmp/evil"), ("-s /tmp/evil",)),
    (("udhcpc", "-i", "eth0", "--script=/tmp/evil"), ("-s /tmp/evil",)),
    (("udhcpc", "-i", "eth0", "--scr", "/tmp/evil"), ("-s /tmp/evil",)),
    (("udhcpc", "-ni", "eth0", "-fs/tmp/evil"), ("-f", "-s /tmp/evil")),
    (("udhcpc", "-i", "eth0", "-s", "/run/hypervisor-network/udhcpc.eth0/../../../tmp/x"), ()),
    (("udhcpc", "-i", "eth0", "-f"), ("-f",)),
    (("udhcpc", "-i", "eth0", "--none-such=1", "-Z"), ("--none-such=1", "-Z")),
    (("/sbin/dhcpcd", "-c", "/tmp/evil", "eth0"), ("-c /tmp/evil",)),
    (("/sbin/dhcpcd", "--script=/tmp/evil", "eth0"), ("-c /tmp/evil",)),
    (("/sbin/dhcpcd", "-f", "/tmp/evil.conf", "eth0"), ("-f /tmp/evil.conf",)),
    (("/sbin/dhcpcd", "-e", "LD_PRELOAD=/tmp/x", "eth0"), ("-e LD_PRELOAD=/tmp/x",)),
]


@pytest.mark.parametrize(("argv", "left"), LEFT, ids=[" ".join(case[0]) for case in LEFT])
def test_what_is_not_known_or_not_the_distributions_stays_behind_and_is_told(
    argv: tuple[str, ...], left: tuple[str, ...]
) -> None:
    (said,) = [one for program in EVERY for one in program.recognise(argv, ("eth0",))]
    assert said.left == left
    assert "evil" not in " ".join(said.argv) and "tmp" not in " ".join(said.argv)
    assert set(said.argv) <= {"dhclient", "udhcpc", "dhcpcd", "-4", "-i", "-n", "eth0"}


def test_the_distributions_own_files_go_over() -> None:
    for program, argv in (
        (EVERY[0], ("dhclient", "-cf", "/etc/dhcp/dhclient.conf", "-sf", "/sbin/dhclient-script", "eth0")),
        (EVERY[1], ("udhcpc", "-i", "eth0", "-s", "/etc/udhcpc/default.script")),
        (EVERY[2], ("dhcpcd", "-f", "/etc/dhcpcd.conf", "-c", "/lib/dhcpcd/dhcpcd-run-hooks", "eth0")),
    ):  # fmt: skip
        (said,) = program.recognise(argv, ("eth0",))
        assert (said.argv, said.left) == (argv, ())


def test_files_where_others_could_put_theirs_stay_behind() -> None:
    argv = ("dhclient", "-lf", "/tmp/eth0.leases", "-pf", "/tmp/pid", "-4", "eth0")
    (said,) = Dhclient(nowhere).recognise(argv, ("eth0",))
    assert said.argv == ("dhclient", "-4", "eth0")
    assert said.left == ("-lf /tmp/eth0.leases", "-pf /tmp/pid")


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (
            ("udhcpc", "-n", "-p", "/run/udhcpc.eth0.pid", "-i", "eth0"),
            ("udhcpc", "-n", "-p", "/run/udhcpc.br0.pid", "-i", "br0"),
        ),
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
    assert Dhcpcd().prepare(moved, "br0") == ("-m", "1002", "-4", "br0")
    (back,) = layout_of(now, "eth0", "br0").clients
    assert Dhcpcd().prepare(back, "eth0") == ("-m", "1002", "-4", "eth0")
    assert Dhcpcd().prepare(client, "eth0") == ("-4", "eth0")


@pytest.mark.parametrize(
    "argv",
    [
        ("udhcpc", "-i", "br0"),
        ("udhcpc", "-R", "-i", "br0"),
        ("udhcpc", "-s", "SCRIPT", "-i", "br0"),
    ],
    ids=["plain", "release", "script"],
)
def test_udhcpcs_first_order_is_passed_over_and_only_the_first(
    tmp_path: Path, argv: tuple[str, ...]
) -> None:
    script = tmp_path / "default.script"
    script.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/orders\n', encoding="ascii")
    script.chmod(0o755)
    program = Udhcpc(run=str(tmp_path / "run"), scripts=(str(script),), ours=anywhere)
    client = Client(
        "br0", "udhcpc", tuple(str(script) if word == "SCRIPT" else word for word in argv)
    )
    before = os.umask(0o077)
    try:
        started = program.prepare(client, "eth0")
    finally:
        os.umask(before)
    assert started[started.index("-s") + 1] == f"{tmp_path}/run/udhcpc.br0"
    # the second run sees the client that was wished
    for prefix in (("udhcpc",), ("/bin/busybox", "udhcpc")):
        (said,) = program.recognise((*prefix, *started), ["br0"])
        assert (said.dev, said.argv, said.left) == ("br0", client.argv, ())
    for order in ("deconfig", "bound", "renew", "deconfig"):
        subprocess.run([started[started.index("-s") + 1], order], check=True)
    assert (tmp_path / "orders").read_text(encoding="ascii").split() == [
        "bound",
        "renew",
        "deconfig",
    ]
    assert program.prepare(client, "eth0") == started
    assert os.stat(tmp_path / "run" / "udhcpc.br0").st_mode & 0o777 == 0o755


@pytest.mark.parametrize("said", [b"", b"\xff\xfe", b"#!/bin/sh\n# Stands before /tmp/evil\n"])
def test_a_script_of_ours_that_is_gone_or_not_ours_is_taken_for_the_default_one(
    tmp_path: Path, said: bytes
) -> None:
    argv = ("udhcpc", "-s", f"{tmp_path}/udhcpc.br0", "-i", "br0")
    for ours in (anywhere, nowhere):
        (found,) = Udhcpc(run=str(tmp_path), ours=ours).recognise(argv, ["br0"])
        assert (found.dev, found.argv) == ("br0", ("udhcpc", "-i", "br0"))
        (tmp_path / "udhcpc.br0").write_bytes(said)


def test_a_run_directory_of_somebody_else_gets_no_script(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    with pytest.raises(Refused, match="only root can write to"):
        Udhcpc(run=str(tmp_path / "run")).prepare(
            Client("br0", "udhcpc", ("udhcpc", "-i", "br0")), "eth0"
        )
    assert list((tmp_path / "run").iterdir()) == []


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


LEASE = 'lease {{\n  interface "{}";\n  fixed-address {};\n}}\n'


def prepared(tmp_path: Path, leases: str, name: str) -> str:
    """The leases that a dhclient of br0 begins with, after eth0's."""
    path = str(tmp_path / name)
    Path(path.replace(".br0.", ".eth0.")).write_text(leases, encoding="ascii")
    client = Client("br0", "dhclient", ("dhclient", "-lf", path, "br0"), 0)
    assert clients.Dhclient().prepare(client, "eth0") == ("-lf", path, "br0")
    return Path(path).read_text(encoding="ascii")


def test_a_lease_file_with_the_devices_name_is_copied_under_the_other_name(tmp_path: Path) -> None:
    leases = LEASE.format("eth0", "10.0.0.7")
    assert prepared(tmp_path, leases, "dhclient.br0.leases") == LEASE.format("br0", "10.0.0.7")
    assert (tmp_path / "dhclient.eth0.leases").read_text(encoding="ascii") == leases, (
        "it is the way back"
    )


def test_in_a_file_of_all_devices_the_latest_lease_is_told_again_under_the_other(
    tmp_path: Path,
) -> None:
    others = (
        LEASE.format("eth0", "10.0.0.6")
        + LEASE.format("eth1", "10.9.0.1")
        + LEASE.format("eth0", "10.0.0.7")
    )
    stale = LEASE.format("br0", "10.0.0.5")
    assert prepared(tmp_path, stale + others, "dhclient.leases") == others + LEASE.format(
        "br0", "10.0.0.7"
    )


def test_a_client_without_a_lease_begins_without_one(tmp_path: Path) -> None:
    path = str(tmp_path / "dhclient.br0.leases")
    client = Client("br0", "dhclient", ("dhclient", "-lf", path, "br0"), 0)
    assert clients.Dhclient().prepare(client, "eth0") == ("-lf", path, "br0")
    assert not Path(path).exists()
