# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that listen on one device alone (SO_BINDTODEVICE): once its frames are the bridge's, they hear nothing. Source: ss(8).

ss is not asked for the programs' names: anybody may give a process a name that looks like ss's own lines. They come from /proc.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, programs

ASK = ("ss", "--no-header", "--listening", "--numeric", "--extended", "--tcp", "--udp", "--raw")
_DHCP_PORTS = ("68", "546")  # clients, which are handed over or refused with their lease
_COLUMNS = 5  # protocol, state, two queues, the local address
_INODE = re.compile(r"\bino:([0-9]+)\b")


@dataclass(frozen=True)
class Bound:
    """A socket that is bound to a device: where it listens, as in C("udp 0.0.0.0:123"), and its inode ("" where ss does not tell it)."""

    where: str
    inode: str


def bound(
    dev: str,
    ask: Sequence[str] = ASK,
    proc: str = procfs.PROC,
    managers: Sequence[str] = (),
) -> list[str]:
    """Who listens on a device alone, such as C("chronyd (udp 0.0.0.0:123)"); none where ss is not installed, or does not answer.

    C(managers) are the files of programs that are asked themselves, and let go of the device by other means.
    """
    found = list(among(dev, programs.printed(ask) or ""))
    owners = _owners({one.inode for one in found} - {""}, proc) if found else {}
    asked = {inode for inode, one in owners.items() if managers and one.executes(managers)}
    names = {inode: procfs.printable(one.name()) for inode, one in owners.items()}
    return [
        f"{names.get(one.inode, 'a program')} ({one.where})"
        for one in found
        if one.inode not in asked
    ]


def among(dev: str, text: str) -> Iterator[Bound]:
    """PURE. The sockets of a device in what ss prints: what has a link-local address is not bound to its device, the device is a part of its address."""
    for line in text.splitlines():
        words = line.split()
        if len(words) < _COLUMNS:
            continue
        protocol, local = words[0], words[_COLUMNS - 1]
        address, _colon, port = local.rpartition(":")
        host, _percent, scope = address.rpartition("%")
        if scope == dev and port not in _DHCP_PORTS and not host.startswith("[fe80:"):
            inode = _INODE.search(line)
            yield Bound(f"{protocol} {host}:{port}", inode[1] if inode else "")


def _owners(inodes: set[str], proc: str) -> dict[str, procfs.Process]:
    """The processes that have these sockets open, the first of each."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, procfs.Process] = {}
    for process in procfs.processes(proc):
        for target in process.open_files().values():
            if target in wanted:
                found.setdefault(wanted[target], process)
    return found
