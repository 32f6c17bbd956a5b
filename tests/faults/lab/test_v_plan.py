# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants and VLANs on a machine whose kernel filters them, in a namespace of it: the plan that is printed is what the steps then do, the audit finds each VLAN
that somebody changed by hand, and a host that was set up by hand is adopted with its VLANs.

All without VLANs is in tests/integration/test_host_plan.py, test_audit.py and test_adopt.py, where it takes seconds.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift
from ansible_collections.hypervisor.network.tests.harness.host.steps import carry_out, look
from ansible_collections.hypervisor.network.tests.harness.lab.planned_host import (
    DISK,
    NETNS,
    by_hand,
    planned_host,
)
from ansible_collections.hypervisor.network.tests.harness.lab.powered import HOST, PoweredLab
from ansible_collections.hypervisor.network.tests.harness.model.role_wishes import held
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

EXAMPLES = 60  # of which a third may be refused


@pytest.fixture
def modules(fresh: PoweredLab) -> Iterator[Modules]:
    with planned_host(fresh, HOST) as running:
        yield running
    fresh.used = False  # all of it went with the namespace


def test_random_tenants_and_vlans_are_foreseen_change_for_change(modules: Modules) -> None:
    tried = held(modules, EXAMPLES, vlans=True)
    assert tried["carried out"] >= 30, tried


def vlans(lab: PoweredLab) -> dict[str, list[Any]]:
    """The VLANs of each device, as iproute2 tells them."""
    rows = lab.json(HOST, f"bridge -n {NETNS} -j vlan show")
    return {row["ifname"]: row["vlans"] for row in rows if row.get("vlans")}


TENANTS = {
    "bridge_host_bridges": [
        {"name": "br0", "uplink": "eth0"},
        {
            "name": "br1",
            "vlan_filtering": True,
            "vlan_default_pvid": 5,
            "vlan_protocol": "802.1Q",
            "vlan_stats_enabled": False,
            "self_vlans": [{"vid": 40, "pvid": True, "untagged": True}, {"vid": "50-52"}],
        },
    ],
    "bridge_host_taps": [
        *({"name": f"tap{number}", "bridge": "br0"} for number in (1, 2, 3)),
        {"name": "tap4", "bridge": "br1", "trunk_vlans": ["30-32"], "native_vlan": 7},
        {"name": "tap5", "bridge": "br1", "access_vlan": 33},
    ],
    "bridge_host_tenants": [
        {"name": "blue", "vlan": 10, "taps": ["tap1", "tap2"]},
        {"name": "red", "vlan": 20, "taps": ["tap3"]},
    ],
}  # fmt: skip
# what somebody does by hand to one of several, and the row that it is
VLANS_BY_HAND = {
    "bridge vlan del vid 10 dev tap2": ("port tap2", "vlans"),
    "bridge vlan add vid 20 dev tap2": ("port tap2", "vlans"),  # into another tenant's
    "bridge vlan add vid 20 dev tap2 pvid untagged": ("port tap2", "vlans"),
    "bridge vlan add vid 1 dev tap3 untagged": ("port tap3", "vlans"),
    "bridge vlan add vid 10 dev tap1": ("port tap1", "vlans"),  # its flags are gone
    "bridge vlan add vid 10 dev tap1 untagged": ("port tap1", "vlans"),  # its PVID is
    "bridge vlan del vid 20 dev eth0": ("port eth0", "vlans"),
    "bridge vlan add vid 20 dev eth0 untagged": ("port eth0", "vlans"),
    "bridge vlan del vid 31 dev tap4": ("port tap4", "vlans"),  # in the midst of a range
    "bridge vlan del vid 7 dev tap4": ("port tap4", "vlans"),
    "bridge vlan add vid 99 dev tap5": ("port tap5", "vlans"),
    "bridge vlan del vid 40 dev br1 self": ("bridge br1", "self_vlans"),
    "bridge vlan add vid 51 dev br1 self untagged": ("bridge br1", "self_vlans"),
    "bridge vlan add vid 60 dev br1 self": ("bridge br1", "self_vlans"),
    "ip link set br1 type bridge vlan_default_pvid 6": ("bridge br1", "vlan_default_pvid"),
    "ip link set br1 type bridge vlan_protocol 802.1ad": ("bridge br1", "vlan_protocol"),
    "ip link set br1 type bridge vlan_stats_enabled 1": ("bridge br1", "vlan_stats_enabled"),
    "ip link set br0 type bridge vlan_filtering 0": ("bridge br0", "vlan_filtering"),
    "ip link set br1 type bridge vlan_filtering 0": ("bridge br1", "vlan_filtering"),
}  # fmt: skip
# what somebody does to the file that boots: the words before and after, and the stanza
AT_BOOT = {
    ("dev tap2 vid 10 ", "dev tap2 vid 11 "): "stanza tap2 inet",
    ("dev eth0 vid 20", "dev eth0 vid 21"): "stanza br0 inet",
    ("dev br1 vid 40 pvid ", "dev br1 vid 40 "): "stanza br1 inet",
}


# which the kernel changes as long as no port has a VLAN
WITHOUT_PORTS = {
    "bridge_host_bridges": [
        {"name": "br3", "vlan_filtering": True, "vlan_stats_per_port": True, "mst_enabled": True}
    ]
}


def drift(
    modules: Modules, job: dict[str, Any], *, persist: bool = True
) -> set[tuple[str, str, str]]:
    found = _drift.rows({"hv1": look(modules, job, persist=persist)})
    return {(row["where"], row["what"], row["key"]) for row in found}


def test_each_vlan_that_drifted_by_hand_is_found_and_told_of_its_device_alone(
    fresh: PoweredLab, modules: Modules
) -> None:
    carry_out(modules, look(modules, TENANTS)["plan"])
    assert drift(modules, TENANTS) == set()
    wrong = {}
    for words, (what, key) in VLANS_BY_HAND.items():
        by_hand(fresh, HOST, words)
        found = drift(modules, TENANTS)
        if found != {("kernel", what, key)}:
            wrong[words] = found
        carry_out(modules, look(modules, TENANTS)["plan"])
        assert drift(modules, TENANTS) == set(), words
    assert wrong == {}


def test_what_changes_only_while_no_port_has_a_vlan_is_found(
    fresh: PoweredLab, modules: Modules
) -> None:
    carry_out(modules, look(modules, WITHOUT_PORTS, persist=False)["plan"], persist=False)
    assert drift(modules, WITHOUT_PORTS, persist=False) == set()
    by_hand(fresh, HOST, "ip link set br3 type bridge vlan_stats_per_port 0")
    found = {("kernel", "bridge br3", "vlan_stats_per_port")}
    assert drift(modules, WITHOUT_PORTS, persist=False) == found
    # this iproute2 has no word for it
    modules.done("linux_bridge", name="br3", mst_enabled=False, guard_mode="never")
    found.add(("kernel", "bridge br3", "mst_enabled"))
    assert drift(modules, WITHOUT_PORTS, persist=False) == found


def test_a_vlan_that_boots_otherwise_is_found(fresh: PoweredLab, modules: Modules) -> None:
    carry_out(modules, look(modules, TENANTS)["plan"])
    file = f"{DISK}/etc/network/interfaces"
    text = fresh.ssh(HOST, f"cat {file}")
    for (before, after), stanza in AT_BOOT.items():
        assert before in text, text
        fresh.ssh(HOST, f"printf %s {shlex.quote(text.replace(before, after))} > {file}")
        assert drift(modules, TENANTS) == {("boot", stanza, "options")}
    fresh.ssh(HOST, f"printf %s {shlex.quote(text)} > {file}")
    assert drift(modules, TENANTS) == set()


BRIDGES = {
    "br1": "vlan_filtering 1 vlan_default_pvid 0",
    "br2": "vlan_filtering 1 vlan_protocol 802.1ad vlan_default_pvid 5 vlan_stats_enabled 1",
    "br3": "vlan_filtering 0",
    "br0": "vlan_filtering 1 stp_state 0 forward_delay 0",
}
TAPS = {"tap1": "br0", "tap2": "br0", "tap3": "br1", "tap4": "br1", "tap5": "br1", "tap6": "br2", "tap7": "br3"}  # fmt: skip
LINKS_BY_HAND = [
    *(f"ip link add {name} type bridge {options}" for name, options in BRIDGES.items()),
    *(f"ip link set {name} up" for name in BRIDGES),
    "ip link set br0 address 02:00:00:00:00:10",
    "ip link set eth0 address 02:00:00:00:00:10",
    "ip address del 10.66.0.10/24 dev eth0",
    "ip link set eth0 addrgenmode none master br0",
    "ip address add 10.66.0.10/24 dev br0",
    "ip route add default via 10.66.0.1",
    *(f"ip tuntap add {tap} mode tap" for tap in TAPS),
    *(f"ip link set {tap} master {bridge} up" for tap, bridge in TAPS.items()),
]
WITHOUT_ANY = "tap5"  # which its bridge gives none to either
FILTERED_BY_HAND = [
    "bridge vlan add vid 30 dev br0 self",
    "bridge vlan add vid 10-12 dev eth0",
    "bridge vlan add vid 30 dev eth0",
    "bridge vlan add vid 10 dev tap1 pvid untagged",
    "bridge vlan del vid 1 dev tap1",
    "bridge vlan add vid 20-25 dev tap2",
    "bridge vlan add vid 4 dev br1 self pvid untagged",
    "bridge vlan add vid 4094 dev tap3 pvid untagged",
    "bridge vlan add vid 7 dev tap4 pvid",
    "bridge vlan add vid 8-9 dev tap4 untagged",
    "bridge vlan add vid 6 dev br2 self",
    "bridge vlan add vid 77 dev tap7",
]


def test_a_host_with_vlans_by_hand_is_adopted_and_made_again_of_its_variables(
    fresh: PoweredLab, modules: Modules
) -> None:
    # a port that is no host, as bridge-utils makes it
    own = " ".join(f"net.ipv6.conf.eth0.{word}" for word in ("disable_ipv6=1", "accept_ra=0"))
    fresh.ssh(HOST, f"ip netns exec {NETNS} sysctl -qw {own}")
    by_hand(fresh, HOST, *LINKS_BY_HAND, *FILTERED_BY_HAND)
    before = vlans(fresh)
    assert set(before) == {"eth0", *BRIDGES, *TAPS} - {WITHOUT_ANY}
    told = modules.done("bridge_info")["as_variables"]
    kept = look(modules, told, persist=False)
    assert kept["whole"] and kept["changes"] == [], kept["lines"]
    assert vlans(fresh) == before
    # and what the role makes of them where nothing is
    gone = {*TAPS, "br1", "br2"}
    by_hand(fresh, HOST, *(f"ip link del {name}" for name in sorted(gone)))
    carry_out(modules, look(modules, told, persist=False)["plan"], persist=False)
    del before["tap7"]  # of a bridge that does not filter they are not told
    again = vlans(fresh)
    del again["tap7"]
    assert again == before
