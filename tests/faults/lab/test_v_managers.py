# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G03: a host that networkd manages, by itself or for netplan, is converted, renews its lease on the bridge, and is networkd's again after the way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import (
    ADDRESS,
    HOST,
    UPLINK,
    PoweredLab,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

NIC = "enp0s3"
FOREIGN = "ip route replace 10.9.0.0/24 via 10.77.0.1 && ip rule add from 10.5.0.0/16 table 100"
_RUN = "/run/systemd/network"


@pytest.fixture(scope="module", params=["networkd", "netplan"])
def managed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PoweredLab]:
    if not LONG:
        pytest.skip("a machine for each manager takes minutes: make faults runs it")
    directory, name = place("hvmanaged")
    arguments = ("-e", f"lab_distro={DISTRO}", "-e", f"lab_network={request.param}")
    made = PoweredLab(directory, name, tmp_path_factory.mktemp("records"), *arguments)
    try:
        made.up()
        yield made
    finally:
        made.down()


def has(lab: PoweredLab, dev: str) -> list[str]:
    rows = lab.json(HOST, "ip -j -4 address show")
    return [
        one["local"] for row in rows if row["ifname"] == dev for one in row.get("addr_info", ())
    ]


def client_id(lab: PoweredLab, dev: str) -> str:
    """By what networkd makes a device known to the DHCP server."""
    index = lab.hv(f"cat /sys/class/net/{dev}/ifindex").strip()
    return lab.hv(f"grep CLIENTID= /run/systemd/netif/leases/{index}")


def foreign(lab: PoweredLab) -> tuple[int, int]:
    """How often the route and the rule stand that were added by hand."""
    routes = lab.json(HOST, "ip -j route show 10.9.0.0/24")
    rules = [one for one in lab.json(HOST, "ip -j rule show") if one.get("src") == "10.5.0.0"]
    return len(routes), len(rules)


def uplink(lab: PoweredLab, state: str) -> bool:
    records = lab.playbook(UPLINK, "-e", f"uplink_nic={NIC}", "-e", f"uplink_state={state}")
    return any(one.get("changed") for one in records)


def test_g03_there_and_back_with_nothing_lost(managed: PoweredLab) -> None:
    managed.hv(FOREIGN)
    before = client_id(managed, NIC)
    assert has(managed, NIC) == [ADDRESS]
    assert uplink(managed, "present")
    assert (has(managed, NIC), has(managed, "br0")) == ([], [ADDRESS])
    assert client_id(managed, "br0") == before and foreign(managed) == (1, 1)
    # what would have taken the NIC from its bridge, and the address from it
    managed.hv("networkctl reload && networkctl reconfigure br0")
    managed.until(
        f"test -e /sys/class/net/br0/lower_{NIC} && ip route get 10.77.0.1 | grep 'dev br0'"
    )
    assert not uplink(managed, "present")
    assert uplink(managed, "absent")
    assert (has(managed, NIC), has(managed, "br0")) == ([ADDRESS], [])
    assert client_id(managed, NIC) == before and foreign(managed) == (1, 1)
    assert not managed.hv(f"find {_RUN} -name '*hypervisor-network*'")


def test_g03_nothing_of_it_outlives_a_boot(managed: PoweredLab) -> None:
    assert uplink(managed, "present")
    managed.cut()
    managed.up()
    assert has(managed, NIC) == [ADDRESS]
    assert not managed.hv("ls /sys/class/net | grep br0 || true")
