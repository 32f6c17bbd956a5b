# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which gateways are asked; that they are asked and answer is seen in tests/faults."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._guard.gateways import (
    Gateway,
    gateways,
    they_do_not,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.tests.harness.model import simulated


def default(dev: str, via: str, metric: int = 0) -> Route:
    return simulated.route("::/0" if ":" in via else "default", Hop(dev, via), metric=metric)


def test_the_first_default_gateway_of_each_family_behind_these_devices_is_asked() -> None:
    routes = [
        default("eth1", "10.66.0.1"),
        default("eth0", "10.77.0.1"),
        default("eth0", "10.77.0.254", 100),
    ]
    assert gateways(routes, {"eth0"}) == [Gateway("IPv4", "10.77.0.1", "eth0")]
    assert gateways(routes, {"wlan0"}) == []


def test_a_gateway_is_named_by_its_family() -> None:
    assert str(Gateway("IPv6", "fe80::1", "br0")) == "IPv6 gateway fe80::1"


def test_of_one_and_of_two_it_is_said_in_the_right_number() -> None:
    four, six = Gateway("IPv4", "10.77.0.1", "br0"), Gateway("IPv6", "fe80::1", "br0")
    assert they_do_not([four]) == ("IPv4 gateway 10.77.0.1", "does not")
    both = "IPv4 gateway 10.77.0.1 and the IPv6 gateway fe80::1"
    assert they_do_not([four, six], "answer") == (both, "do not answer")
