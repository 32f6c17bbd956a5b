# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leads back in words of ip(8) and bridge(8); that it does is shown by tests/faults/test_x_links_guard.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._guarded import typed
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.by_hand import commands
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import plan as mdb_plan
from ansible_collections.hypervisor.network.tests.harness.model import fdb_tables, mdb_tables
from ansible_collections.hypervisor.network.tests.harness.model.fdb_tables import MAC

HOST = {
    "links": {
        "br0": {"kind": "bridge", "mac": "02:00:00:00:00:b0", "up": True},
        "tap1": {"kind": "tun", "mac": "fe:00:00:00:00:01", "master": "br0", "port": {}},
        "tap2": {"kind": "tun", "mac": "fe:00:00:00:00:02", "master": "br0", "port": {}},
    }
}
ENTRIES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("", {"port": "tap1"}, [f"bridge fdb del {MAC} dev tap1 master"]),
    ("", {"port": "br0", "type": "permanent"}, [f"bridge fdb del {MAC} dev br0 self"]),
    (
        f"{MAC} dev tap1 master br0 static sticky",
        {"state": "absent"},
        [f"bridge fdb replace {MAC} dev tap1 master static sticky"],
    ),
    (
        f"{MAC} dev tap1 master br0",
        {"port": "tap2"},
        [
            f"bridge fdb del {MAC} dev tap2 master",
            f"bridge fdb replace {MAC} dev tap1 master dynamic",
        ],
    ),
    (
        f"{MAC} dev br0 master br0 permanent",
        {"state": "absent"},
        [f"bridge fdb replace {MAC} dev br0 self local"],
    ),
    (
        f"{MAC} dev tap1 master br0 extern_learn",
        {"port": "tap1", "type": "static"},
        [
            f"bridge fdb del {MAC} dev tap1 master",
            f"bridge fdb replace {MAC} dev tap1 master dynamic extern_learn",
        ],
    ),
    (
        f"{MAC} dev tap1 master br0 static",
        {"port": "tap1", "extern_learn": True},
        [
            f"bridge fdb del {MAC} dev tap1 master",
            f"bridge fdb replace {MAC} dev tap1 master static",
        ],
    ),
]


@pytest.mark.parametrize(("there", "asked", "lines"), ENTRIES)
def test_a_forwarding_entry(there: str, asked: dict[str, Any], lines: list[str]) -> None:
    now = fdb_tables.table_of({**HOST, "entries": [there] if there else []})
    wish = fdb_tables.wish_of({"bridge": "br0", "mac": MAC, **asked})
    (change,) = fdb_plan.plan(now, wish)
    assert commands(Snapshot({}), [change], {}) == lines


GROUP = "dev br0 port tap1 grp 239.1.1.1"
GROUPS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("", {"port": "tap1"}, [f"bridge mdb del {GROUP}"]),
    ("", {"port": "tap1", "source": "192.0.2.1"}, [f"bridge mdb del {GROUP} src 192.0.2.1"]),
    (f"{GROUP} permanent", {"state": "absent"}, [f"bridge mdb add {GROUP} permanent"]),
    (
        f"{GROUP} temp",
        {"port": "tap1"},
        [f"bridge mdb del {GROUP}", f"bridge mdb add {GROUP} temp"],
    ),
    (
        "dev br0 port br0 grp 239.1.1.1 temp",
        {"state": "absent"},
        ["bridge mdb add dev br0 port br0 grp 239.1.1.1"],
    ),
    (
        f"{GROUP} permanent filter_mode include source_list 192.0.2.1,192.0.2.2",
        {"state": "absent"},
        [f"bridge mdb add {GROUP} permanent filter_mode include source_list 192.0.2.1,192.0.2.2"],
    ),
]


@pytest.mark.parametrize(("there", "asked", "lines"), GROUPS)
def test_a_multicast_group(there: str, asked: dict[str, Any], lines: list[str]) -> None:
    now = mdb_tables.table_of({"groups": [there] if there else []})
    wish = mdb_tables.wish_of({"bridge": "br0", "group": "239.1.1.1", **asked})
    (change,) = mdb_plan.plan(now, wish)
    assert commands(Snapshot({}), [change], {}) == lines


def test_a_vlan_of_an_entry_and_of_a_group() -> None:
    after = {"port": "tap1", "type": "static", "sticky": False, "extern_learn": False}
    step = fdb_plan.Step("br0", MAC, 10, None, after)
    assert typed.entry(Change("create", "entry", "x", payload=step)) == [
        f"bridge fdb del {MAC} dev tap1 master vlan 10"
    ]
    group = mdb_plan.Step("br0", "tap1", "ff0e::5", 10, None, {"type": "permanent"}, False)
    assert typed.group(Change("create", "group", "x", payload=group)) == [
        "bridge mdb del dev br0 port tap1 grp ff0e::5 vid 10"
    ]


def test_what_the_kernel_works_out_of_itself_is_not_typed() -> None:
    had = {"port_state": "forwarding", "cost": 100, "backup_port": None, "flood": True}
    assert typed.port("tap1", had, None) == []
    assert typed.port("tap1", {**had, "backup_port": "tap2"}, None) == [
        "ip link set dev tap1 type bridge_slave backup_port tap2"
    ]
    assert typed.port("tap1", had, ["cost", "vlans"]) == [
        "ip link set dev tap1 type bridge_slave cost 100"
    ]


def test_options_that_were_touched() -> None:
    had = {"port_state": "forwarding", "learning": True, "isolated": False, "backup_port": None}
    touched = ["port_state", "learning", "isolated", "backup_port"]
    assert [line.partition("bridge_slave ")[2] for line in typed.port("tap1", had, touched)] == [
        "state 3",
        "learning on",
        "isolated off",
        "nobackup_port",
    ]
    bridge = {"hello_time": 2.0, "stp_state": False, "group_address": "01:80:c2:00:00:00"}
    assert [line.partition("type bridge ")[2] for line in typed.bridge("br0", bridge, bridge)] == [
        "stp_state 0",
        "hello_time 200",
        "group_address 01:80:c2:00:00:00",
    ]
    bridge["stp_state"] = True
    assert [line.split()[-2] for line in typed.bridge("br0", bridge, bridge)][:2] == [
        "hello_time",
        "stp_state",
    ]


def test_vlans_come_before_others_go() -> None:
    had, has = {"20": "pvid untagged", "30-32": "tagged"}, {"1": "pvid untagged", "30": "tagged"}
    assert typed.vlans("tap1", had, has) == [
        "bridge vlan add dev tap1 vid 20 pvid untagged",
        "bridge vlan add dev tap1 vid 31-32",
        "bridge vlan del dev tap1 vid 1",
    ]
    assert typed.vlans("br0", {}, {"5-7": "tagged"}, "self") == [
        "bridge vlan del dev br0 vid 5-7 self"
    ]


def test_a_new_bridge_has_all_that_without_being_told() -> None:
    options = {
        "forward_delay": 0.0,
        "stp_state": False,
        "priority": 32768,
        "vlan_protocol": "802.1Q",
    }
    assert typed.bridge("br0", options, None) == []
    assert typed.bridge("br0", {**options, "vlan_protocol": "802.1ad"}, None) == [
        "ip link set dev br0 type bridge vlan_protocol 802.1ad"
    ]
