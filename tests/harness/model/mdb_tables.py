# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Multicast databases in the words of bridge mdb, for the tests of _mdb."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import items_of
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import plan as mdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import spec as mdb_spec
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.mdb import Group
from ansible_collections.hypervisor.network.tests.harness.model.triplets import snapshot_of

_SNOOPING = {
    "mcast_membership_interval": 260.0,
    "mcast_igmp_version": 2,
    "mcast_mld_version": 1,
}
LINKS: dict[str, Any] = {
    "br0": {"kind": "bridge", "up": True, "options": _SNOOPING},
    "tap1": {"kind": "tun", "master": "br0", "up": True, "port": {}},
    "tap2": {"kind": "tun", "master": "br0", "up": True, "port": {}},
    "eth0": {"master": "br0", "up": True, "port": {}},
    "eth1": {},
}


def group(text: str) -> Group:
    """An entry as C(bridge -d mdb show) prints it, such as C(dev br0 port tap1 grp 239.1.1.1 permanent filter_mode exclude); C(left) are its seconds."""
    words = text.split()
    says = dict(zip(words, words[1:]))
    permanent = "permanent" in words
    return Group(
        says["dev"],
        says["port"],
        says["grp"],
        int(says["vid"]) if "vid" in says else None,
        permanent,
        says.get("src"),
        says.get("filter_mode"),
        0.0 if permanent else float(says.get("left", 260)),
        tuple(says["source_list"].split(",")) if "source_list" in says else (),
        says.get("proto") == "kernel",
    )


def table_of(current: dict[str, Any], since: float | None = None) -> mdb_plan.Table:
    host = snapshot_of({"links": LINKS, **current})
    listed = current.get("groups", [])
    groups = None if listed is None else tuple(group(text) for text in listed)
    return mdb_plan.Table(host, groups, since)


def wish_of(desired: dict[str, Any]) -> list[dict[str, Any]]:
    params = {
        "entries": None,
        **{key: value.get("default") for key, value in mdb_spec.SPEC.items()},
        **desired,
    }
    return mdb_spec.checked(items_of(params, mdb_spec.SPEC, "entries", ("netns",)), params)
