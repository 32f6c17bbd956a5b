# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G12: two NICs that networkd has by one file, of which one becomes an uplink: the other keeps what it has at every step, over boots and on the way back.

A drop-in beside that file is one for both, and so is a file of /run by that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import BRIDGE, NIC
from ansible_collections.hypervisor.network.tests.harness.lab.shared_host import OTHER, SharedHost
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

pytestmark = pytest.mark.skipif(not LONG, reason="three boots take a minute: make faults runs it")

SITES = {
    "networkd": {"/etc/systemd/network/20-all.network": "[Match]\nName=en*\n[Network]\nDHCP=ipv4\n"},
    "netplan": {
        "/etc/netplan/90-default.yaml": "network: {version: 2, ethernets: {all-en: {match: {name: 'en*'}, dhcp4: true}}}\n"
    },
}  # fmt: skip
THERE, BACK = journey.there(), journey.back()
MOST_LOST = 3


@dataclass
class Life:
    """What was seen of the other NIC after each step, by its name, and of the one that became an uplink."""

    host: SharedHost
    other: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    again: list[Any] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def look(self, name: str, dev: str) -> None:
        self.host.until_it_answers()
        found = [
            {**self.host.layer3(one), "file": self.host.in_force(one), "lease": self.host.leased(one)}
            for one in (OTHER, dev)
        ]  # fmt: skip
        self.other[name], self.own[name] = found

    def steps(self, prefix: str, runs: Any, dev: str) -> None:
        for module, options in runs:
            name, lost = f"{prefix} {module}", []
            with self.host.pinged(lost):
                self.host.done(module, **options)
            self.lost[name] = lost[0]
            self.look(name, dev if module != "linux_bridge" or prefix == "back" else NIC)

    def booted(self, name: str, dev: str) -> None:
        self.host.reboot()
        self.look(name, dev)

    def repeated(self, runs: Any) -> None:
        self.again += [self.host.run(module, **options).get("changed") for module, options in runs]


@pytest.fixture(scope="module", params=list(SITES))
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    with SharedHost(SITES[request.param]) as host:
        seen = Life(host)
        seen.look("before", NIC)
        seen.files.append(host.written())
        seen.steps("there", THERE, BRIDGE)
        seen.repeated(THERE)
        lost: list[int] = []
        with host.pinged(lost):
            host.hv(host.upset)
        seen.lost["manager restarted"] = lost[0]
        seen.look("manager restarted", BRIDGE)
        seen.booted("booted", BRIDGE)
        seen.repeated(THERE)
        seen.steps("back", BACK, NIC)
        seen.repeated(BACK)
        seen.booted("booted as before", NIC)
        seen.files.append(host.written())
        yield seen


def test_g12_the_other_nic_keeps_its_addresses_its_lease_and_its_file_at_every_step(
    life: Life,
) -> None:
    assert {name: seen for name, seen in life.other.items() if seen != life.other["before"]} == {}


def test_g12_neither_nic_is_cut_off(life: Life) -> None:
    assert {name: lost for name, lost in life.lost.items() if lost > MOST_LOST} == {}


def test_g12_the_uplink_keeps_its_addresses_and_its_lease(life: Life) -> None:
    for name, seen in life.own.items():
        for what in ("addresses", "lease"):
            assert seen[what] == life.own["before"][what], name


def test_g12_what_is_done_twice_changes_nothing(life: Life) -> None:
    assert life.again == [False] * (2 * len(THERE) + len(BACK))


def test_g12_the_way_back_leaves_no_file(life: Life) -> None:
    assert life.files[0] == life.files[1]
    assert life.own["booted as before"] == life.own["before"]
