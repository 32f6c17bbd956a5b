# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One SSH server for many hosts that are namespaces: C(fleet_sshd.py PORT HOST_KEY AUTHORIZED_KEYS FOLDER NETNS...).

It listens in each namespace. What is run for a host has a disk of its own where the guard keeps its records: FOLDER/NETNS. Prints C(ready).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from functools import partial
from pathlib import Path

import asyncssh
from netns import inside
from sshd import serve

_RECORDS = "/var/lib/hypervisor-network"
_CLONE_NEWNS, _MS_REC_PRIVATE, _MS_BIND = 0x20000, 0x4000 | 0x40000, 0x1000
_LIBC = ctypes.CDLL(None, use_errno=True)


def _own_disk(folder: bytes) -> None:
    for failed in (
        _LIBC.unshare(_CLONE_NEWNS),
        _LIBC.mount(b"none", b"/", None, _MS_REC_PRIVATE, None),
        _LIBC.mount(folder, _RECORDS.encode(), None, _MS_BIND, None),
    ):
        if failed:
            raise OSError(ctypes.get_errno(), "this host got no disk of its own")


async def main(port: str, key: str, authorized: str, folder: str, *hosts: str) -> None:
    os.makedirs(_RECORDS, 0o700, exist_ok=True)
    servers = []
    for host in hosts:
        disk = Path(folder, host)
        disk.mkdir()
        servers.append(
            await asyncssh.listen(
                sock=inside(host, lambda: socket.create_server(("", int(port)))),
                server_host_keys=[key],
                authorized_client_keys=authorized,
                process_factory=partial(
                    serve, delay=0.0, preexec_fn=partial(_own_disk, bytes(disk))
                ),
                encoding=None,
                line_editor=False,
            )
        )
    print("ready", flush=True)
    await asyncio.gather(*(server.wait_closed() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
