# SPDX-License-Identifier: GPL-3.0-or-later
"""To which of the host's addresses the SSH session came that this process belongs to. Sources: sshd(8), sudo(8), proc_net_tcp(5).

sshd tells it in SSH_CONNECTION, and sudo keeps that to itself: then whoever called sudo has been told it, and after all it is sshd who holds the socket.
"""

from __future__ import annotations

import ipaddress
import os
import re
import struct
from typing import Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs

_VARIABLE = b"SSH_CONNECTION="
_SERVERS = ("sshd", "dropbear")  # and what their parts are called: sshd-session, sshd-auth
_SOCKET = re.compile(r"socket:\[([0-9]+)\]")
_ESTABLISHED, _LOCAL, _STATE, _INODE = b"01", 1, 3, 9
_MOST_ANCESTORS = 100


def came_to(environment: Mapping[str, str], proc: str = procfs.PROC, pid: int = 0) -> str:
    """The address in the kernel's words; empty for a console, or a process that has left its session. C(pid) is whose it is asked, by itself ours."""
    told = told_by(environment.get("SSH_CONNECTION", ""))
    if told:
        return told
    for process in _ancestors(proc, pid or os.getpid()):
        for word in process.read("environ").split(b"\0"):
            if word.startswith(_VARIABLE):
                told = told_by(procfs.text(word[len(_VARIABLE) :]))
                if told:
                    return told
        if process.name().startswith(_SERVERS):
            held = _held_by(process)
            if held:
                return held
    return ""


def told_by(variable: str) -> str:
    """PURE. The host's address in SSH_CONNECTION; empty where that is none."""
    parts = variable.split()
    return _in_words(parts[2].partition("%")[0]) if len(parts) == 4 else ""


def established(table: bytes) -> dict[str, str]:
    """PURE. The host's addresses of the established sockets in /proc/net/tcp or tcp6, by inode; lines that say nothing are passed over."""
    found = {}
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) > _INODE and words[_STATE] == _ESTABLISHED:
            try:
                packed = bytes.fromhex(words[_LOCAL].partition(b":")[0].decode("ascii"))
                # numbers of 32 bits in the machine's own order
                numbers = struct.unpack(f"={len(packed) // 4}I", packed)
                address = ipaddress.ip_address(struct.pack(f">{len(numbers)}I", *numbers))
            except (ValueError, struct.error):
                continue
            found[procfs.text(words[_INODE])] = _in_words(str(address))
    return found


def _in_words(address: str) -> str:
    """An address as the kernel's dumps write it, an IPv4 one that is written as IPv6 as what it is; empty for what is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def _held_by(server: procfs.Process) -> str:
    """The address of its connection: the first that it has opened, before any that it forwards. In its own network, which may not be ours."""
    tables = [server.read("net/tcp"), server.read("net/tcp6")]
    addresses = {inode: one for table in tables for inode, one in established(table).items()}
    for _number, target in sorted(server.open_files().items()):
        socket = _SOCKET.fullmatch(target)
        if socket and socket[1] in addresses:
            return addresses[socket[1]]
    return ""


def _ancestors(proc: str, pid: int) -> Iterator[procfs.Process]:
    """Who started this process, who started that one, and so on; init is nobody's session."""
    process = procfs.Process(pid, proc)
    for _generation in range(_MOST_ANCESTORS):
        found = process.stat()
        if found is None or found.parent <= 1:
            return
        process = procfs.Process(found.parent, proc)
        yield process
