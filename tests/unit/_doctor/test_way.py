# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose way is meant."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Holder
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import way
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.tests.harness.model import patient
from ansible_collections.hypervisor.network.tests.harness.model.patient import MAC, VM1


def taps(host: Any, **asked: str) -> list[str | None]:
    return [one.tap for one in way.ways(host, **asked)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["tap1", "tap2"]),
        ({"guest": "vm1"}, ["tap1"]),
        ({"mac": MAC}, ["tap1"]),
        ({"address": "192.0.2.20"}, ["tap1"]),
        ({"bridge": "br0"}, ["tap1", "tap2"]),
        ({"bridge": "br1"}, []),
        ({"mac": patient.ROUTER_MAC}, ["eth0"]),
    ],
)
def test_a_way_is_found_by_its_guest_its_mac_its_address_or_its_bridge(
    asked: dict[str, str], found: list[str]
) -> None:
    heard = (Neighbour("br0", "192.0.2.20", 2, MAC, 2),)
    assert taps(patient.host(neighbours=heard), **asked) == found


def test_a_guest_whose_tap_is_gone_is_on_the_bridge_that_it_should_be_on() -> None:
    assert taps(patient.host(tap1=None), bridge="br0") == ["tap1", "tap2"]


def test_a_strangers_guest_is_known_by_the_tap_that_it_holds() -> None:
    host = patient.host(guests=[VM1], holders={"tap2": Holder(9, "theirs")})
    (found,) = way.ways(host, guest="theirs")
    assert (found.tap, found.mac, found.guest) == ("tap2", patient.OTHER_MAC, None)


def test_a_strangers_tap_that_is_down_has_a_way_too() -> None:
    host = patient.host(guests=[VM1], tap2={"flags": 0})
    assert taps(host) == ["tap1", "tap2"]


def test_a_tap_that_nobody_holds_or_that_is_in_no_bridge_is_nobodys_way() -> None:
    assert taps(patient.host(guests=[], tap2={"port": None}, holders={"tap2": Holder(9)})) == []
    silent = patient.host(guests=[], fdb=(), holders={"tap1": Holder(9)})
    assert [one.mac for one in way.ways(silent)] == [None]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"guest": "vm9"}, "There is no guest 'vm9' on this host"),
        ({"guest": "bare"}, "bare has no network card"),
        ({"mac": "52:00:00:00:00:99"}, "No guest of this host has the MAC 52:00:00:00:00:99"),
        ({"address": "192.0.2.99"}, "has not heard who has 192.0.2.99"),
        ({"bridge": "eth0"}, "eth0 is no bridge"),
        ({"bridge": "br9"}, "br9 is no bridge"),
    ],
)
def test_what_nobody_here_knows_is_refused(asked: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        way.ways(patient.host(guests=[VM1, Guest("bare", "running")]), **asked)
