# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect from inside a network namespace, and hand the connected socket to ssh (ProxyUseFdpass): C(connect.py HOST PORT).

A socket stays in the namespace where it was made. So ssh talks through it from outside, and no relay stands between.
"""

from __future__ import annotations

import array
import socket
import sys

# A machine that restarts does not answer; ssh's own ConnectTimeout does not reach in here.
CONNECT_TIMEOUT = 5.0


def main(host: str, port: str) -> int:
    try:
        connected = socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT)
    except OSError as error:
        print(f"{host} port {port}: {error}", file=sys.stderr)
        return 1
    connected.setblocking(True)
    with socket.socket(fileno=sys.stdout.fileno()) as ssh:
        ssh.sendmsg(
            [b"\0"],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connected.fileno()]))],
        )
        ssh.detach()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
