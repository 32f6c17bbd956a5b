# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connected routes are told again, and stand as before: what a listener hears, and what the kernel has."""

from __future__ import annotations

import select
import subprocess
import time

from ansible_collections.hypervisor.network.plugins.module_utils._managers import connected
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.tests.harness.net.netns import inside
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

LAST = "10.66.0.0/24"
_PATIENCE = 10.0


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def _nic(name: str, *addresses: str) -> None:
    _ip("link", "add", name, "type", "bridge")
    # an address that the kernel makes comes when it likes, and its routes with it
    _ip("link", "set", name, "addrgenmode", "none", "up")
    for one in addresses:
        _ip("address", "add", one, "dev", name, *(["nodad"] if ":" in one else []))
        # a worker of the kernel's makes that of IPv6 when it has the time
        _until_it_stands(f"local {one.partition('/')[0]} dev {name} ")


def _until_it_stands(route: str) -> None:
    wait_for(lambda: route in _stands(), route)


def _stands() -> str:
    return _ip("route", "show", "table", "all") + _ip("-6", "route", "show", "table", "all")


def _told(dev: str) -> list[str]:
    """The routes of a device that a listener hears of, while all stand as before."""
    with subprocess.Popen(["ip", "monitor", "route"], stdout=subprocess.PIPE, text=True) as heard:
        try:
            assert heard.stdout is not None
            deadline = time.monotonic() + _PATIENCE
            # it listens when it hears something
            while time.monotonic() < deadline:
                _ip("route", "replace", LAST, "dev", "lo")
                _ip("route", "del", LAST, "dev", "lo")
                if select.select([heard.stdout], [], [], 0.1)[0]:
                    if LAST in heard.stdout.readline():
                        break
            before = _stands()
            connected.tell(Netlink(), dev)
            assert set(_stands().splitlines()) ^ set(before.splitlines()) == set()
            _ip("route", "add", "10.67.0.0/24", "dev", "lo")
            lines = []
            for line in heard.stdout:
                if "10.67.0.0/24" in line:
                    break
                lines.append(line.strip())
        finally:
            heard.kill()
    # the kernel's own word on an address may come late
    said = [line for line in lines if LAST not in line and not line.startswith(("local", "fe80"))]
    assert "Deleted" not in " ".join(said)
    return said


def _two_families() -> list[str]:
    _ip("link", "set", "lo", "up")
    _nic("eth0", "10.77.0.11/24", "192.168.99.12/24", "fd77::12/64")
    _nic("eth1", "10.78.0.11/24")
    _ip("route", "add", "10.9.0.0/24", "via", "10.77.0.1")
    return _told("eth0")


def _two_nics_of_one_network() -> list[str]:
    _ip("link", "set", "lo", "up")
    _nic("eth1", "10.77.0.12/24", "fd77::13/64")
    _nic("eth0", "10.77.0.11/24", "fd77::12/64")
    return _told("eth0")


def _none_at_all() -> list[str]:
    _ip("link", "set", "lo", "up")
    return _told("lo")


def test_a_listener_hears_of_each_connected_route_and_all_stand_as_before(netns: str) -> None:
    said = inside(netns, _two_families)
    for network in ("10.77.0.0/24", "192.168.99.0/24", "fd77::/64"):
        told = [line for line in said if line.startswith(f"{network} dev eth0")]
        assert "proto kernel" in told[-1]
    assert not [line for line in said if "eth1" in line or "10.9.0.0" in line]


def test_another_nics_route_to_the_same_network_is_not_replaced(netns: str) -> None:
    assert inside(netns, _two_nics_of_one_network) == []


def test_a_device_without_addresses_has_nothing_to_tell(netns: str) -> None:
    assert inside(netns, _none_at_all) == []
