# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a host: each drift that is injected is found, a clean host has none, and nothing is changed by looking."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift
from ansible_collections.hypervisor.network.tests.harness.host import role_host
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import carry_out, look
from ansible_collections.hypervisor.network.tests.harness.net.dump import settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, run
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

AUDIT = Path(__file__).resolve().parents[2] / "playbooks" / "audit.yml"
JOB = {
    "bridge_host_bridges": [
        {
            "name": "br0",
            "uplink": "eth0",
            "ageing_time": 60,
            "mtu": 1500,
            "alias": "the LAN",
            "stp_state": False,
        },
        {
            "name": "br1",
            "method": "static",
            "address": ["10.50.0.1/24"],
            "mac": "02:00:00:00:00:b1",
        },
    ],
    "bridge_host_taps": [
        {"name": "tap1", "bridge": "br0", "owner": "65534", "isolated": True},
        {"name": "tap2", "bridge": "br1", "mtu": 1400},
    ],
}
# what somebody does by hand, and the row that it is: (where, what, key)
BY_HAND = {
    "ip link set br0 type bridge ageing_time 12000": ("kernel", "bridge br0", "ageing_time"),
    "ip link set br0 type bridge stp_state 1": ("kernel", "bridge br0", "stp_state"),
    "ip link set br0 alias other": ("kernel", "bridge br0", "alias"),
    "ip link set br0 mtu 1300": ("kernel", "bridge br0", "mtu"),
    "ip link set br1 down": ("kernel", "bridge br1", "up"),
    "ip link set br1 address 02:00:00:00:00:b2": ("kernel", "bridge br1", "mac"),
    "ip address del 10.50.0.1/24 dev br1": ("kernel", "bridge br1", "addresses"),
    "ip link set tap1 down": ("kernel", "tap tap1", "up"),
    "ip link set tap2 mtu 1500": ("kernel", "tap tap2", "mtu"),
    "bridge link set dev tap1 isolated off": ("kernel", "port tap1", "isolated"),
    "ip link set tap2 nomaster": ("kernel", "port tap2", "bridge"),
    "ip link del tap2": ("kernel", "tap tap2", "state"),
}


@pytest.fixture
def modules(host: Host, target_path: str) -> Iterator[Modules]:
    within = ("sh", "-c", role_host.ENTER, str(host.folder))
    with Modules(host.netns, host.python, target_path, within=within) as running:
        carry_out(running, look(running, JOB)["plan"])
        yield running


def drift(modules: Modules) -> set[tuple[str, str, str]]:
    found = _drift.rows({"hv1": look(modules, JOB)})
    return {(row["where"], row["what"], row["key"]) for row in found}


def test_each_drift_by_hand_is_found_and_a_clean_host_has_none(
    host: Host, modules: Modules
) -> None:
    assert drift(modules) == set()
    missed = {}
    for words, row in BY_HAND.items():
        run(*words.split(), netns=host.netns)
        found = drift(modules)
        if row not in found:
            missed[words] = found
        carry_out(modules, look(modules, JOB)["plan"])
        assert drift(modules) == set(), words
    assert missed == {}


def test_drift_of_what_boots_is_told_apart_from_what_runs(host: Host, modules: Modules) -> None:
    text = host.interfaces.read_text(encoding="ascii")
    host.interfaces.write_text(
        text.replace("bridge_ageing 60", "bridge_ageing 61"), encoding="ascii"
    )
    assert drift(modules) == {("boot", "stanza br0 inet", "options")}
    state = host.folder / "run/network/ifstate"
    state.write_text("lo=lo\n", encoding="ascii")
    assert {("boot", "ifstate br0", "up"), ("boot", "ifstate tap1", "up")} <= drift(modules)


def test_the_playbook_tells_a_fleet_and_changes_nothing(host: Host, modules: Modules) -> None:
    inventory = host.folder / "fleet.ini"
    inventory.write_text(
        "[hypervisors]\nlocalhost\nsilent ansible_remote_tmp=/proc/nowhere\n",
        encoding="ascii",
    )
    words = ("-i", str(inventory), "--limit", "localhost")
    variables = {**JOB, "audit_folder": str(host.folder)}
    before, disk = settled(host.netns), host.disk()
    clean = host.role(variables, *words, playbook=str(AUDIT))
    assert clean.status == 0, clean.output[-3000:]
    assert "1 hosts, 0 of them not as their variables say." in clean.output
    assert settled(host.netns) == before
    assert host.disk() == disk
    batch(host.netns, "link set br1 down\n")
    drifted = host.role(variables, "-i", str(inventory), playbook=str(AUDIT))
    assert drifted.status == 2, drifted.output[-3000:]
    told = json.loads((host.folder / "audit.json").read_text(encoding="utf-8"))["hosts"]
    assert [row["key"] for row in told["localhost"]] == ["up"]
    assert [row["key"] for row in told["silent"]] == ["unreachable"]
    suites = ElementTree.parse(host.folder / "audit.xml").getroot()
    assert [int(one.get("failures", "")) for one in suites] == [1] * len(suites)
