# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manager removes as foreign is put back: seen with the kernel itself."""

from __future__ import annotations

import json
import subprocess

from ansible_collections.hypervisor.network.plugins.module_utils._managers import foreign
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.tests.harness.net.netns import inside


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def _lost_and_put_back() -> tuple[list[str], list[str]]:
    """In a namespace: the routes and rules that stand after a manager has taken three of them away, and added one as its own."""
    _ip("link", "set", "lo", "up")
    _ip("link", "add", "eth0", "up", "type", "bridge")
    _ip("address", "add", "10.77.0.11/24", "dev", "eth0")
    _ip("route", "add", "10.9.0.0/24", "via", "10.77.0.1")
    _ip("route", "add", "10.8.0.0/24", "via", "10.77.0.1", "proto", "dhcp")
    _ip("rule", "add", "from", "10.5.0.0/16", "table", "100")
    _ip("rule", "add", "from", "10.6.0.0/16", "table", "100", "priority", "7")
    with foreign.kept(Netlink()):
        _ip("route", "delete", "10.9.0.0/24")
        _ip("route", "delete", "10.8.0.0/24")
        _ip("rule", "delete", "from", "10.5.0.0/16")
        _ip("rule", "delete", "from", "10.6.0.0/16")
        _ip(
            "rule", "add", "from", "10.6.0.0/16", "table", "100", "priority", "7", "proto", "static"
        )
    routes = [one["dst"] for one in json.loads(_ip("-j", "route"))]
    rules = [f"{one['src']} {one.get('srclen', '')}" for one in json.loads(_ip("-j", "rule"))]
    return sorted(routes), sorted(rules)


def _with_its_device() -> list[str]:
    _ip("link", "add", "eth0", "up", "type", "bridge")
    _ip("address", "add", "10.77.0.11/24", "dev", "eth0")
    _ip("route", "add", "10.9.0.0/24", "via", "10.77.0.1")
    _ip("link", "add", "eth1", "up", "type", "bridge")
    _ip("address", "add", "10.78.0.11/24", "dev", "eth1")
    _ip("route", "add", "10.10.0.0/24", "via", "10.78.0.1")
    with foreign.kept(Netlink()):
        _ip("link", "delete", "eth0")
        _ip("address", "flush", "dev", "eth1")  # so that the gateway of its route can't be reached
    return [one["dst"] for one in json.loads(_ip("-j", "route"))]


def test_what_was_added_by_hand_is_there_again_and_what_was_learned_is_not(netns: str) -> None:
    routes, rules = inside(netns, _lost_and_put_back)
    assert routes == ["10.77.0.0/24", "10.9.0.0/24"]
    assert rules == ["10.5.0.0 16", "10.6.0.0 16", "all ", "all ", "all "]


def test_what_went_with_its_device_or_its_gateway_is_gone(netns: str) -> None:
    assert inside(netns, _with_its_device) == []
