# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group A: input that can't be meant."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch

NAMES = ["a-name-of-16-byt", "%d", "-x", ".", "..", "a/b", "br0\n", "br:0", "", "brücke"]


def test_a01_a02_names_that_are_no_device_names_are_refused(refused):
    with lan(echo=False) as made:
        for number, name in enumerate(NAMES):
            refused(made.host, **{"name" if number % 2 else "bridge": name})


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.999/24",
        "10.0.0.1/33",
        "0.0.0.0/0",
        "224.0.0.1/24",
        "10.0.0.0/24",
        "10.0.0.255/24",
        "ff02::1/64",
        "::/0",
    ],
)
def test_a03_an_address_that_no_host_may_have_is_never_written(run_module, tmp_path, address):
    path = tmp_path / "interfaces"
    path.write_text("auto lo\niface lo inet loopback\n", encoding="ascii")
    before = path.read_bytes()
    wish = {
        "path": str(path),
        "name": "br0",
        "family": "inet6" if ":" in address else "inet",
        "method": "static",
        "options": {"address": address},
    }
    for check in (True, False):
        result = run_module("interfaces_stanza", wish, check=check)
        assert result["failed"] and address in result["msg"] and "\n" not in result["msg"], result
        assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a04_a_gateway_in_none_of_the_hosts_networks_is_refused(tmp_path):
    item = {
        "name": "br0",
        "uplink": "eth0",
        "method": "static",
        "address": "10.77.0.10/24",
        "gateway": "192.168.7.1",
    }
    with lan(echo=False) as made:
        host = Host(made, tmp_path, str(PYTHONS["pyroute2-0.9.7"]))
        before, disk = settled(made.host), host.disk()
        message = host.role({"bridge_host_bridges": [item]}).message
        assert (
            "\n" not in message
            and "gateway 192.168.7.1 is in none of its networks (10.77.0.0/24)" in message
        )
        assert differences(before, settled(made.host)) == [] and host.disk() == disk


@pytest.mark.parametrize(
    ("nic", "words"),
    [
        ("br0", ["br0"]),
        ("br1", ["br1", "bridge"]),
        ("lo", ["lo", "loopback"]),
        ("tap1", ["tap1"]),
        ("eth9", ["eth9", "eth0"]),
    ],
)
def test_a05_what_can_be_no_uplink_is_refused(refused, nic, words):
    with lan(echo=False) as made:
        batch(
            made.host,
            "link add br0 type bridge\nlink add br1 type bridge\ntuntap add tap1 mode tap\n",
        )
        refused(made.host, *words, name=nic)


def test_a05_a_port_of_another_bridge_is_refused_and_stays_there(refused):
    with lan(echo=False) as made:
        batch(made.host, "link add br1 type bridge\nlink set eth0 master br1\n")
        refused(made.host, "eth0", "br1")


def test_a05_a_bridge_name_taken_by_another_kind_is_refused(refused):
    with lan(echo=False) as made:
        batch(made.host, "tuntap add br0 mode tap\n")
        refused(made.host, "br0", "tun")
