# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a hypervisor of the lab: whose frames are handed to the guest behind each tap, while all guests boot again and say who they are.

Arguments: C(GUEST=TAP...). Prints C(ready) when it watches; at a line on stdin the guests are reset; from then on, at each MAC that is new at a tap, a line
of JSON C({tap: [MAC, ...]}), until stdin ends. No code of the collection.
"""

from __future__ import annotations

import json
import select
import socket
import sys

ETH_P_ALL = 3
PACKET_OUTGOING = 4  # to a tap: what its guest gets


def main() -> None:
    guests = dict(word.split("=") for word in sys.argv[1:])
    watched = {}
    for tap in guests.values():
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        ear.bind((tap, ETH_P_ALL))
        watched[ear] = tap
    heard: dict[str, list[str]] = {tap: [] for tap in guests.values()}
    print("ready", flush=True)
    while True:
        for ready in select.select([sys.stdin, *watched], [], [])[0]:
            if ready is sys.stdin:
                if not sys.stdin.readline():
                    return
                for guest in guests:
                    reset(guest)
                continue
            frame, address = ready.recvfrom(2048)
            mac = frame[6:12].hex(":")
            if address[2] == PACKET_OUTGOING and mac not in heard[watched[ready]]:
                heard[watched[ready]].append(mac)
                print(json.dumps(heard), flush=True)


def reset(guest: str) -> None:
    """Press the guest's reset button, by its monitor."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(f"/run/hypervisor-network/{guest}/qmp.sock")
        stream = monitor.makefile("rw")
        stream.readline()
        for command in ("qmp_capabilities", "system_reset"):
            stream.write(json.dumps({"execute": command}) + "\n")
            stream.flush()
            while "return" not in json.loads(stream.readline()):
                pass


main()
