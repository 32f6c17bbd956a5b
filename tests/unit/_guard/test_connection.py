# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To which address a session came: by its own variable, by that of who called sudo, by the socket that sshd holds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._guard.connection import (
    came_to,
    established,
    told_by,
)

TOLD = b"SSH_CONNECTION=10.0.0.9 50000 10.0.0.1 22"
HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = b"   0: %s:0016 0900000A:C350 %s 00000000:00000000 02:00 00000000     0        0 %s 2 0\n"
NUMBER = "0100000A" if sys.byteorder == "little" else "0A000001"


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("10.0.0.9 50000 10.0.0.1 22", "10.0.0.1"),
        ("fe80::9%eth0 50000 fe80::1%eth0 22", "fe80::1"),
        ("2001:DB8:0::9 50000 2001:DB8:0::1 22", "2001:db8::1"),
        ("::ffff:10.0.0.9 50000 ::ffff:10.0.0.1 22", "10.0.0.1"),
        ("", ""),
        ("UNKNOWN 65535 UNKNOWN 65535", ""),
        ("10.0.0.9 50000 10.0.0.1", ""),
        ("10.0.0.9 50000 \n 22", ""),
    ],
)
def test_what_sshd_tells(variable: str, address: str) -> None:
    assert told_by(variable) == address


@pytest.mark.parametrize(
    ("local", "state", "address"),
    [
        (NUMBER.encode(), b"01", "10.0.0.1"),
        (b"0" * 16 + (b"FFFF0000" if sys.byteorder == "little" else b"0000FFFF") + NUMBER.encode(), b"01", "10.0.0.1"),
        (b"0" * 24 + (b"01000000" if sys.byteorder == "little" else b"00000001"), b"01", "::1"),
        (NUMBER.encode(), b"0A", None),
        (b"\xff\xfe", b"01", None),
        (b"0100", b"01", None),
        (b"", b"01", None),
    ],
)  # fmt: skip
def test_a_line_of_the_kernels_table(local: bytes, state: bytes, address: str | None) -> None:
    table = HEAD + b"half a line\n\xff\n" + ROW % (local, state, b"4711")
    assert established(table) == ({} if address is None else {"4711": address})
    assert established(b"") == {}


def process(proc: Path, pid: int, parent: int, name: bytes, *environ: bytes) -> Path:
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "net").mkdir()
    (folder / "comm").write_bytes(name + b"\n")
    (folder / "stat").write_bytes(b"%d (%s) S %d 1 1 0 -1 %s\n" % (pid, name, parent, b"0 " * 30))
    (folder / "environ").write_bytes(b"\0".join(environ) + b"\0")
    return folder


def test_sudo_keeps_the_variable_to_itself_and_who_called_it_has_it(tmp_path: Path) -> None:
    process(tmp_path, 10, 1, b"sshd", b"SSH_CONNECTION=1.1.1.1 1 9.9.9.9 22")
    process(tmp_path, 11, 10, b"sh", b"A=\xff", TOLD, b"B=b")
    process(tmp_path, 12, 11, b"a) b\n(c", b"SSH_CONNECTION=\xff", b"XSSH_CONNECTION=1 1 1.1.1.1 1")
    process(tmp_path, 13, 12, b"python3", b"SUDO_USER=ansible")
    assert came_to({}, str(tmp_path), 13) == "10.0.0.1"
    own = {"SSH_CONNECTION": "10.0.0.9 50000 10.0.0.2 22"}
    assert came_to(own, str(tmp_path), 13) == "10.0.0.2"


@pytest.mark.parametrize("name", [b"sshd", b"sshd-session", b"dropbear"])
def test_the_socket_of_a_server_tells_where_nobody_has_the_variable(
    tmp_path: Path, name: bytes
) -> None:
    server = process(tmp_path, 10, 1, name)
    rows = [ROW % (b"0200000A", b"01", b"9"), ROW % (NUMBER.encode(), b"01", b"4711")]
    (server / "net" / "tcp").write_bytes(HEAD + b"".join(rows))
    # what it forwards it has opened later
    for number, inode in (("11", "9"), ("4", "4711"), ("3", "1")):
        os.symlink(f"socket:[{inode}]", server / "fd" / number)
    process(tmp_path, 11, 10, b"sudo")
    process(tmp_path, 12, 11, b"python3")
    assert came_to({}, str(tmp_path), 12) == "10.0.0.1"


def test_what_somebody_else_is_connected_to_is_no_session(tmp_path: Path) -> None:
    other = process(tmp_path, 10, 1, b"ansible-playboo")
    (other / "net" / "tcp").write_bytes(HEAD + ROW % (NUMBER.encode(), b"01", b"4711"))
    os.symlink("socket:[4711]", other / "fd" / "3")
    process(tmp_path, 11, 10, b"python3")
    assert came_to({}, str(tmp_path), 11) == ""


def test_processes_that_are_each_others_parent_end(tmp_path: Path) -> None:
    process(tmp_path, 10, 11, b"a")
    process(tmp_path, 11, 10, b"b")
    assert came_to({}, str(tmp_path), 11) == "" and came_to({}, str(tmp_path), 99) == ""


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])  # fmt: skip
def test_a_real_socket_of_a_real_server(tmp_path: Path, family: int, address: str) -> None:
    (tmp_path / "sshd-session").symlink_to(sys.executable)
    code = (
        "import socket, subprocess, sys\n"
        f"listening = socket.create_server(({address!r}, 0), family={int(family)})\n"
        "client = subprocess.Popen([sys.executable, '-c', 'import socket, sys; one = socket.create_connection((sys.argv[1], int(sys.argv[2]))); input()',"
        f" {address!r}, str(listening.getsockname()[1])], stdin=subprocess.PIPE, close_fds=True)\n"
        "connection, _peer = listening.accept()\n"
        "child = subprocess.Popen(['sleep', '60'], env={})\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
        "child.kill()\n"
        "client.kill()\n"
    )
    env = {**os.environ, "SSH_CONNECTION": ""}
    with subprocess.Popen(
        [str(tmp_path / "sshd-session"), "-c", code], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:  # fmt: skip
        try:
            assert server.stdin and server.stdout
            assert came_to({}, pid=int(server.stdout.readline())) == address
            server.stdin.close()
            server.wait(10)
        finally:
            server.kill()
