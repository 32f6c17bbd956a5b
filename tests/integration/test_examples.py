# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks in the EXAMPLES of modules and filters as they are written, in one namespace after each other; their namespace comes by module_defaults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.host.guests import guest_user
from ansible_collections.hypervisor.network.tests.harness.model import examples
from ansible_collections.hypervisor.network.tests.harness.net import netns as namespaces

GROUP = "group/hypervisor.network.all"
# Each is tried against its module's arguments by tests/unit/test_examples.py; here the reason why it is not run, and where its like is
NOT_RUN = {
    "Tell VLANs apart, and keep the host itself in VLAN 1, and by tagged frames in VLAN 30": "VLAN filtering: tests/acceptance/test_vlans.py",
    "One guest in VLAN 10 that knows nothing of it, one that tags its frames itself, and the uplink for both": "VLAN filtering: tests/acceptance/test_vlans.py",
    "The static entries of a bridge, these and no others": "VLAN filtering: tests/acceptance/test_vlans.py",
    "Prove that two tenants are apart": "VLAN filtering: tests/acceptance/test_tenants.py",
    "Show the counts": "what the task before it found: tests/acceptance/test_tenants.py",
    "Give eth0 its addresses back": "a host that is converted: tests/integration/targets/bridge_uplink",
    "Make eth0 the uplink of br0": "a host with a LAN: tests/integration/targets/bridge_uplink",
    "Make a bridge that gives no VLAN to whoever joins it, with the host in VLAN 99": "VLAN filtering: tests/acceptance/test_uplinks.py",
    "Have eth0 join it in that VLAN, untagged on the wire as before": "VLAN filtering: tests/acceptance/test_uplinks.py",
    "What the action of linux_bridge runs": "no task of a playbook: tests/faults/test_x_links_guard.py",
    "What the role bridge_host asks first where tags are given": "no task of a playbook: tests/integration/test_role_steps.py",
    "Boot a guest from the network": "a LAN to boot from: tests/acceptance/test_lab.py",
    "Run one from an overlay on a cloud image, as a user of its own instead of hypervisor-guest": "a cloud image: tests/integration/targets/qemu_guest",
    "Run a cloud image that finds its users and its address in a seed": "a cloud image: tests/faults/test_h_seed.py",
    "Ask what the role would do on this host": "a host whose packages are there: tests/integration/test_host_plan.py",
    "Read it": "what the task before it found: tests/integration/test_host_plan.py",
    "Stop where somebody could be cut off": "what the task before it found: tests/integration/test_host_plan.py",
    "Ask why vm1 has no network": "a guest on a bridge: tests/integration/targets/bridge_doctor",
    "Send frames along its way too": "a guest on a bridge: tests/integration/test_doctor.py",
    "Hear what becomes of its DHCP, while it starts or asks anew": "a guest on a bridge: tests/integration/test_doctor_dhcp.py",
    "What the action of bridge_doctor runs": "no task of a playbook: tests/integration/test_doctor.py",
    "Read the answer": "what the task before it found: tests/integration/targets/bridge_doctor",
    "Keep the change": "a change that waits: tests/faults/test_e_confirm.py",
    "Give one a larger and a slower disk while it runs": "a guest with a disk: tests/faults/test_h_plug.py",
    "Have a database begin before all other guests, and keep it in bounds": "a systemd: tests/faults/lab/test_h_units.py",
    "Undo it without waiting for the deadline": "a change that waits: tests/faults/test_e_confirm.py",
    "Fail where a guest has not been heard of on its bridge": "a guest that runs: tests/integration/targets/qemu_guest_info",
    "Back up what has changed, each night": "a guest with a disk: tests/faults/test_h_backups.py",
    "Begin anew once a week, and keep four weeks": "a guest with a disk: tests/faults/test_h_backups.py",
    "One with a name, at a moment that suits the guest's file systems": "a guest with a disk: tests/faults/test_h_backups.py",
    "Keep what the guest has on its disks before an upgrade": "a guest with a disk: tests/faults/test_h_snapshots.py",
    "The same at a moment that suits the guest's file systems": "a guest with a disk: tests/faults/test_h_snapshots.py",
    "Make enp1s0 the uplink of br0": "the host's own network: tests/faults/lab/test_v_managers.py",
    "Have the next boot make the same": "a manager of networks: tests/faults/lab/test_v_managers.py",
    "The same on a host of a cloud, whose network cloud-init shall not write any more": "a manager of networks: tests/faults/test_g_networkd.py",
    "Keep networkd and NetworkManager off TAPs that a program of its own makes": "a manager of networks: tests/faults/test_g_hands_off.py",
    "Give the NIC back": "the host's own network: tests/faults/lab/test_v_managers.py",
    "Have the next boot leave it there": "a manager of networks: tests/faults/lab/test_v_managers.py",
    "Stop the guest, to go back": "a guest with a disk: tests/faults/test_h_snapshots.py",
    "Go back, the upgrade has failed": "a guest with a disk: tests/faults/test_h_snapshots.py",
    "Merge what has been written since, the upgrade is fine": "a guest with a disk: tests/faults/test_h_snapshots.py",
}
# What stands on disk before the stanzas are made
INTERFACES = "auto eth0\niface eth0 inet static\n    address 192.0.2.10/24\n"
# The modules in the order in which their examples can follow each other
ORDER = (
    "linux_bridge", "tap_device", "bridge_port", "bridge_fdb", "bridge_mdb", "bridge_info", "ifupdown_state", "interfaces_stanza", "qemu_guest",
    "qemu_guest_info", "verdict",
    # the filters, and what they are shown with
    "adopted", "bridge_table", "drift", "guest_mac", "topology",
)  # fmt: skip


def test_what_is_not_run_is_an_example_and_has_its_test() -> None:
    named = {task["name"] for tasks in examples.tasks().values() for task in tasks}
    assert set(NOT_RUN) <= named
    for reason in NOT_RUN.values():
        assert (examples.ROOT / reason.rpartition(": ")[2]).exists(), reason


def test_the_examples_run_as_they_are_written(netns: str, tmp_path: Path) -> None:
    guest_user()
    # eth0 is a NIC; br0 and the taps that other examples speak of are made anew before each module's
    namespaces.batch(netns, "link add eth0 type veth peer name wire\n")
    state, interfaces = tmp_path / "ifstate", tmp_path / "interfaces"
    state.mkdir()
    interfaces.write_text(INTERFACES, encoding="utf-8")
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        # what the role has for a host
        "vars": {"bridge_host_bridges": [{"name": "br0"}]},
        "module_defaults": {
            GROUP: {"netns": netns},
            "hypervisor.network.ifupdown_state": {"directory": str(state)},
            "hypervisor.network.interfaces_stanza": {"path": str(interfaces), "backup": False},
        },
        "tasks": [
            one
            for module in ORDER
            for one in (*_before(module), *examples.tasks()[module])
            if one["name"] not in NOT_RUN
        ],
    }
    _run(play, tmp_path)
    ran = {task["name"] for task in play["tasks"]}
    for tasks in examples.tasks().values():
        assert {task["name"] for task in tasks} <= ran | set(NOT_RUN)


def _before(module: str) -> list[dict[str, Any]]:
    """The devices that the examples of a module speak of."""
    if module not in ("bridge_port", "bridge_fdb", "bridge_mdb"):
        return []
    ports = [{"name": name, "bridge": "br0"} for name in ("tap1", "tap2", "eth0")]
    return [
        {
            "name": "br0",
            "hypervisor.network.linux_bridge": {"name": "br0", "up": True, "mcast_igmp_version": 3},
        },
        {
            "name": "taps",
            "hypervisor.network.tap_device": {"taps": [{"name": "tap1"}, {"name": "tap2"}]},
        },
        *(
            [{"name": "ports", "hypervisor.network.bridge_port": {"ports": ports}}]
            if module in ("bridge_fdb", "bridge_mdb")
            else []
        ),
    ]


def _run(play: dict[str, Any], folder: Path) -> None:
    playbook = folder / "playbook.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    given = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(PYTHONS["pyroute2-0.9.7"]),
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-e",
            json.dumps(given),
            str(playbook),
        ],
        env={**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_LOCAL_TEMP": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
