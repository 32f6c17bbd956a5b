# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a device alone, in ss's words."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink import bound_sockets
from ansible_collections.hypervisor.network.tests.harness.net.netns import inside

CASES = {
    "bound to the NIC": (
        "udp UNCONN 0 0 0.0.0.0%eth0:123 0.0.0.0:* ino:1 sk:1 cgroup:/ <->",
        [("udp 0.0.0.0:123", "1")],
    ),
    "bound to it in IPv6": (
        "tcp LISTEN 0 128 [::]%eth0:22 [::]:* ino:7 sk:1 cgroup:/ <->",
        [("tcp [::]:22", "7")],
    ),
    "nobody may know whose": (
        "udp UNCONN 0 0 0.0.0.0%eth0:161 0.0.0.0:*",
        [("udp 0.0.0.0:161", "")],
    ),
    "every address of both families": ("tcp LISTEN 0 128 *%eth0:80 *:*", [("tcp *:80", "")]),
    "any protocol": (
        "??? UNCONN 0 0 0.0.0.0%eth0:112 0.0.0.0:* ino:2 sk:1 cgroup:/ <->",
        [("??? 0.0.0.0:112", "2")],
    ),
    "another device": ("udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*", []),
    "a device whose name begins alike": ("udp UNCONN 0 0 0.0.0.0%eth0.10:123 0.0.0.0:*", []),
    "no device": ("tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*", []),
    "an address, which moves": ("udp UNCONN 0 0 10.77.0.11:123 0.0.0.0:*", []),
    "a link-local address, which names its device": (
        "udp UNCONN 0 0 [fe80::1]%eth0:123 [::]:*",
        [],
    ),
    "a DHCP client": ("udp UNCONN 0 0 0.0.0.0%eth0:68 0.0.0.0:* ino:3 sk:1 cgroup:/ <->", []),
    "a DHCPv6 client": ("udp UNCONN 0 0 [::]%eth0:546 [::]:*", []),
    "nothing at all": ("", []),
    "lines that are none": ('\n \nudp\nb",pid=1\n\ufffd \ufffd\n', []),
    "one of them among others": (
        "half a line\nudp UNCONN 0 0 0.0.0.0%eth0:123 0.0.0.0:* ino:5\n",
        [("udp 0.0.0.0:123", "5")],
    ),
}


@pytest.mark.parametrize(("text", "found"), CASES.values(), ids=CASES)
def test_among(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.where, one.inode) for one in bound_sockets.among("eth0", text)] == found


def test_nobody_is_found_where_ss_is_missing() -> None:
    assert bound_sockets.bound("eth0", ("none-such",)) == []


@pytest.mark.parametrize(
    ("comm", "told"),
    [
        (b"chronyd", "chronyd"),
        (b"a\nb", "a\ufffdb"),
        (b"\xff", "\ufffd"),
        (b'",pid=1,fd=1))', '",pid=1,fd=1))'),
        (b"", ""),
    ],
)
def test_a_name_that_is_no_line_stops_nothing(tmp_path: Path, comm: bytes, told: str) -> None:
    """Seen to end in ValueError and UnicodeDecodeError: anybody may name a process, and bind it to a device."""
    proc = tmp_path / "proc"
    (proc / "100" / "fd").mkdir(parents=True)
    (proc / "100" / "fd" / "3").symlink_to("socket:[4711]")
    (proc / "100" / "fd" / "0").symlink_to("/dev/null")
    (proc / "100" / "comm").write_bytes(comm + b"\n")
    (proc / "200").mkdir()
    (tmp_path / "said").write_text("udp UNCONN 0 0 0.0.0.0%eth0:123 0.0.0.0:* ino:4711 sk:1\n")
    asked = ("cat", str(tmp_path / "said"))
    assert bound_sockets.bound("eth0", asked, str(proc)) == [f"{told} (udp 0.0.0.0:123)"]
    assert bound_sockets.bound("eth0", asked, str(tmp_path / "none")) == [
        "a program (udp 0.0.0.0:123)"
    ]


def test_a_manager_that_is_asked_itself_is_not_told(tmp_path: Path) -> None:
    """By the file of its program, since anybody may have its name."""
    proc, program = tmp_path / "proc", tmp_path / "systemd-networkd"
    program.touch()
    (proc / "100" / "fd").mkdir(parents=True)
    (proc / "100" / "fd" / "3").symlink_to("socket:[4711]")
    (proc / "100" / "comm").write_bytes(b"systemd-network\n")
    (tmp_path / "said").write_text("icmp6 UNCONN 0 0 *%eth0:58 *:* ino:4711 sk:1\n")
    asked = ("cat", str(tmp_path / "said"))
    told = ["systemd-network (icmp6 *:58)"]
    assert bound_sockets.bound("eth0", asked, str(proc), [str(program)]) == told
    (proc / "100" / "exe").symlink_to(program)
    assert bound_sockets.bound("eth0", asked, str(proc)) == told
    assert bound_sockets.bound("eth0", asked, str(proc), [str(program)]) == []


def _bind(name: bytes) -> str:
    """In a namespace: bind a socket to lo under a name, and say who listens there alone."""
    comm = Path("/proc/self/comm")
    before = comm.read_bytes()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        sock.bind(("127.0.0.1", 12345))
        comm.write_bytes(name)
        try:
            return "|".join(bound_sockets.bound("lo"))
        finally:
            comm.write_bytes(before.rstrip(b"\n"))


@pytest.mark.parametrize(
    ("name", "told"), [(b"a\nb", "a\ufffdb"), (b"\xff", "\ufffd"), (b'x"y', 'x"y')]
)
def test_a_real_sockets_owner_with_such_a_name(netns: str, name: bytes, told: str) -> None:
    assert inside(netns, _bind, name) == f"{told} (udp 127.0.0.1:12345)"
