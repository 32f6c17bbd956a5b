# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have added in the window stays, or goes where it works: on a kernel in a few lines, from any step of a conversion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.others import (
    Others,
    with_others,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated
from ansible_collections.hypervisor.network.tests.harness.model.simulated import DEFAULTS, Kernel

MAC = "52:54:00:00:00:10"


def host(bridge: str | None = None) -> Inet:
    """eth0 with two addresses and a default route, and a bridge of its own network where one is asked for."""
    sysctls = {key.format(dev): value for key, value in DEFAULTS.items() for dev in ("eth0", "br0")}
    kernel = Kernel(Inet({"eth0": Link("eth0", 2, "", 1, MAC)}, sysctls=sysctls))
    if bridge:
        after = {"mac": "02:00:00:00:00:01", "mtu": 1500, "up": True}
        kernel.apply(Change("create", "bridge", "br0", None, after))
        add(kernel, simulated.address("br0", bridge, flags=0x80))
    for text in ("10.77.0.10/24", "10.77.0.11/24", "fd77::10/64"):
        add(kernel, simulated.address("eth0", text, flags=0x80))
    kernel.apply(
        Change("add", "route", "", payload=simulated.route("default", Hop("eth0", "10.77.0.1")))
    )
    return kernel.now


def add(kernel: Kernel, thing: Any, kind: str = "address") -> None:
    kernel.apply(Change("add", kind, "", payload=thing))


def converted(start: Inet, steps: int | None = None) -> tuple[Kernel, Any]:
    """The host after so many steps of a conversion, and the layout to go back to."""
    goal = layout.bridged(start, "eth0", "br0")
    kernel = Kernel(start)
    for change in uplink_plan.plan(start, goal)[:steps]:
        kernel.apply(change)
    return kernel, replace(layout.layout_of(start, "eth0", "br0"), made=goal)


def gone_back(kernel: Kernel, wish: Any) -> list[Change]:
    plan = uplink_plan.plan(kernel.now, wish)
    for change in plan:
        verb = change.action.replace("keep", "replace" if change.before else "add")
        kernel.apply(replace(change, action=verb))
    assert uplink_plan.plan(kernel.now, wish) == []
    return plan


def texts(now: Inet, dev: str) -> list[str]:
    return [one.text for one in now.addresses if one.dev == dev and not layout.link_local(one, now)]


@pytest.mark.parametrize("dev", ["eth0", "br0"])
def test_addresses_come_behind_those_that_were_there(dev: str) -> None:
    kernel, wish = converted(host())
    for text in ("10.77.0.50/24", "10.99.0.5/24", "fd77::50/64"):
        add(kernel, simulated.address(dev, text, flags=0x80))
    plan = gone_back(kernel, wish)
    four = [one for one in texts(kernel.now, "eth0") if "." in one]
    assert four[0] == "10.77.0.10/24" and four.index("10.77.0.11/24") < four.index("10.77.0.50/24")
    assert {"10.99.0.5/24", "fd77::50/64"} <= set(texts(kernel.now, "eth0"))
    assert {one.action for one in plan if "10.99.0.5" in one.name} >= {"keep"}
    assert any(one.dst == "10.99.0.0/24" and one.devs == {"eth0"} for one in kernel.now.routes)


def test_routes_rules_and_neighbours_of_a_bridge_that_goes_are_the_nics() -> None:
    kernel, wish = converted(host())
    for gateway, dst in (
        ("10.77.0.9", "10.5.0.0/16"),
        (None, "10.6.0.0/16"),
        ("fd77::9", "fd55::/48"),
    ):
        add(kernel, simulated.route(dst, Hop("br0", gateway)), "route")
    add(kernel, simulated.rule(iif="br0"), "rule")
    add(kernel, simulated.neighbour("br0", "10.77.0.5"), "neighbour")
    gone_back(kernel, wish)
    found = {one.dst: one.devs for one in kernel.now.routes}
    assert found["10.5.0.0/16"] == found["10.6.0.0/16"] == found["fd55::/48"] == {"eth0"}
    assert [one.iif for one in kernel.now.rules] == ["eth0"]
    assert [one.dev for one in kernel.now.neighbours] == ["eth0"]


def test_a_bridge_that_stays_keeps_what_belongs_to_its_network() -> None:
    kernel, wish = converted(host("10.66.0.1/24"))
    add(kernel, simulated.address("br0", "10.66.0.9/24", flags=0x80))
    add(kernel, simulated.address("br0", "10.77.0.50/24", flags=0x80))
    add(kernel, simulated.route("10.5.0.0/16", Hop("br0", "10.66.0.2")), "route")
    add(kernel, simulated.route("10.6.0.0/16", Hop("br0", "10.77.0.2")), "route")
    add(kernel, simulated.neighbour("br0", "10.66.0.5"), "neighbour")
    gone_back(kernel, wish)
    assert texts(kernel.now, "br0") == ["10.66.0.1/24", "10.66.0.9/24"]
    assert "10.77.0.50/24" in texts(kernel.now, "eth0")
    found = {one.dst: one.devs for one in kernel.now.routes}
    assert (found["10.5.0.0/16"], found["10.6.0.0/16"]) == ({"br0"}, {"eth0"})
    assert [one.dev for one in kernel.now.neighbours] == ["br0"]


def test_a_bridge_that_somebody_elses_port_is_on_stays() -> None:
    kernel, wish = converted(host())
    kernel.links["tap1"] = Link("tap1", 9, "tun", 1, "02:00:00:00:00:01", master="br0", port={})
    gone_back(kernel, wish)
    assert "br0" in kernel.links and texts(kernel.now, "br0") == []
    assert texts(kernel.now, "eth0")[:2] == ["10.77.0.10/24", "10.77.0.11/24"]


def test_what_the_kernel_and_a_lease_bring_is_nobodys() -> None:
    kernel, wish = converted(host())
    advertised = simulated.address("br0", "fd88::5/64", origin=2)
    add(kernel, advertised)
    add(kernel, simulated.route("fd99::/48", Hop("br0", "fe80::1"), protocol=9), "route")
    gone_back(kernel, wish)
    assert "fd88::5/64" not in {one.text for one in kernel.now.addresses}
    assert "fd99::/48" not in {one.dst for one in kernel.now.routes}


@pytest.mark.parametrize("gateway", ["10.77.0.1", "fd77::1"])
def test_a_gateway_that_ifup_calls_onlink_is_the_hosts_own(gateway: str) -> None:
    start = Kernel(host())
    own = simulated.route("default", Hop("eth0", gateway))
    add(start, own, "route")
    before = [one for one in start.now.routes if not one.connected]
    kernel, wish = converted(start.now)
    gone = simulated.route("default", Hop("br0", gateway))
    kernel.apply(Change("remove", "route", "", payload=gone))
    add(kernel, replace(own, hops=(Hop("eth0", gateway, onlink=True),)), "route")
    gone_back(kernel, wish)
    assert [one for one in kernel.now.routes if not one.connected] == before


@pytest.mark.parametrize("steps", range(0, 14, 2))
def test_an_address_that_came_on_the_way_is_there_after_it(steps: int) -> None:
    kernel, wish = converted(host(), steps)
    add(kernel, simulated.address("eth0", "10.77.0.50/24", flags=0x80))
    gone_back(kernel, wish)
    four = [one for one in texts(kernel.now, "eth0") if "." in one]
    assert four == ["10.77.0.10/24", "10.77.0.11/24", "10.77.0.50/24"]


def test_without_a_conversion_nothing_belongs_to_others() -> None:
    wish = layout.layout_of(host(), "eth0", "br0")
    assert with_others(host(), wish) == (wish, Others())
