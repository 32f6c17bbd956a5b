# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G03 by the role: hosts of netplan and of networkd, by DHCP and with everything written down, on a LAN that has routers and DHCPv6. Each is converted by
site.yml over SSH, boots, and is given back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO, REPO
from ansible_collections.hypervisor.network.tests.harness.lab.managed import (
    ABSENT,
    BRIDGE,
    NIC,
    files,
    seen,
    site,
    upset,
)
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import HOST, PoweredLab
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

SITES = REPO / "tests" / "faults" / "lab" / "sites.yml"
# Two addresses, IPv6, routes of two tables, a rule, a resolver
STATIC = {
    "addresses": ["10.77.0.11/24", "192.168.99.12/24", "fd77::12/64"],
    "gateways": ["10.77.0.1", "fd77::1"],
    "nameservers": ["10.77.0.1"],
    "routes": [
        {"to": "10.99.0.0/16", "via": "192.168.99.1", "metric": 50},
        {"to": "10.98.0.0/16", "via": "10.77.0.1", "table": 100},
    ],
    "rules": [{"from": "10.5.0.0/16", "table": 100, "priority": 1000}],
}
SHAPES = {
    "netplan, DHCP": ("netplan", {}),
    "netplan, static": ("netplan", STATIC),
    "networkd, DHCP": ("networkd", {}),
    "networkd, static": ("networkd", STATIC),
}


@pytest.fixture(scope="module", params=list(SHAPES))
def managed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PoweredLab]:
    if not LONG:
        pytest.skip("a machine for each shape takes minutes: make faults runs it")
    directory, name = place("hvsite")
    network, static = SHAPES[request.param]
    more = {
        "lab_distro": DISTRO,
        "lab_network": network,
        "site_static": static,
        "lab_dhcp6_range": ["fd77::100", "fd77::1ff"],
    }
    records = tmp_path_factory.mktemp("records")
    made = PoweredLab(directory, name, records, "-e", json.dumps(more), inventory=SITES)
    try:
        made.up()
        yield made
    finally:
        made.down()


def test_g03_a_site_is_converted_boots_and_is_given_back(managed: PoweredLab) -> None:
    before, written = seen(managed, HOST, NIC), files(managed, HOST)
    assert before.addresses and not before.others
    assert site(managed, HOST)
    assert seen(managed, HOST, BRIDGE) == before
    assert site(managed, HOST) == []
    assert upset(managed, HOST) == ["2"]
    assert seen(managed, HOST, BRIDGE) == before
    managed.reboot(HOST)
    assert seen(managed, HOST, BRIDGE) == before
    assert site(managed, HOST) == []
    assert site(managed, HOST, **ABSENT)
    assert (seen(managed, HOST, NIC), files(managed, HOST)) == (before, written)
    managed.reboot(HOST)
    assert (seen(managed, HOST, NIC), files(managed, HOST)) == (before, written)
