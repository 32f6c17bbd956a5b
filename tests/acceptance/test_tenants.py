# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two tenants on a hypervisor whose kernel filters VLANs: by the role, over the SSH that runs through their uplink, and after a boot.

A story, as test_lab.py is. What the VLANs are is told by iproute2; that the live frames would find a leak, by making one by hand.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import NEW_CONNECTION, Lab
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

HOST = "vlans"
BY_HAND = 120.0  # a DHCP server has to be asked again, on a machine without KVM
VARIABLES = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0", "method": "dhcp"}],
    "bridge_host_taps": [
        {"name": "tap1", "bridge": "br0"},
        {"name": "tap2", "bridge": "br0"},
        {"name": "tap3", "bridge": "br0"},
    ],
    "bridge_host_guests": [
        {
            "name": name,
            "emulator": "qemu-system-i386",
            "memory": 64,
            "boot": "n",
            "nics": [{"tap": tap, "mac": mac}],
            "shutdown_timeout": 5,
        }
        for name, tap, mac in (
            ("vm1", "tap1", "52:00:00:00:02:01"),
            ("vm2", "tap2", "52:00:00:00:02:02"),
        )
    ],
    "bridge_host_tenants": [
        {"name": "blue", "vlan": 10, "guests": ["vm1"], "taps": ["tap3"]},
        {"name": "red", "vlan": 20, "guests": ["vm2"]},
    ],
}
HOSTS_OWN = {(1, "PVID", "Egress Untagged")}
WANTED = {
    "br0": HOSTS_OWN,
    "eth0": {*HOSTS_OWN, (10,), (20,)},
    "tap1": {(10, "PVID", "Egress Untagged")},
    "tap2": {(20, "PVID", "Egress Untagged")},
    "tap3": {(10, "PVID", "Egress Untagged")},
}
HEARD = {"52:00:00:00:02:01": ("tap1", 10), "52:00:00:00:02:02": ("tap2", 20)}
UNITS = "hypervisor-network-guest@vm1.service hypervisor-network-guest@vm2.service"
REPORT = "Report | Bridges, MACs and routes"
PROOF = "Verify | Prove with live frames that the tenants are apart"
Records = list[dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def guest_wordsf_afterwards(lab: Lab) -> Iterator[None]:
    """They would boot from the network for ever."""
    yield
    lab.ssh(HOST, "cat /run/hypervisor-network/vm?/pid | xargs --no-run-if-empty kill")


def site(lab: Lab, *arguments: str) -> Records:
    return lab.playbook("site.yml", "--limit", HOST, "-e", json.dumps(VARIABLES), *arguments)


def vlans(lab: Lab) -> dict[str, set[tuple[Any, ...]]]:
    """VID and flags of each VLAN, by port."""
    shown = lab.json(HOST, "bridge -j vlan show")
    return {
        port["ifname"]: {(one["vlan"], *one.get("flags", [])) for one in port["vlans"]}
        for port in shown
    }


def guests_heard(lab: Lab) -> dict[str, tuple[str, int | None]]:
    """By the guests' MACs the tap that each was heard at, and in which VLAN."""
    return {
        row["mac"]: (row["ifname"], row.get("vlan"))
        for row in lab.json(HOST, "bridge -j fdb show br br0")
        if row["mac"].startswith("52:00:00:00:02")
    }


def changed(records: Records) -> list[str]:
    return [
        record["task"].rpartition(" : ")[2]
        for record in records
        if record["host"] == HOST and record["changed"]
    ]


@pytest.fixture(scope="session")
def predicted(lab: Lab) -> tuple[Records, dict[str, set[tuple[Any, ...]]]]:
    return site(lab, "--check"), vlans(lab)


@pytest.fixture(scope="session")
def divided(lab: Lab, predicted: Any) -> Records:
    return site(lab)


@pytest.fixture(scope="session")
def again(lab: Lab, divided: Records) -> Records:
    return site(lab)


def test_check_mode_predicts_the_steps_and_makes_no_vlan(predicted: Any, divided: Records) -> None:
    assert predicted[1] == {}
    steps = [
        {task.partition(" | ")[0] for task in changed(records)}
        for records in (predicted[0], divided)
    ]
    assert (
        steps[0]
        == steps[1]
        == {
            "Packages",  # which makes the user that guests run as
            "Bridges",
            "Uplinks",
            "Persist",
            "Taps",
            "Ports",
            "Guests",
        }
    )


def test_tenants_are_in_their_vlans_alone_and_the_host_in_its_own(
    lab: Lab, divided: Records
) -> None:
    assert vlans(lab) == WANTED
    (bridge,) = lab.json(HOST, "ip -j -d link show br0")
    assert bridge["linkinfo"]["info_data"]["vlan_filtering"] == 1
    assert lab.ssh(HOST, "cat /etc/hostname", *NEW_CONNECTION).strip() == HOST


def test_each_guest_was_heard_in_the_vlan_of_its_tenant(lab: Lab, divided: Records) -> None:
    assert guests_heard(lab) == HEARD


def test_the_report_has_the_table_of_isolation(divided: Records) -> None:
    (lines,) = [record["msg"] for record in divided if record["task"].endswith(REPORT)]
    text = "\n".join(lines) if isinstance(lines, list) else lines
    print(text)
    table = text.partition("ISOLATION")[2].splitlines()
    assert table[1].split() == [
        "sender",
        "VLAN",
        "kind",
        "sent",
        "own",
        "ports",
        "others",
        "uplinks",
    ]
    rows = [line.split() for line in table if line.startswith(("blue", "red"))]
    # ARP, two broadcasts and groups, unknown and known unicast, neighbour solicitations, forged tags
    assert len(rows) == 2 * 8 and all(row[-2] == "0" and row[3] != "0" for row in rows)
    seen = {line.split()[1]: line.split()[2:] for line in table if line.startswith("from ")}
    assert seen["blue"][1:] == seen["red"][:1] + seen["red"][2:] == ["0", "0", "0"]


def test_the_second_run_changes_nothing(again: Records) -> None:
    assert changed(again) == []
    assert [record for record in again if record["task"].endswith(PROOF)], "nothing was proven"


@pytest.fixture(scope="session")
def leaking(lab: Lab, again: Records) -> str:
    """What verify says where the VLAN that every port begins with was left on two tenants' ports; the ports are as they were afterwards."""
    for tap in ("tap1", "tap2"):
        lab.ssh(HOST, f"bridge vlan add dev {tap} vid 1 untagged")
    try:
        with pytest.raises(pytest.fail.Exception) as failed:
            site(lab, "--tags", "verify")
    finally:
        for tap in ("tap1", "tap2"):
            lab.ssh(HOST, f"bridge vlan del dev {tap} vid 1")
    return str(failed.value)


def test_vlan_1_left_on_two_tenants_is_found_by_its_settings_and_by_live_frames(
    leaking: str,
) -> None:
    assert (
        "tap1 of blue should be in VLAN 10 alone, untagged, and has 1 (untagged), 10 (pvid untagged)."
        in leaking
    )
    # what a guest tags itself goes over, and so does what the host's own network says
    for sentence in (
        "blue leaks: 3 tagged frames from a port like tap1 came out at tap2 of red",
        "the host leaks: 3 arp, 3 broadcast",
    ):
        assert sentence in leaking


def test_a_bridge_taken_down_and_up_by_hand_has_its_tenants_again(lab: Lab, leaking: str) -> None:
    # in a unit of its own: the session hangs on the network that goes away
    lab.ssh(HOST, "systemd-run --quiet --collect sh -c 'ifdown br0; ifup br0; touch /run/by-hand'")

    def done() -> bool:
        try:
            lab.ssh(HOST, "test -e /run/by-hand", *NEW_CONNECTION)
            return True
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False

    wait_for(done, "br0 is up again", BY_HAND)
    assert vlans(lab) == WANTED
    running = lab.ssh(HOST, "cat /sys/class/net/tap[12]/carrier").split()
    assert running == ["1", "1"], "a guest lost its tap"


def test_a_boot_brings_the_tenants_back(lab: Lab, leaking: str) -> None:
    lab.reboot(HOST)
    assert vlans(lab) == WANTED
    (bridge,) = lab.json(HOST, "ip -j -d link show br0")
    assert bridge["linkinfo"]["info_data"]["vlan_filtering"] == 1


def test_after_the_boot_the_guests_run_in_their_vlans_with_no_play(lab: Lab, leaking: str) -> None:
    wait_for(lambda: guests_heard(lab) == HEARD, "both guests are heard", BY_HAND)
    assert lab.ssh(HOST, f"systemctl is-active {UNITS}").split() == ["active"] * 2
    assert lab.ssh(HOST, "systemctl --failed --no-legend") == ""


def test_the_guests_were_shut_down_before_their_network(lab: Lab, leaking: str) -> None:
    said = lab.ssh(HOST, "journalctl -b -1 --no-pager -o cat _PID=1").splitlines()
    guests = [at for at, line in enumerate(said) if re.match(r"Stopped .*QEMU guest vm[12]", line)]
    networks = [at for at, line in enumerate(said) if re.match(r"Stopping .*Raise network", line)]
    assert len(guests) == 2 and networks and max(guests) < networks[-1]
