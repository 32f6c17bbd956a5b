# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy host for the doctor, and how each of its parts is made ill."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import diagnose, way
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Host
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    Forwarding,
    Neighbour,
)

from . import simulated

UP, RUNNING = 0x1, 0x10001
MAC, OTHER_MAC, NIC_MAC, ROUTER_MAC = (
    "52:00:00:00:00:01",
    "52:00:00:00:00:02",
    "52:54:00:00:00:01",
    "02:00:00:00:00:fe",
)
GATEWAY = "192.0.2.1"
PORT = {"port_state": "forwarding", "learning": True, "flood": True, "bcast_flood": True, "mcast_flood": True,
        "isolated": False, "locked": False, "neigh_suppress": False}  # fmt: skip
BRIDGE = {"vlan_filtering": True, "vlan_default_pvid": 1, "stp_state": False, "ageing_time": 300.0, "fdb_max_learned": 0}  # fmt: skip


def _port(name: str, index: int, kind: str, vlans: dict[str, str], **more: Any) -> Link:
    return Link(name, index, kind, RUNNING, more.pop("mac", f"fe:00:00:00:00:0{index}"), master="br0",
                port=dict(PORT), vlans=vlans, **more)  # fmt: skip


LINKS = {
    "eth0": _port("eth0", 2, "", {"1": "pvid untagged", "10": "tagged"}, mac=NIC_MAC),
    "br0": Link("br0", 3, "bridge", RUNNING, NIC_MAC, options=BRIDGE, vlans={"1": "pvid untagged"}),
    "br1": Link("br1", 4, "bridge", RUNNING, "52:54:00:00:00:09", options=BRIDGE),
    "tap1": _port("tap1", 5, "tun", {"10": "pvid untagged"}, options={"mode": "tap"}),
    "tap2": _port("tap2", 6, "tun", {"10": "pvid untagged"}, options={"mode": "tap"}),
}
VM1 = Guest("vm1", "running", {"nics": [{"tap": "tap1", "mac": MAC, "bridge": "br0"}]}, pid=71)
VM2 = Guest("vm2", "running", {"nics": [{"tap": "tap2", "mac": OTHER_MAC}]}, pid=72)
HOLDERS = {"tap1": Holder(71, "vm1"), "tap2": Holder(72, "vm2")}
FDB = (
    Forwarding("br0", "tap1", MAC, 10, False, False, 1.0),
    Forwarding("br0", "tap2", OTHER_MAC, 10, False, False, 1.0),
    Forwarding("br0", "eth0", ROUTER_MAC, 1, False, False, 1.0),
    Forwarding("br0", "eth0", NIC_MAC, 1, True, False, 0.0),
)
ADDRESS = simulated.address("br0", "192.0.2.10/24")


def host(**more: Any) -> Host:
    """The healthy host. A device's name is what is other about it, None takes it away; C(guests), C(fdb), C(holders) and C(addresses) replace
    what there is, C(drops) and C(managers) are put in.
    """
    links = dict(LINKS)
    for name in [key for key in more if key in links or isinstance(more[key], Link)]:
        change = more.pop(name)
        if change is None:
            del links[name]
        elif isinstance(change, Link):
            links[name] = change
        else:
            link = links[name]
            for part in ("options", "port"):
                if part in change and change[part] is not None:
                    change = {**change, part: {**(getattr(link, part) or {}), **change[part]}}
            links[name] = replace(link, **change)
    now = Snapshot(links, more.pop("addresses", (ADDRESS,)), more.pop("holders", HOLDERS))
    parts = {"guests": (VM1, VM2), "fdb": FDB, "gateways": {"br0": [GATEWAY]},
             "neighbours": (Neighbour("br0", GATEWAY, 2, ROUTER_MAC, 2),)}  # fmt: skip
    return Host(now, **{**parts, **more})


# What is other about the host, the finding, its step where a way ends there (else None), and the module of its cure
Case = tuple[dict[str, Any], str, "str | None", "str | None"]


def check(more: dict[str, Any], finding: str, ends_at: str | None, cure: str | None) -> None:
    """That vm1's host, with this about it, has this finding, and no other error."""
    ill = host(**more)
    found = diagnose.diagnose(ill, way.ways(ill, guest="vm1"))
    mine = [one for one in found["findings"] if one["id"] == finding]
    assert len(mine) == 1, found["findings"]
    assert mine[0]["finding"].endswith(".") and "\n" not in mine[0]["finding"]
    assert mine[0]["evidence"] or finding == "tap_missing"
    assert found["ways"][0]["ends_at"] == ends_at
    first = next((next(iter(task)) for task in mine[0]["cure"]), None)
    assert first == (f"hypervisor.network.{cure}" if cure else None)
    errors = {one["id"] for one in found["findings"] if one["severity"] == "error"}
    assert errors == ({finding} if ends_at else set()), "one illness has one error"
