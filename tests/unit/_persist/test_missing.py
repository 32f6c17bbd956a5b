# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is gone after a manager has read its files, and what of that comes again by itself."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address
from ansible_collections.hypervisor.network.plugins.module_utils._persist.missing import missing
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH, standing

NOW = standing()
BOOT, STATIC, RA, DHCP = 3, 4, 9, 16
ROUTER, OTHER = Hop("br0", "fe80::1"), Hop("br0", "fe80::2")
DEFAULT = Route(socket.AF_INET6, "default", 254, 1024, 0, 1, 0, RA, (ROUTER,))


def gone(before: object, after: object) -> list[tuple[str, bool]]:
    return [(str(one), one.given) for one in missing(before, after, WISH.names)]


def test_nothing_is_missing_where_nothing_changed() -> None:
    assert gone(NOW, NOW) == []


def test_a_port_that_is_loose_and_a_device_that_is_gone() -> None:
    loose = {**NOW.links, "tap1": replace(NOW.links["tap1"], master=None)}
    assert gone(NOW, replace(NOW, links=loose)) == [("tap1 from br0", False)]
    less = {name: one for name, one in NOW.links.items() if name != "eth0"}
    assert gone(NOW, replace(NOW, links=less)) == [("eth0 from br0", False)]


@pytest.mark.parametrize(("flags", "given"), [(0x80, False), (0, True)])
def test_an_address_of_its_own_and_one_that_a_server_gave(flags: int, given: bool) -> None:
    before = replace(NOW, addresses=(Address("br0", "fd77::11/128", socket.AF_INET6, flags=flags),))
    assert gone(before, replace(NOW, addresses=())) == [("fd77::11/128 from br0", given)]


@pytest.mark.parametrize(("protocol", "given"), [(BOOT, False), (STATIC, False), (RA, True), (DHCP, True)])  # fmt: skip
def test_a_route_by_whoever_made_it(protocol: int, given: bool) -> None:
    route = replace(DEFAULT, protocol=protocol)
    assert gone(replace(NOW, routes=(route,)), replace(NOW, routes=())) == [
        (f"the route {route}", given)
    ]


def test_a_routers_way_is_any_way_to_the_same_place() -> None:
    """Seen: beside a static default of the same metric networkd takes the advertised one away, and makes it again."""
    static = replace(DEFAULT, protocol=STATIC, hops=(OTHER,))
    assert gone(replace(NOW, routes=(DEFAULT, static)), replace(NOW, routes=(static,))) == []
    assert gone(replace(NOW, routes=(static,)), replace(NOW, routes=(DEFAULT,))) == [
        (f"the route {static}", False)
    ]


def test_what_the_kernel_makes_with_a_device_and_what_is_anothers() -> None:
    local = replace(DEFAULT, dst="fe80::/64", protocol=2)
    others = replace(DEFAULT, hops=(Hop("eth9", "fe80::1"),))
    assert gone(replace(NOW, routes=(local, others)), replace(NOW, routes=())) == []


def test_the_metric_of_a_network_that_is_on_the_link_is_the_managers() -> None:
    """Seen: networkd 252 gives an address that it takes over no metric."""
    link = replace(DEFAULT, dst="10.77.0.0/24", protocol=2, hops=(Hop("br0", None),), metric=100)
    before = replace(NOW, routes=(link,))
    assert gone(before, replace(NOW, routes=(replace(link, metric=0),))) == []
    assert gone(before, replace(NOW, routes=())) == [(f"the route {link}", False)]
