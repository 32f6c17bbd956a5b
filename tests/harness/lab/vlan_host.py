# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge that filters VLANs, in a namespace of a machine of the lab whose kernel has them."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import VLANS, Lab
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

NETNS = "vlans"
LIBRARY = "/root/target"
PVID, OUT = "PVID", "Egress Untagged"
ACCESS = {1: {PVID, OUT}}
Vids = dict[int, set[str]]


@contextlib.contextmanager
def filtering_bridge(lab: Lab) -> Iterator[Modules]:
    """A bridge that filters, a port with carrier, a tap, and a process that runs modules there."""
    lab.install(VLANS, LIBRARY)
    setup = f"ip netns add {NETNS} && ip -n {NETNS} -batch - <<-.\n" + "\n".join((
        "link add br0 up type bridge vlan_filtering 1", "link add br1 type bridge", "link add v0 up type veth peer name v1", "link set v1 up",
        "link set v0 master br0", "tuntap add tap1 mode tap", "link set tap1 up", ".",
    ))  # fmt: skip
    lab.ssh(VLANS, setup)
    try:
        with Modules(NETNS, "/usr/bin/python3", LIBRARY, lab.ssh_words(VLANS)) as modules:
            yield modules
    finally:
        lab.ssh(VLANS, f"ip netns delete {NETNS}")


def vlans_seen_by(lab: Lab) -> Callable[[str], Vids]:
    """The VLANs of a device, with the flags of each, as iproute2 tells them."""

    def look(dev: str) -> Vids:
        rows = lab.json(VLANS, f"bridge -n {NETNS} -j vlan show dev {dev}")
        return {one["vlan"]: set(one.get("flags", ())) for row in rows for one in row["vlans"]}

    return look


def flags_of(lab: Lab, dev: str) -> int:
    """The values of IFLA_BR_MULTI_BOOLOPT, which iproute2 does not show all of."""
    script = f"from ansible_collections.hypervisor.network.tests.harness.net.rawlink import attributes_of as a; print(a('{NETNS}', '{dev}')[46].hex())"
    return struct.unpack(
        "=II", bytes.fromhex(lab.ssh(VLANS, f'PYTHONPATH={LIBRARY} python3 -c "{script}"'))
    )[0]
