# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge follows its ports until it is given an MTU or MAC of its own: what it was given stays whoever joins, though it had the same already."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

LOWEST = "02:00:00:00:00:01"
TAPS = f"tuntap add tap1 mode tap\nlink set tap1 address {LOWEST} mtu 1400\n"


@pytest.fixture
def host(netns: str, target_path: str) -> Iterator[Modules]:
    batch(netns, TAPS)
    with Modules(netns, str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules:
        yield modules


def bridge_of(host: Modules) -> dict[str, Any]:
    found: dict[str, Any] = ip_json(host.netns, "link", "show", "dev", "br0")[0]
    return found


def twice(host: Modules, join: dict[str, Any], **wish: Any) -> None:
    """The bridge, a port that joins, and both again, which changes nothing."""
    host.done("linux_bridge", name="br0", guard_mode="never", **wish)
    host.done("bridge_port", name="tap1", bridge="br0", guard_mode="never", **join)
    for module, args in (("linux_bridge", {"name": "br0", **wish}), ("bridge_port", {"name": "tap1", "bridge": "br0", **join})):  # fmt: skip
        assert not host.done(module, guard_mode="never", **args)["changed"]


@pytest.mark.parametrize("mtu", [1500, 1501, 9000, 68, 65535])
def test_x30_a_new_bridge_keeps_the_mtu_that_it_was_given_when_a_smaller_port_joins(
    host: Modules, mtu: int
) -> None:
    twice(host, {}, mtu=mtu)
    assert bridge_of(host)["mtu"] == mtu
    batch(host.netns, "link set tap1 mtu 1300\nlink set tap1 nomaster\n")
    assert bridge_of(host)["mtu"] == mtu


def test_x30_a_bridge_that_was_given_no_mtu_follows_its_ports(host: Modules) -> None:
    twice(host, {}, up=True)
    assert bridge_of(host)["mtu"] == 1400


def test_x30_a_bridge_that_comes_back_follows_its_ports_as_it_did(host: Modules) -> None:
    """The undo of a deletion makes the bridge anew."""
    twice(host, {}, up=True)
    batch(host.netns, "link add br1 type bridge\n")
    gone = [{"name": name, "state": "absent", "force": True} for name in ("br0", "br1")]
    answer = host.order(
        "linux_bridge",
        {"guard_mode": "never", "bridges": gone},
        fail={"at": 2, "errno": errno.EPERM},
    )
    assert "was undone" in answer["result"]["msg"]
    assert bridge_of(host)["mtu"] == 1400
    batch(host.netns, "link set tap1 mtu 1350\n")
    assert bridge_of(host)["mtu"] == 1350


def test_x31_a_bridge_keeps_the_mac_that_it_was_given_though_it_had_it_already(
    host: Modules,
) -> None:
    batch(host.netns, "link add br0 type bridge\n")
    mac = bridge_of(host)["address"]
    seen = host.run("linux_bridge", check=True, name="br0", mac=mac)
    assert seen["changed"] and seen["changes"][0]["before"] == {"mac": None}
    assert seen["changes"][0]["risk"] == "safe"
    twice(host, {}, mac=mac)
    assert bridge_of(host)["address"] == mac != LOWEST


@pytest.mark.parametrize(("given", "left"), [({"mtu": 1500}, 1500), ({}, 1400)])
def test_x30_a_nics_bridge_keeps_the_mtu_that_it_was_given_and_follows_without(
    host: Modules, given: dict[str, Any], left: int
) -> None:
    batch(host.netns, "link add eth0 type veth peer name wire\nlink set wire up\n")
    host.done("bridge_uplink", name="eth0", bridge="br0", guard_timeout=0, **given)
    assert bridge_of(host)["mtu"] == 1500
    host.done("bridge_port", name="tap1", bridge="br0", guard_mode="never")
    assert bridge_of(host)["mtu"] == left
    again = host.done("bridge_uplink", name="eth0", bridge="br0", guard_timeout=0, **given)
    assert not again["changed"]
