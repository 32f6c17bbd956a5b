# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G03: a host of networkd, by itself or for netplan, or of NetworkManager is converted, renews its lease on the bridge, and is its manager's again after
the way back. And what that manager does to a host without our measures.
"""

from __future__ import annotations

import time
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
# What each is told that would take a NIC from a bridge that it knows nothing of, and the address from the bridge
UPSET = {
    "networkd": "networkctl reload && networkctl reconfigure br0",
    "netplan": "networkctl reload && networkctl reconfigure br0",
    "networkmanager": "nmcli connection reload && nmcli general reload && systemctl restart NetworkManager",
}
# How each itself says that the NIC is its own
OWNS = {
    "networkd": f"networkctl status {NIC} | grep 'Network File: /etc/systemd/network/10-lan.network'",
    "netplan": f"netplan get ethernets.all-en.match && networkctl status {NIC} | grep 'Network File: /run/systemd/network/10-netplan-all-en.network'",
    "networkmanager": f"nmcli -g GENERAL.CONNECTION device show {NIC} | grep 'Wired connection 1'",
}
WATCHED = 20.0


@pytest.fixture(scope="module", params=list(UPSET))
def managed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PoweredLab]:
    if not LONG:
        pytest.skip("a machine for each manager takes minutes: make faults runs it")
    directory, name = place("hvmanaged")
    arguments = ("-e", f"lab_distro={DISTRO}", "-e", f"lab_network={request.param}")
    made = PoweredLab(directory, name, tmp_path_factory.mktemp("records"), *arguments)
    made.network = request.param
    with made.running():
        yield made


def has(lab: PoweredLab, dev: str) -> list[str]:
    rows = lab.json(HOST, "ip -j -4 address show")
    return [
        one["local"] for row in rows if row["ifname"] == dev for one in row.get("addr_info", ())
    ]


def client_id(lab: PoweredLab) -> str:
    """By what the DHCP server knows who has the address."""
    rows = (lab.directory / "leases").read_text(encoding="utf-8").splitlines()
    return next(row.split()[4] for row in rows if row.split()[2] == ADDRESS)


def foreign(lab: PoweredLab) -> tuple[int, int]:
    """How often the route and the rule stand that were added by hand."""
    routes = lab.json(HOST, "ip -j route show 10.9.0.0/24")
    rules = [one for one in lab.json(HOST, "ip -j rule show") if one.get("src") == "10.5.0.0"]
    return len(routes), len(rules)


def uplink(lab: PoweredLab, state: str) -> bool:
    # emulated machines on a busy host take their time to start a manager again, and to accept the connection that confirms
    asked = {"uplink_nic": NIC, "uplink_state": state, "uplink_timeout": 240}
    records = lab.playbook(
        UPLINK, *(word for key in asked for word in ("-e", f"{key}={asked[key]}"))
    )
    return any(one.get("changed") for one in records)


def test_a_machine_has_the_manager_that_it_was_asked_for(managed: PoweredLab) -> None:
    managed.hv(OWNS[managed.network])


def test_g03_there_and_back_with_nothing_lost(managed: PoweredLab) -> None:
    managed.hv(FOREIGN)
    before = client_id(managed)
    assert has(managed, NIC) == [ADDRESS]
    assert uplink(managed, "present")
    assert (has(managed, NIC), has(managed, "br0")) == ([], [ADDRESS])
    assert client_id(managed) == before and foreign(managed) == (1, 1)
    managed.hv(UPSET[managed.network])
    managed.until(
        f"test -e /sys/class/net/br0/lower_{NIC} && ip route get 10.77.0.1 | grep 'dev br0'"
    )
    assert not uplink(managed, "present")
    assert uplink(managed, "absent")
    assert (has(managed, NIC), has(managed, "br0")) == ([ADDRESS], [])
    assert client_id(managed) == before and foreign(managed) == (1, 1)
    managed.hv(OWNS[managed.network])
    left = "-path '*hypervisor-network/networkmanager/*' -o -path '*systemd/network*hypervisor-network*' -o -name 'hv-*.nmconnection'"
    assert not managed.hv(f"find /run -xdev -type f \\( {left} \\)")


def test_g03_nothing_of_it_outlives_a_boot(managed: PoweredLab) -> None:
    assert uplink(managed, "present")
    managed.cut()
    managed.up()
    assert has(managed, NIC) == [ADDRESS]
    assert not managed.hv("ls /sys/class/net | grep br0 || true")


def cut_off(lab: PoweredLab, command: str) -> bool:
    """Whether a command that runs by itself on the hypervisor leaves it without its network for as long as it is watched."""
    lab.hv(f"systemd-run --unit=upset sh -c 'sleep 2; {command}'")
    deadline = time.monotonic() + WATCHED
    lost = 0
    while time.monotonic() < deadline:
        lost = 0 if lab.answers() else lost + 1
        time.sleep(0.5)
    return lost > 10


def test_n02_hands_off_by_a_file_would_take_the_nic_down_and_by_word_takes_nothing(
    managed: PoweredLab,
) -> None:
    if managed.network != "networkmanager":
        pytest.skip("only NetworkManager has that hold; the case runs with it")
    conf = "/run/NetworkManager/conf.d/upset.conf"
    managed.hv(
        f"mkdir -p $(dirname {conf}); printf '[keyfile]\\nunmanaged-devices=interface-name:{NIC}\\n' > {conf}"
    )
    assert cut_off(managed, "nmcli general reload conf")
    managed.cut()
    managed.up()
    assert not cut_off(managed, f"nmcli device set {NIC} managed no")
    managed.hv(
        f"nmcli device show {NIC} | grep unmanaged && ip address show {NIC} | grep {ADDRESS}/"
    )


def test_n04_an_activation_would_take_the_live_bridge_down_and_an_assumption_takes_nothing(
    managed: PoweredLab,
) -> None:
    if managed.network != "networkmanager":
        pytest.skip("only NetworkManager has profiles to activate; the case runs with it")
    managed.cut()
    managed.up()
    assert uplink(managed, "present") and managed.answers()
    assert cut_off(managed, "nmcli connection up hv-br0")
    managed.cut()
    managed.up()
    assert has(managed, NIC) == [ADDRESS]
