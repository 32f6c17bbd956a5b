# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding databases in the words of bridge fdb, for the triplets of tests/unit/fixtures/fdb."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import items_of
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import spec as fdb_spec
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    NTF_EXT_LEARNED,
    NTF_STICKY,
    Forwarding,
    Neighbour,
    peers,
)
from ansible_collections.hypervisor.network.tests.harness.model.triplets import (
    FIXTURES,
    snapshot_of,
)

CASES = FIXTURES / "fdb"


MAC = "52:54:00:00:00:01"


def entry(text: str) -> Forwarding:
    """An entry as C(bridge fdb show) prints it: C(MAC dev PORT [vlan 10] master BRIDGE [static] [sticky] [used SECONDS])."""
    mac, *words = text.split()
    says = {word: words[number + 1] for number, word in enumerate(words[:-1])}
    flags = NTF_STICKY * ("sticky" in words) | NTF_EXT_LEARNED * ("extern_learn" in words)
    vlan = int(says["vlan"]) if "vlan" in says else None
    local = "permanent" in words
    return Forwarding(
        says["master"],
        says["dev"],
        mac,
        vlan,
        local,
        local or "static" in words,
        float(says.get("used", 0)),
        flags,
    )


def table_of(current: dict[str, Any]) -> fdb_plan.Table:
    host = snapshot_of(current)
    entries = tuple(entry(text) for text in current.get("entries", []))
    neighbours = [
        Neighbour(dev, "192.0.2.1", 2, mac, 2) for dev, mac in current.get("neighbours", [])
    ]
    return fdb_plan.Table(replace(host, peers=peers(neighbours, entries)), entries)


def wish_of(desired: dict[str, Any]) -> dict[str, Any]:
    filters = {
        key: value.get("default") for key, value in fdb_spec.FLUSH["flush"]["options"].items()
    }
    if desired.get("flush") is not None:
        desired = {**desired, "flush": {**filters, **desired["flush"]}}
    params = {
        "entries": None,
        "flush": None,
        **{key: value.get("default") for key, value in fdb_spec.SPEC.items()},
        **desired,
    }
    return fdb_spec.checked(items_of(params, fdb_spec.SPEC, "entries", ("netns", "flush")), params)
