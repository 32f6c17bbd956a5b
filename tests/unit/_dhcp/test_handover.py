# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DHCP client serves a device, and how its lease gets another device's name: a /proc of files, and real command lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import handover
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import client_for

IFUPDOWN = (
    "/sbin/dhclient", "-4", "-v", "-i", "-pf", "/run/dhclient.eth0.pid", "-lf", "/var/lib/dhcp/dhclient.eth0.leases", "-I", "-df",
    "/var/lib/dhcp/dhclient6.eth0.leases", "eth0",
)  # fmt: skip
IFUPDOWN6 = (
    "/sbin/dhclient", "-6", "-v", "-pf", "/run/dhclient6.eth0.pid", "-lf", "/var/lib/dhcp/dhclient6.eth0.leases", "-I", "-P", "-N", "eth0",
)  # fmt: skip
LEASES = """lease {
  interface "eth0";
  fixed-address 10.77.0.100;
  option host-name "eth0";
}
lease {
  interface "eth1";
  fixed-address 10.88.0.100;
}
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc of which this process is in the namespace "here"."""
    root = tmp_path / "proc"
    namespace(root, "self", tmp_path / "here")
    return root


def namespace(root: Path, pid: str, inode: Path) -> None:
    inode.touch()
    (root / pid / "ns").mkdir(parents=True)
    (root / pid / "ns" / "net").symlink_to(inode)


def process(root: Path, pid: int, *argv: str, inode: str = "here") -> None:
    namespace(root, str(pid), root.parent / inode)
    (root / str(pid) / "cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in argv))


def test_a_client_is_found_by_its_program_and_the_device_it_names(proc: Path) -> None:
    process(proc, 100, *IFUPDOWN)
    process(proc, 101, *IFUPDOWN6)
    process(proc, 102, "/sbin/dhclient", "-4", "eth1")
    process(proc, 103, "vi", "eth0")
    process(proc, 104, "/usr/bin/dhclientele", "eth0")
    process(proc, 105, "dhclient", "eth0.10")
    process(proc, 106)
    found = handover.clients(("eth0", "br0"), str(proc))
    assert [(one.dev, one.program, one.argv, one.pid) for one in found] == [
        ("eth0", "dhclient", IFUPDOWN, 100), ("eth0", "dhclient", IFUPDOWN6, 101),
    ]  # fmt: skip


def test_a_client_in_another_network_namespace_is_none_of_ours(proc: Path) -> None:
    process(proc, 100, *IFUPDOWN, inode="there")
    assert handover.clients(("eth0",), str(proc)) == ()


def test_a_process_that_ends_while_it_is_looked_at_is_passed_over(proc: Path) -> None:
    (proc / "100").mkdir()
    process(proc, 101, *IFUPDOWN)
    assert [one.pid for one in handover.clients(("eth0",), str(proc))] == [101]


def test_a_command_line_that_is_no_text_is_kept_as_it_is(proc: Path) -> None:
    process(proc, 100, "dhclient", "-cf", "/etc/\udcff.conf", "eth0")
    (found,) = handover.clients(("eth0",), str(proc))
    assert found.argv[2] == "/etc/\udcff.conf"


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (IFUPDOWN, tuple(word.replace("eth0", "br0") for word in IFUPDOWN)),
        (IFUPDOWN6, tuple(word.replace("eth0", "br0") for word in IFUPDOWN6)),
        (("dhclient", "eth0"), ("dhclient", "br0")),
        (("dhclient", "-H", "eth0host", "eth0"), ("dhclient", "-H", "eth0host", "br0")),
        # a folder that happens to have the device's name is no file of the client's
        (("dhclient", "-lf", "/srv/eth0/leases", "eth0"), ("dhclient", "-lf", "/srv/eth0/leases", "br0")),
        (("dhclient", "eth0", "eth0.10"), ("dhclient", "br0", "eth0.10")),
    ],
)  # fmt: skip
def test_the_client_of_the_bridge_is_the_nics_under_another_name(
    argv: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    client = Client("eth0", "dhclient", argv, 100)
    moved = client_for(client, "br0")
    assert (moved.dev, moved.program, moved.argv, moved.pid) == ("br0", "dhclient", wanted, 0)
    assert client_for(moved, "eth0") == client


def record(tmp_path: Path) -> str:
    """A program that writes down how it was called, in place of a client."""
    path = tmp_path / "record"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(tmp_path / 'called')!r}, 'w').write(' '.join(sys.argv[1:]))\n",
        encoding="ascii",
    )
    path.chmod(0o755)
    return str(path)


def test_the_new_client_gets_a_copy_of_the_lease_under_its_name_and_the_old_file_stays(
    tmp_path: Path,
) -> None:
    old = tmp_path / "dhclient.eth0.leases"
    old.write_text(LEASES, encoding="ascii")
    old.chmod(0o640)
    new = tmp_path / "dhclient.br0.leases"
    client = Client("br0", "dhclient", (record(tmp_path), "-lf", str(new), "br0"))
    handover.start(client, "eth0")
    assert old.read_text(encoding="ascii") == LEASES
    assert new.read_text(encoding="ascii") == LEASES.replace(
        'interface "eth0";', 'interface "br0";'
    )
    assert new.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "called").read_text(encoding="ascii") == f"-lf {new} br0"
    assert {path.name for path in tmp_path.iterdir()} == {
        "dhclient.eth0.leases",
        "dhclient.br0.leases",
        "record",
        "called",
    }


def test_one_lease_file_for_all_devices_gets_the_bridges_leases_last(tmp_path: Path) -> None:
    leases = tmp_path / "dhclient.leases"
    leases.write_text(LEASES, encoding="ascii")
    handover.start(Client("br0", "dhclient", (record(tmp_path), "-lf", str(leases), "br0")), "eth0")
    text = leases.read_text(encoding="ascii")
    assert text.startswith(LEASES)  # the way back finds the NIC's
    assert (
        text[len(LEASES) :].count('interface "br0";') == 1
        and 'interface "eth0";' not in text[len(LEASES) :]
    )
    assert 'option host-name "eth0";' in text[len(LEASES) :]


def test_one_lease_file_for_all_devices_does_not_grow_with_each_conversion(tmp_path: Path) -> None:
    leases = tmp_path / "dhclient.leases"
    leases.write_text(LEASES, encoding="ascii")
    there = Client("br0", "dhclient", (record(tmp_path), "-lf", str(leases), "br0"))
    for _again in range(3):
        handover.start(there, "eth0")
        handover.start(client_for(there, "eth0"), "br0")
    assert leases.read_text(encoding="ascii").count("lease {") <= 6


def test_without_a_lease_the_client_simply_starts(tmp_path: Path) -> None:
    new = tmp_path / "dhclient.br0.leases"
    handover.start(Client("br0", "dhclient", (record(tmp_path), "-lf", str(new), "br0")), "eth0")
    assert (tmp_path / "called").exists() and not new.exists()


def test_the_same_device_again_keeps_its_lease_file(tmp_path: Path) -> None:
    leases = tmp_path / "dhclient.eth0.leases"
    leases.write_text(LEASES, encoding="ascii")
    handover.start(
        Client("eth0", "dhclient", (record(tmp_path), "-lf", str(leases), "eth0")), "eth0"
    )
    assert leases.read_text(encoding="ascii") == LEASES


def test_a_client_that_is_not_installed_any_more_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency) as caught:
        handover.start(Client("br0", "dhclient", (str(tmp_path / "nothing"), "br0")), "br0")
    assert "\n" not in str(caught.value) and "install isc-dhcp-client" in str(caught.value)


def test_a_client_is_ended_by_sigterm_and_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        handover.stop(Client("eth0", "dhclient", ("dhclient", "eth0"), child.pid))
        assert child.wait(5) == -15


def test_a_client_that_is_gone_already_is_no_trouble() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    handover.stop(Client("eth0", "dhclient", ("dhclient", "eth0"), child.pid))


def test_a_client_that_does_not_end_is_said_by_number() -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", stubborn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        with pytest.raises(DeadlineExceeded, match=str(child.pid)):
            handover.stop(Client("eth0", "dhclient", ("dhclient", "eth0"), child.pid), seconds=0.1)
        child.kill()
