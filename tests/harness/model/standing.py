# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose NIC is the uplink of a bridge with a tap, as the kernel and networkd tell it."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any, Protocol

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address, Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Manager,
    Owner,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.rules import Policy
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.identity import Identity
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.plan import Known
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route

MAC = "52:54:00:00:00:10"
WIRED = "/etc/systemd/network/20-wired.network"
WISH = Wish(["br0"], ["eth0"], ["veth1"], ["tap1"])
CONFIG = "[Match]\nName=eth0\n[Network]\nDHCP=yes\nDNS=10.77.0.1\n"


def standing(config: str = CONFIG, source: str = WIRED, **bridge: Any) -> Standing:
    options = {"stp_state": False, "forward_delay": 0.0, **bridge}
    links = (
        Link("eth0", 2, "", 1, MAC, master="br0", port={}, vlans={"1": "pvid untagged"}),
        Link("br0", 3, "bridge", 1, MAC, options=options, vlans={"1": "pvid untagged"}),
        Link("tap1", 4, "tun", 1, MAC, master="br0", port={"isolated": True}, options={"mode": "tap", "owner": 1000}, vlans={"20": "pvid untagged"}),
        Link("veth1", 5, "veth", 1, MAC, master="br0", port={}),
        Link("br1", 6, "bridge", 1, options=options),
    )  # fmt: skip
    route = Route(socket.AF_INET, "10.9.0.0/24", 254, 0, 0, 1, 0, 3, (Hop("br0", "10.77.0.1"),))
    default = replace(route, dst="default", protocol=16)
    rule = Policy(socket.AF_INET, 1000, "table", 100, src="10.5.0.0/16", protocol=3)
    sections = unit.parse(config)
    asks = unit.value(sections, "Network", "DHCP") == "yes"
    identity = Identity(asks, asks, 0xE2343F3E if asks else None)
    return Standing(
        {link.name: link for link in links},
        (
            Address("br0", "10.77.0.11/24", socket.AF_INET),
            Address("br1", "10.88.0.1/24", socket.AF_INET, flags=0x80),
        ),
        routes=(route, default),
        rules=(rule,),
        owners={"eth0": Owner("networkd", "eth0", 2, source)},
        known={"eth0": Known(source, sections, identity)},
    )


class Host(Protocol):
    """What stands in for a host below a folder."""

    def owner(self) -> Owner: ...
    def put(self, path: str, text: str) -> None: ...


def persisted(host: Host, manager: Manager) -> tuple[Standing, dict[str, str]]:
    """A host that has the files by which its manager boots all of WISH: what stands, and these by path."""
    now = replace(standing(), known={"eth0": manager.look(host.owner(), "br0")})
    written = {one.path: one.text for one in manager.plan(now, WISH) if one.text is not None}
    for path, said in written.items():
        host.put(path, said)
    return now, written
