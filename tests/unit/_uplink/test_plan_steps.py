# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a conversion and of its way back that no triplet has: neighbours that are known, flags of addresses, a NIC that was down, leases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Managed,
    Owner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet, Layout
from ansible_collections.hypervisor.network.tests.harness.model import simulated
from ansible_collections.hypervisor.network.tests.unit._uplink.test_plan import host, line

HEARD, FIXED = 2, 0x80  # NUD_REACHABLE, NUD_PERMANENT


def carried_out(now: Inet, wish: Layout) -> Inet:
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wish):
        kernel.apply(change)
    return kernel.now


def lines(now: Inet, wish: Layout, kind: str) -> list[str]:
    return [line(change) for change in uplink_plan.plan(now, wish) if change.kind == kind]


def test_who_is_known_is_known_on_the_device_that_takes_over() -> None:
    """So no packet waits for an answer; what is permanent leaves the old device, the rest ages there."""
    now = host({"links": {"eth0": None, "eth1": None}, "addresses": {"eth0": ["10.77.0.10/24"]}})
    known = [("eth0", "10.77.0.1", HEARD), ("eth0", "10.77.0.5", FIXED), ("eth1", "10.88.0.1", HEARD)]  # fmt: skip
    now = replace(now, neighbours=tuple(simulated.neighbour(*one) for one in known))
    there = layout.bridged(now, "eth0", "br0")
    assert lines(now, there, "neighbour") == [
        "add neighbour 10.77.0.5 dev br0",
        "add neighbour 10.77.0.1 dev br0",
        "remove neighbour 10.77.0.5 dev eth0",
    ]
    done = carried_out(now, there)
    heard = [simulated.neighbour("br0", "10.77.0.8", HEARD), simulated.neighbour("eth0", "10.77.0.7", HEARD)]  # fmt: skip
    done = replace(done, neighbours=(*done.neighbours, *heard))
    assert lines(done, there, "neighbour") == [], "nothing moves any more"
    assert lines(done, layout.unbridged(done, "eth0", "br0"), "neighbour") == [
        "add neighbour 10.77.0.5 dev eth0",
        "add neighbour 10.77.0.1 dev eth0",
        "add neighbour 10.77.0.8 dev eth0",
        "remove neighbour 10.77.0.5 dev br0",
    ]


def test_an_address_is_told_as_the_kernel_will_have_it() -> None:
    """Behind one of the same network it is a secondary one, which has no route of its own and so none to be spared."""
    given = {
        "links": {"eth0": None, "br0": {"kind": "bridge"}},
        "addresses": {
            "br0": ["10.77.0.1/24"],
            "eth0": ["10.77.0.10/24", "10.77.0.11/24 secondary", "10.99.0.1/24", "fd77::10/64"],
        },
        "routes": [
            "10.77.0.0/24 dev br0 proto kernel src 10.77.0.1",
            "10.77.0.0/24 dev eth0 proto kernel src 10.77.0.10",
            "10.99.0.0/24 dev eth0 proto kernel src 10.99.0.1",
        ],
    }
    now = host(given)
    added = {
        change.payload.text: change.payload.flags
        for change in uplink_plan.plan(now, layout.bridged(now, "eth0", "br0"))
        if change.action == "add" and change.kind == "address"
    }
    secondary, without_a_route = 0x1, 0x200
    assert {text: flags & (secondary | without_a_route) for text, flags in added.items()} == {
        "10.77.0.10/24": secondary,
        "10.77.0.11/24": secondary,
        "10.99.0.1/24": 0,
        "fd77::10/64": without_a_route,
    }


def test_the_kernel_makes_a_bridges_own_link_local_address_and_nobody_else() -> None:
    given = {"eth0": ["10.77.0.10/24"], "br0": ["10.66.0.1/24", "fe80::1/64 own"]}
    before = host({"links": {"eth0": None, "br0": {"kind": "bridge"}}, "addresses": given})
    back = layout.layout_of(before, "eth0", "br0")
    own = [one for one in before.addresses if one.text.startswith("fe80:")]
    assert len(own) == 1 and own[0] in back.addresses
    left = replace(before, addresses=tuple(one for one in before.addresses if one not in own))
    assert lines(left, back, "address") == []


def test_a_nic_that_was_down_is_down_again() -> None:
    now = host({"links": {"eth0": {"up": False}}})
    there = layout.bridged(now, "eth0", "br0")
    assert lines(now, there, "link") == ["update link eth0: up False -> up True"]
    back = replace(layout.layout_of(now, "eth0", "br0"), made=there)
    assert lines(carried_out(now, there), back, "link") == [
        "update link eth0: up True -> up False (may_cut_ssh)"
    ]


@pytest.mark.parametrize(
    ("dev", "managed", "goes"),
    [("br0", True, False), ("br0", False, True), ("eth0", True, True)],
    ids=["its manager's client has it", "nobody is there whose it could be", "a port has none"],
)
def test_a_lease_that_came_meanwhile_is_its_managers_on_the_bridge_alone(
    dev: str, managed: bool, goes: bool
) -> None:
    now = host({"links": {"eth0": None}, "addresses": {"eth0": ["10.77.0.100/24"]}})
    wanted = layout.bridged(now, "eth0", "br0")
    done = carried_out(now, wanted)
    lease = replace(simulated.address(dev, "10.77.0.174/24"), flags=0)
    owner = Managed(Owner("networkd", "eth0", 2), stage="handed") if managed else None
    after = replace(done, addresses=(*done.addresses, lease), managed=owner)
    left = [str(change) for change in uplink_plan.plan(after, wanted)]
    assert left == ([f"remove address 10.77.0.174/24 dev {dev}"] if goes else [])


@pytest.mark.parametrize(
    ("nic", "wished", "given"),
    [(1400, 1500, [({"mtu": None}, {"mtu": 1500})]), (1500, 1500, []), (1500, None, [])],
    ids=["would lower it", "the same", "nobody asks"],
)
def test_a_bridge_that_may_have_its_mtu_of_its_ports_is_given_it_before_the_nic_moves_it(
    nic: int, wished: int | None, given: list[Any]
) -> None:
    now = host({"links": {"eth0": None, "br0": {"kind": "bridge", "up": True}}})
    now = replace(now, links={**now.links, "eth0": replace(now.links["eth0"], mtu=nic)})
    wish = layout.bridged(now, "eth0", "br0", mac=now.links["br0"].mac, mtu=wished)
    plan = uplink_plan.plan(now, wish)
    told = [(one.before, one.after) for one in plan if one.kind == "bridge"]
    assert told == given
    joins = [one.action for one in plan if one.kind in ("bridge", "port")]
    assert joins[-1] == "attach"
    back = layout.unbridged(now, "eth0", "br0")
    assert [one for one in uplink_plan.plan(now, back) if one.kind == "bridge"] == []


def test_what_the_kernel_has_of_a_router_comes_before_the_old_one_goes() -> None:
    """Netlink, which could put one in the other's place, makes none that the kernel takes for its own."""
    words = "default via fe80::1 dev eth0 proto ra"
    now = host({"links": {"eth0": None}, "routes": [words]})
    heard = replace(now, routes=tuple(replace(one, heard=True) for one in now.routes))
    there = "route default via fe80::1 dev br0"
    for was, expected in ((now, ["replace"]), (heard, ["add", "remove"])):
        wish = layout.bridged(was, "eth0", "br0")
        changes = [one for one in uplink_plan.plan(was, wish) if one.kind == "route"]
        assert [one.action for one in changes] == expected
        assert str((changes[0].after or {})["route"]).startswith(there[len("route ") :])
        assert changes[0].payload.heard == was.routes[0].heard
        assert lines(carried_out(was, wish), wish, "route") == []
