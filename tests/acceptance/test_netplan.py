# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hypervisor as Debian's cloud images are, netplan with networkd below: converted over SSH, booted, and given back. Other shapes of such hosts go the
same way in tests/faults/lab/test_v_sites.py.

A story: each fixture is a step, each test a look at what it led to, with iproute2, resolvectl, networkctl and netplan as witnesses.
"""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import (
    DISTRO,
    NEW_CONNECTION,
    Lab,
)
from ansible_collections.hypervisor.network.tests.harness.lab.managed import (
    BRIDGE,
    DEFAULT,
    NIC,
    Seen,
    absent,
    files,
    seen,
    site,
    upset,
)

HOST = "netplan"
# What networkd goes by after the way back until the next boot: before 257 a link that got another file would lose its lease
LIVES_BY = f"03-hypervisor-network-{NIC}" if DISTRO == "bookworm" else "10-netplan-all-en"


@pytest.fixture(scope="module")
def before(lab: Lab) -> tuple[Seen, str]:
    return seen(lab, HOST, NIC), files(lab, HOST)


@pytest.fixture(scope="module")
def converted(lab: Lab, before: object) -> list[str]:
    return site(lab, HOST)


@pytest.fixture(scope="module")
def repeated(lab: Lab, converted: object) -> list[str]:
    return site(lab, HOST)


@pytest.fixture(scope="module")
def left(lab: Lab, repeated: object) -> list[str]:
    """What networkd said of ports while it read its files and began anew."""
    return upset(lab, HOST)


@pytest.fixture(scope="module")
def rebooted(lab: Lab, left: object) -> Seen:
    lab.reboot(HOST)
    return seen(lab, HOST, BRIDGE)


@pytest.fixture(scope="module")
def back(lab: Lab, rebooted: object) -> list[str]:
    return site(lab, HOST, **absent(DEFAULT))


def test_the_bridge_has_what_the_nic_had(
    lab: Lab, before: tuple[Seen, str], converted: list[str]
) -> None:
    assert before[0].addresses == ("10.77.0.14/24",) and before[0].others == ()
    assert any(task.startswith("Persist |") for task in converted)


def test_the_second_run_changes_nothing(repeated: list[str]) -> None:
    assert repeated == []


def test_netplan_knows_the_bridge(lab: Lab, repeated: object) -> None:
    said = lab.ssh(HOST, f"netplan get bridges.{BRIDGE}.interfaces", *NEW_CONNECTION)
    assert said.split() == ["-", f"0hv-{NIC}"]


def test_no_port_leaves_its_bridge_when_networkd_reads_its_files_and_begins_anew(
    left: list[str],
) -> None:
    assert left == ["2"]


def test_a_reboot_gives_the_same_network(before: tuple[Seen, str], rebooted: Seen) -> None:
    assert rebooted == before[0]


def test_the_way_back_gives_the_nic_what_it_had_and_leaves_no_file(
    lab: Lab, before: tuple[Seen, str], back: list[str]
) -> None:
    assert back
    assert (seen(lab, HOST, NIC), files(lab, HOST)) == before
    assert not lab.ssh(HOST, f"ls /sys/class/net | grep -E '{BRIDGE}|tap' || true", *NEW_CONNECTION)
    said = lab.ssh(HOST, f"networkctl status {NIC}", *NEW_CONNECTION)
    assert f"/run/systemd/network/{LIVES_BY}.network" in said
