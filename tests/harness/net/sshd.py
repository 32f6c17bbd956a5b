# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small SSH server for a host that is a namespace: C(sshd.py PORT HOST_KEY AUTHORIZED_KEYS SECONDS [USER]).

Runs each command in a shell of its own with SSH_CONNECTION set, as sshd does, SECONDS after it was asked: a slow network; it is root's,
or USER's. Prints C(ready) when it listens. asyncssh speaks the protocol.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
import warnings
from typing import Any

import asyncssh


async def serve(process: asyncssh.SSHServerProcess, delay: float, **how: Any) -> None:
    """Run what the client asked for, in a process that is started C(how) subprocess.Popen may be told."""
    await asyncio.sleep(delay)
    peer, here = process.get_extra_info("peername"), process.get_extra_info("sockname")
    env = {**os.environ, "SSH_CONNECTION": f"{peer[0]} {peer[1]} {here[0]} {here[1]}"}
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_shell(
        process.command or "true",
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=env,
        start_new_session=True,
        **how,
    )
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
    status = await child.wait()
    await process.stdout.drain()
    process.exit(status if status >= 0 else 128 - status)


async def main(port: str, key: str, authorized: str, delay: str, user: str = "") -> None:
    how = {}
    if user:
        group = pwd.getpwnam(user).pw_gid
        how = {"user": user, "group": group, "extra_groups": [], "cwd": "/"}
    server = await asyncssh.listen(
        None,
        int(port),
        server_host_keys=[key],
        authorized_client_keys=authorized,
        process_factory=lambda process: serve(process, float(delay), **how),
        encoding=None,
        line_editor=False,
    )
    print("ready", flush=True)
    await server.wait_closed()


if __name__ == "__main__":
    # asyncssh's own, where a client goes before all that was said to it is read
    warnings.filterwarnings("ignore", "coroutine 'Queue.join' was never awaited", RuntimeWarning)
    asyncio.run(main(*sys.argv[1:]))
