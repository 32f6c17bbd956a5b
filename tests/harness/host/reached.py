# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of one of a few shapes, and a client in a namespace of its own that reaches it: who can say whether a change has cut it off.

The client asks with connections that did not exist before, to every address that the host has; iproute2 built both.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..net.netns import Namespaces, batch, inside
from ..process.waiting import wait_for

PORT = 7999
SHAPES = ("nic", "bridge", "pinned", "given", "behind", "unnumbered")
CLIENT_MAC = "52:54:00:00:00:fc"
NIC_MAC = "52:54:00:00:00:10"
# seconds: a neighbour that is asked for again answers within one, and a SYN that was lost is sent again after one
_PATIENCE = 2.5
_FIN_WAIT1 = "04"
_ADDRESSES = ("10.9.0.1", "fd09::1")
_TAPS_OWN = ("10.9.2.1", "fd09:2::1")

# eth1 leads to the client as well, to nobody there; tap1 and tap2 are guests' whose QEMU is stopped, tap9 is a way to the host alone
_COMMON = f"""
link add eth0 address {NIC_MAC} type veth peer name c0 netns CLIENT
link add eth1 address 52:54:00:00:00:11 type veth peer name c1 netns CLIENT
link add br0 type bridge forward_delay 0 mcast_snooping 0
link add br1 type bridge forward_delay 0
tuntap add tap1 mode tap
tuntap add tap2 mode tap
tuntap add tap9 mode tap
link set tap1 address fe:00:00:00:00:01 up
link set tap2 address fe:00:00:00:00:02 master br1 up
link set tap9 address fe:00:00:00:00:09 up
link set br1 up
address add 10.9.2.1/24 dev tap9
address add fd09:2::1/64 dev tap9 nodad
"""
_SHAPED = {
    "nic": """
link set eth0 up
link set eth1 up
link set eth1 master br1
link set br0 up
address add 10.9.0.1/24 dev eth0
address add fd09::1/64 dev eth0 nodad
""",
    "bridge": """
link set tap1 master br0
link set eth0 master br0
link set eth0 up
link set eth1 up
link set br0 up
address add 10.9.0.1/24 dev br0
address add fd09::1/64 dev br0 nodad
""",
    "behind": """
link add veth0 address 0e:00:00:00:00:10 type veth peer name veth1 address 0e:00:00:00:00:11
link set tap1 master br0
link set eth0 master br0
link set veth1 master br0
link set veth1 up
link set veth0 up
link set eth0 up
link set eth1 up
link set br0 up
address add 10.9.0.1/24 dev veth0
address add fd09::1/64 dev veth0 nodad
""",
    "unnumbered": """
link set eth0 up
link set eth1 up
link set br0 up
address add 10.9.0.1/32 dev lo
address add fd09::1/128 dev lo
route add 10.9.0.2/32 dev eth0 src 10.9.0.1
route add fd09::2/128 dev eth0
""",
}
_SHAPED["given"] = _SHAPED["bridge"] + "link set br0 address 52:54:00:00:00:99\n"
_SHAPED["pinned"] = _SHAPED["bridge"] + f"link set br0 address {NIC_MAC}\n"
_CLIENT = f"""
link set c0 address {CLIENT_MAC} up
link set c1 up
address add 10.9.0.2/24 dev c0
address add fd09::2/64 dev c0 nodad
route add 10.9.2.0/24 via 10.9.0.1
"""
# a neighbour solicitation is answered for the device's own addresses only, so what is on lo is behind its link-local one
_BY = {"unnumbered": "fe80::5054:ff:fe00:10 dev c0"}


@dataclass(frozen=True)
class World:
    """The names of the host's and the client's namespaces."""

    host: str
    client: str

    def reached(self, patience: float = _PATIENCE) -> set[str]:
        """The host's addresses that a new connection of the client's reaches."""
        addresses = [*_ADDRESSES, *_TAPS_OWN]
        with concurrent.futures.ThreadPoolExecutor(len(addresses)) as pool:
            found = pool.map(
                lambda one: inside(self.client, _connects, one, patience),
                addresses,
            )
            reached = {address for address, there in zip(addresses, found) if there}
        wait_for(lambda: not inside(self.client, _unacknowledged), "every end acknowledged")
        return reached


@contextlib.contextmanager
def world(shape: str) -> Iterator[World]:
    """A host of a shape that its client reaches over every address; it is gone afterwards."""
    with Namespaces("reach", "client") as names:
        host, client = names["reach"], names["client"]
        batch(host, _COMMON.replace("CLIENT", client) + _SHAPED[shape])
        batch(client, _CLIENT)
        by = _BY.get(shape, "fd09::1")
        batch(client, f"route add fd09:2::/64 via {by}\n")
        if shape in _BY:
            batch(client, f"route add fd09::1/128 via {by}\n")
        listener = inside(host, _listen)
        try:
            here = World(host, client)
            wait_for(lambda: len(here.reached(0.5)) == 4, f"a client that reaches {shape}")
            yield here
        finally:
            listener.close()


def _listen() -> socket.socket:
    return socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)  # fmt: skip


def _unacknowledged() -> bool:
    """Whether the host has an end still to acknowledge: after a change it would ask for the client's MAC to do so, and tell its own by that."""
    rows = [
        row.split()
        for name in ("tcp", "tcp6")
        for row in Path(f"/proc/thread-self/net/{name}").read_text("ascii").splitlines()[1:]
    ]
    return any(row[3] == _FIN_WAIT1 for row in rows)


def _connects(address: str, patience: float) -> bool:
    try:
        socket.create_connection((address, PORT), patience).close()
    except OSError:
        return False
    return True
