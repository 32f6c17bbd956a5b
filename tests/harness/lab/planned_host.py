# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for the role's steps in a namespace of a machine of the lab: a NIC with a neighbour, and files of its own in the place of the machine's."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from ..host.role_host import DPKG, ENTER
from ..process.modules import Modules
from .hypervisors import Lab

NETNS, DISK = "planned", "/root/planned"
_LIBRARY, _WIRE = "/root/target", "planned-wire"
_INTERFACES = """\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address 10.66.0.10/24
    gateway 10.66.0.1
"""
_LINKS = f"""\
link add eth0 type veth peer name wire netns {_WIRE}
link set lo up
link set eth0 up
address add 10.66.0.10/24 dev eth0
"""


@contextmanager
def planned_host(lab: Lab, machine: str) -> Iterator[Modules]:
    """A process that runs modules there; the namespaces and the files are removed at the end."""
    lab.install(machine, _LIBRARY)
    folders = " ".join(f"{DISK}/{name}" for name in ("run/network", "etc/network", "var/backups", "var/lib/hypervisor-network", "bin"))  # fmt: skip
    files = {
        "run/network/ifstate": "lo=lo\neth0=eth0\n",
        "etc/network/interfaces": _INTERFACES,
        "bin/dpkg-query": DPKG,
    }
    setup = [
        f"mkdir -p {folders}",
        *(f"printf %s {shlex.quote(text)} > {DISK}/{path}" for path, text in files.items()),
        f"chmod 755 {DISK}/bin/dpkg-query",
        f"ip netns add {NETNS}",
        f"ip netns add {_WIRE}",
        f"printf %s {shlex.quote(_LINKS)} | ip -n {NETNS} -batch -",
        f"ip -n {_WIRE} address add 10.66.0.1/24 dev wire",
        f"ip -n {_WIRE} link set wire up",
        f"ip -n {NETNS} route add default via 10.66.0.1",
    ]
    within = ("sh", "-c", shlex.quote(ENTER), DISK)
    try:
        lab.ssh(machine, " && ".join(setup))
        with Modules(NETNS, "/usr/bin/python3", _LIBRARY, lab.ssh_words(machine), within) as running:  # fmt: skip
            yield running
    finally:
        lab.ssh(machine, f"ip netns delete {NETNS}; ip netns delete {_WIRE}; rm -rf {DISK}")


def by_hand(lab: Lab, machine: str, *lines: str) -> None:
    """What an administrator types there, each line beginning with C(ip) or C(bridge); it stops at the first error."""
    words = [line.partition(" ") for line in lines]
    text = "".join(f"{program} -n {NETNS} {rest}\n" for program, _space, rest in words)
    lab.ssh(machine, f"printf %s {shlex.quote(text)} | sh -e")
