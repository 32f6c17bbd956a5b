# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a fleet over SSH: 50 hosts of many shapes as the role left them give no false alarm, and one that somebody changed gives its row.

Each drift, and as many looks at one host, are in tests/integration/test_audit.py, what a guest runs
otherwise than its definition says is in the target qemu_guest: 50 hosts leave two
processors no time to start some, and the role would say so.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.host.managed import (
    ROLE,
    failures,
    managed,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

AUDIT = Path(__file__).resolve().parents[2] / "playbooks" / "audit.yml"
SITE = [{"hosts": "hypervisors", "gather_facts": False, "roles": [ROLE]}]
HOSTS = 50


def shape(number: int) -> dict[str, Any]:
    """A host's variables: nothing at all, bridges of its own, eth0 in one of them, taps of many kinds, and files for the boot or none."""
    chance = random.Random(number)
    kinds = number % 5
    if kinds == 0:
        return {}
    bridge: dict[str, Any] = {
        "name": "br0",
        "ageing_time": chance.choice([0, 15, 60.5, 300]),
        "stp_state": kinds == 1,  # a conversion would wait for it
        "forward_delay": 2,
        "priority": chance.randrange(0, 65536, 4096),
        "mcast_snooping": chance.choice([True, False]),
        "mcast_querier": chance.choice([True, False]),
        "alias": chance.choice(["", "für Gäste", "<b>&'\"", "x" * 200]),
        **({"uplink": "eth0"} if kinds > 1 else {"mac": f"02:00:00:00:{number:02x}:00"}),
    }
    inside = {
        "name": "a-15-byte-name!",
        "method": "static",
        "address": [f"10.50.{number}.1/24", f"10.51.{number}.1/24"],
        "mtu": chance.choice([1280, 1400, 9000]),
    }
    taps: list[dict[str, Any]] = [
        {
            "name": f"tap{place}",
            "bridge": chance.choice(["br0", inside["name"]]),
            "isolated": chance.choice([True, False]),
            "learning": chance.choice([True, False]),
            "hairpin": chance.choice([True, False]),
            "cost": chance.choice([2, 19, 100]),
            "priority": chance.choice([0, 32, 63]),
            "txqueuelen": chance.choice([0, 500, 1000]),
            "multi_queue": chance.choice([True, False]),
            "owner": chance.choice(["nobody", "65534", "root"]),
            "up": chance.choice([True, False]),
        }
        for place in range(number % 4)
    ]
    return {
        "bridge_host_bridges": [bridge, inside],
        "bridge_host_taps": taps,
        "bridge_host_persist": kinds != 4,
    }


@pytest.mark.skipif(not LONG, reason="50 hosts take the role for minutes: make faults has them")
def test_50_clean_hosts_of_many_shapes_give_no_false_alarm_over_ssh(tmp_path: Path) -> None:
    needs_root()
    with managed(HOSTS, tmp_path, str(PYTHONS["pyroute2-0.9.7"])) as made:
        own = tmp_path / "controller" / "host_vars"
        own.mkdir(parents=True)
        for number, role in enumerate(made.hosts):
            (own / f"{role}.json").write_text(json.dumps(shape(number)), encoding="utf-8")
        converted = made.play(SITE, "--forks", "10")
        assert (failures(converted), converted.status) == ({}, 0)
        assert sum(made.converted(role) for role in made.hosts) == HOSTS * 3 // 5

        before = {role: settled(place) for role, place in made.hosts.items()}
        words = ("--forks", "10", "-e", json.dumps({"audit_folder": str(tmp_path)}))
        clean = made.play([{"import_playbook": str(AUDIT)}], *words)
        rows = json.loads((tmp_path / "audit.json").read_text("utf-8"))["hosts"]
        assert {role: found for role, found in rows.items() if found} == {}
        assert (failures(clean), clean.status) == ({}, 0)
        assert f"{HOSTS} hosts, 0 of them not as their variables say." in clean.output
        assert {role: settled(place) for role, place in made.hosts.items()} == before

        batch(made.hosts["h03"], "link set br0 alias other\n")
        drifted = made.play([{"import_playbook": str(AUDIT)}], *words)
        rows = json.loads((tmp_path / "audit.json").read_text("utf-8"))["hosts"]
        assert drifted.status == 2
        assert {role: [one["key"] for one in found] for role, found in rows.items() if found} == {
            "h03": ["alias"]
        }
