# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of an uplink, as golden triplets: current.yml + desired.yml -> changes.yml.

C(current.yml) is a host in iproute2's words: links by name, addresses by device in the kernel's order, routes, rules, permanent neighbours,
sysctls that are not as they come, and DHCP clients. C(desired.yml) has what a user types; C(layout: before) instead of it asks for the way back to
C(before.yml). C(changes.yml) has a line for each change, in order. What is right is for people to say: nothing here writes
these files.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Managed,
    Owner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet, Layout
from ansible_collections.hypervisor.network.tests.harness.model import simulated
from ansible_collections.hypervisor.network.tests.harness.model.triplets import FIXTURES, load

CASES = FIXTURES / "uplink"
PROTOCOLS = {"kernel": 2, "boot": 3, "static": 4, "ra": 9, "dhcp": 16}
MAC = "52:54:00:00:00:10"


def host(given: dict[str, Any]) -> Inet:
    links = {}
    for index, (name, fields) in enumerate(given["links"].items(), 2):
        words = dict(fields or {})
        master = words.get("master")
        flags, mac, port = int(words.get("up", True)), words.get("mac", MAC), {} if master else None
        links[name] = Link(name, index, words.get("kind", ""), flags, mac, master=master, port=port)
    addresses = [
        address(dev, text) for dev, texts in given.get("addresses", {}).items() for text in texts
    ]
    sysctls = {
        pattern.format(dev): value
        for pattern, value in simulated.DEFAULTS.items()
        for dev in (*links, "br0")
    }
    sysctls.update({key: str(value) for key, value in given.get("sysctls", {}).items()})
    neighbours = [
        simulated.neighbour(*reversed(text.split(" dev "))) for text in given.get("neighbours", [])
    ]
    clients = [Client(dev, "dhclient", ("dhclient", dev), 100) for dev in given.get("clients", [])]
    rules = [simulated.rule(**dict([text.split()])) for text in given.get("rules", [])]
    routes = [route(text) for text in given.get("routes", [])]
    return Inet(
        links,
        tuple(addresses),
        {},
        {},
        {},
        tuple(routes),
        tuple(rules),
        tuple(neighbours),
        sysctls,
        tuple(clients),
    )


def address(dev: str, text: str) -> Any:
    """An address in C(ip address)'s words: "10.0.0.1/24 secondary", "10.0.0.1/32 peer 10.0.0.2", "fe80::1/64 own"."""
    local, *words = text.split()
    if "own" in words:
        return simulated.link_local(dev, MAC)
    flags = sum(bit for word, bit in (("secondary", 1), ("noprefixroute", 0x200)) if word in words)
    peer = words[words.index("peer") + 1] if "peer" in words else None
    return simulated.address(
        dev, local, peer, flags=flags | 0x80, scope=253 if local.startswith("fe80:") else 0
    )


def route(text: str) -> Route:
    """A route in C(ip route)'s words."""
    dst, *words = text.split()
    given = dict(zip(words[::2], words[1::2]))
    return simulated.route(
        dst, Hop(given["dev"], given.get("via")), metric=int(given["metric"]) if "metric" in given else None, table=int(given.get("table", 254)),
        src=given.get("src"), protocol=PROTOCOLS[given.get("proto", "boot")],
    )  # fmt: skip


def wish(case: Path, now: Inet) -> Layout:
    desired = load(case, "desired")
    if desired.get("layout") == "before":
        return layout.layout_of(host(load(case, "before")), desired["name"], desired["bridge"])
    shape = layout.unbridged if desired.get("state") == "absent" else layout.bridged
    return shape(now, desired["name"], desired["bridge"])


def line(change: Change) -> str:
    """A change as a line: what it is, from what to what, and what it may cost."""
    sides = [
        ", ".join(f"{key} {value}" for key, value in side.items())
        for side in (change.before, change.after)
        if side is not None
    ]
    said = str(change) + (
        "" if change.kind in ("address", "neighbour", "rule", "dhcp") else ": " + " -> ".join(sides)
    )
    return said + ("" if change.risk == "safe" else f" ({change.risk})")


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_current_and_desired_give_exactly_these_changes(case: Path) -> None:
    now = host(load(case, "current"))
    plan = uplink_plan.plan(now, wish(case, now))
    assert [line(change) for change in plan] == (load(case, "changes") or [])


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: Path) -> None:
    now = host(load(case, "current"))
    wanted = wish(case, now)
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    assert uplink_plan.plan(kernel.now, wanted) == []


def test_an_uplink_that_comes_back_into_its_bridge_has_its_options_and_vlans_again() -> None:
    vlans = {"1": "pvid untagged", "10": "tagged", "20": "tagged"}
    options = {"isolated": False, "cost": 4}
    nic = Link("eth0", 9, "", 0x10001, master="br0", port=options, vlans=vlans)
    bridge = Link("br0", 1, "bridge", 1, vlans={"1": "pvid untagged"})
    before = Inet({"br0": bridge, "eth0": nic}, (simulated.address("br0", "192.0.2.1/24"),))
    left = {"br0": bridge, "eth0": replace(nic, master=None, port=None, vlans=None)}
    back = uplink_plan.plan(replace(before, links=left), layout.layout_of(before, "eth0", "br0"))
    assert [(change.action, change.after) for change in back] == [
        (
            "attach",
            {"bridge": "br0", **options, "vlans": vlans},
        )
    ]


OWN = {"10": "pvid untagged", "20": "tagged"}


def filtering(default: int) -> Inet:
    """A host, and a bridge that keeps VLANs apart and is in those of the host."""
    given = {
        "links": {"eth0": None, "br0": {"kind": "bridge"}},
        "addresses": {"eth0": ["192.0.2.10/24"]},
        "routes": ["192.0.2.0/24 dev eth0 proto kernel src 192.0.2.10", "default via 192.0.2.1 dev eth0"],
    }  # fmt: skip
    now = host(given)
    options = {"vlan_filtering": True, "vlan_default_pvid": default}
    bridge = replace(now.links["br0"], options=options, vlans=OWN)
    return replace(now, links={**now.links, "br0": bridge})


@pytest.mark.parametrize("default", [0, 1, 10])
def test_a_nic_gets_the_hosts_vlans_as_it_joins_and_before_anything_leaves_by_the_bridge(
    default: int,
) -> None:
    now = filtering(default)
    wanted = layout.bridged(now, "eth0", "br0")
    changes = uplink_plan.plan(now, wanted)
    (joins,) = [one for one in changes if one.kind == "port"]
    begins = {str(default): "pvid untagged"} if default else {}
    # what the kernel gives is known, so that only the rest is told to it: no moment longer than that is silent
    assert (joins.after, joins.payload) == ({"bridge": "br0", "vlans": OWN}, begins)
    moves = [number for number, one in enumerate(changes) if one.kind == "route"]
    assert changes.index(joins) < min(moves)
    kernel = simulated.Kernel(now)
    for change in changes:
        kernel.apply(change)
    assert kernel.now.links["eth0"].vlans == OWN
    assert uplink_plan.plan(kernel.now, wanted) == []
    assert uplink_plan.plan(kernel.now, layout.bridged(kernel.now, "eth0", "br0")) == []
    back = replace(layout.layout_of(now, "eth0", "br0"), made=wanted)
    for change in uplink_plan.plan(kernel.now, back):
        kernel.apply(change)
    assert kernel.now.links["eth0"].vlans is None and kernel.now.links["eth0"].master is None
    assert kernel.now.links["br0"].vlans == OWN


def test_a_nic_that_joined_and_did_not_get_its_vlans_is_given_them() -> None:
    now = filtering(0)
    wanted = layout.bridged(now, "eth0", "br0")
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    nic = replace(kernel.now.links["eth0"], vlans={"20": "tagged"})
    left = replace(kernel.now, links={**kernel.now.links, "eth0": nic})
    (given,) = uplink_plan.plan(left, wanted)
    assert (given.action, given.kind, given.risk) == ("update", "port", "may_cut_ssh")
    assert (given.before, given.after) == ({"vlans": {"20": "tagged"}}, {"vlans": OWN})


def test_the_way_back_leaves_a_port_the_vlans_that_it_has_by_then() -> None:
    now = filtering(0)
    port = replace(now.links["eth0"], master="br0", port={}, vlans=OWN)
    now = replace(now, links={**now.links, "eth0": port}, addresses=(), routes=())
    wanted = layout.bridged(now, "eth0", "br0", mtu=1400)
    back = replace(layout.layout_of(now, "eth0", "br0"), made=wanted)
    more = replace(port, vlans={**OWN, "30": "tagged"})
    changes = uplink_plan.plan(replace(now, links={**now.links, "eth0": more}), back)
    assert [one for one in changes if one.kind == "port"] == []


@pytest.mark.parametrize(
    ("stage", "back", "left"),
    [("handed", False, []), ("own", True, []), ("held", False, ["route", "route"]), ("held", True, ["route", "route"])],
)  # fmt: skip
def test_the_metric_of_a_network_on_the_link_is_its_managers_once_it_has_the_address(
    stage: str, back: bool, left: list[str]
) -> None:
    """Seen: networkd 252 gives an address that it takes over no metric, and so the kernel its route; on the way back it gives it its own again."""
    given = {
        "links": {"eth0": None},
        "addresses": {"eth0": ["10.77.0.100/24"]},
        "routes": ["10.77.0.0/24 dev eth0 metric 100 proto kernel src 10.77.0.100"],
    }
    now = host(given)
    wanted = layout.bridged(now, "eth0", "br0")
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    if back:
        wanted = layout.unbridged(kernel.now, "eth0", "br0")
        for change in uplink_plan.plan(kernel.now, wanted):
            kernel.apply(change)
    taken = tuple(replace(one, metric=0) for one in kernel.now.routes)
    managed = Managed(Owner("networkd", "eth0", 2), stage=stage)
    after = replace(kernel.now, routes=taken, managed=managed)
    assert [change.kind for change in uplink_plan.plan(after, wanted)] == left


def _converted_and_told(*routes: str, managed: bool = True, flags: int = 0) -> list[str]:
    """What is left to plan of a conversion when the bridge was told routes and one address meanwhile."""
    now = host({"links": {"eth0": None}, "addresses": {"eth0": ["10.77.0.100/24"]}})
    wanted = layout.bridged(now, "eth0", "br0")
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    told = replace(simulated.address("br0", "fd77::174/128"), flags=flags)
    after = replace(
        kernel.now,
        routes=(*kernel.now.routes, *(route(one) for one in routes)),
        addresses=(*kernel.now.addresses, told) if managed else kernel.now.addresses,
        managed=Managed(Owner("networkd", "eth0", 2), stage="handed") if managed else None,
    )
    return [str(change) for change in uplink_plan.plan(after, wanted)]


def test_what_a_router_and_a_server_tell_meanwhile_is_no_difference() -> None:
    """Seen on a host that had just booted: the advertisement came after the first look, and the conversion was undone."""
    default = "default via fe80::1 dev br0 metric 100 proto ra"
    assert _converted_and_told(default) == [] == _converted_and_told(default, managed=False)


def test_a_routers_way_beside_the_hosts_own_is_learned_again_and_not_given() -> None:
    """The kernel would make one route of two by netlink, and nobody could tell them apart: seen with a static default route of the same metric."""
    now = host(load(CASES / "a-routers-way-beside-the-hosts-own", "current"))
    wanted = layout.bridged(now, "eth0", "br0")
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    again = (route(f"default via fe80::{one} dev br0 metric 1024 proto ra") for one in (1, 2))
    heard = replace(kernel.now, routes=(*kernel.now.routes, *again))
    assert uplink_plan.plan(heard, wanted) == []
    assert uplink_plan.plan(heard, layout.bridged(heard, "eth0", "br0")) == []
    for change in uplink_plan.plan(heard, layout.unbridged(heard, "eth0", "br0")):
        kernel.apply(change)
    defaults = [str(one) for one in kernel.now.routes if one.dst == "default"]
    assert defaults == ["default via fd77::1 dev eth0 metric 1024"]


def test_what_a_router_tells_a_port_and_what_somebody_adds_is_taken_away() -> None:
    default = "default via fe80::1 dev eth0 metric 100 proto ra"
    assert _converted_and_told(default) == ["remove route inet6 default"]
    (left,) = _converted_and_told(flags=0x80)
    assert left == "remove address fd77::174/128 dev br0"


def test_two_addresses_in_one_network_keep_a_route_each() -> None:
    """NetworkManager makes one for each, with the address as source: the second was not moved, NetworkManager made it again, and the conversion was undone."""
    now = host(
        {
            "links": {"eth0": None},
            "addresses": {"eth0": ["10.77.0.20/24 noprefixroute", "10.77.0.21/24 noprefixroute secondary"]},
            "routes": [
                f"10.77.0.0/24 dev eth0 metric 100 proto kernel src 10.77.0.{last}" for last in (20, 21)
            ],
        }
    )  # fmt: skip
    for wanted, dev in (
        (layout.bridged(now, "eth0", "br0"), "br0"),
        (None, "eth0"),
    ):
        wanted = wanted or layout.unbridged(now, "eth0", "br0")
        kernel = simulated.Kernel(now)
        for change in uplink_plan.plan(now, wanted):
            kernel.apply(change)
        now = kernel.now
        own = [one.src for one in now.routes if one.devs == {dev} and one.dst == "10.77.0.0/24"]
        assert own == ["10.77.0.20", "10.77.0.21"]
        assert uplink_plan.plan(now, wanted) == []


def without_the_nic(
    *more: Link,
    before: dict[str, Any] | None = None,
    made: bool = True,
    gone: bool = False,
    **bridge: Any,
) -> list[str]:
    """The way back of a conversion whose NIC is gone by then; C(more) is there too, and C(bridge) is what of br0 is otherwise."""
    links = {"eth0": None, **(before or {})}
    now = host({"links": links, "addresses": {"eth0": ["10.77.0.100/24"]}})
    wanted = layout.bridged(now, "eth0", "br0")
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    left = {name: link for name, link in kernel.now.links.items() if name != "eth0"}
    left["br0"] = replace(left["br0"], **bridge)
    if gone:
        del left["br0"]
    left.update({link.name: link for link in more})
    back = replace(layout.layout_of(now, "eth0", "br0"), made=wanted if made else None)
    plan = uplink_plan.without_the_nic(replace(kernel.now, links=left), back)
    return [f"{change} ({change.risk})" for change in plan]


def test_where_the_nic_is_gone_only_the_bridge_that_was_made_for_it_goes() -> None:
    assert without_the_nic() == ["delete bridge br0 (interrupts)"]


@pytest.mark.parametrize(
    "given",
    [
        {"before": {"br0": {"kind": "bridge"}}},
        {"made": False},
        {"mac": "02:00:00:00:00:99"},
        {"kind": "dummy"},
        {"gone": True},
    ],
    ids=["there before", "not made", "another by that name", "no bridge by that name", "gone too"],
)
def test_a_bridge_that_was_not_made_for_a_nic_stays_where_that_is_gone(given: Any) -> None:
    assert without_the_nic(**given) == []


def test_a_bridge_that_somebody_else_is_on_stays_where_its_nic_is_gone() -> None:
    tap = Link("tap1", 9, "tun", 1, master="br0", port={})
    assert without_the_nic(tap) == []


def test_what_somebody_added_meanwhile_comes_back_behind_what_was_there_and_is_called_kept() -> (
    None
):
    now = host({"links": {"eth0": None}, "addresses": {"eth0": ["10.77.0.10/24"]}})
    wanted = layout.bridged(now, "eth0", "br0")
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    for dev, text in (("eth0", "10.77.0.50/24"), ("br0", "10.99.0.5/24")):
        theirs = simulated.address(dev, text, flags=0x80)
        kernel.apply(Change("add", "address", text, payload=theirs))
    back = replace(layout.layout_of(now, "eth0", "br0"), made=wanted)
    plan = uplink_plan.plan(kernel.now, back)
    assert [str(change) for change in plan if change.kind == "address"] == [
        "remove address 10.77.0.50/24 dev eth0",
        "add address 10.77.0.10/24 dev eth0",
        "keep address 10.77.0.50/24 dev eth0",
        "keep address 10.99.0.5/24 dev eth0",
        "remove address 10.99.0.5/24 dev br0",
        "remove address 10.77.0.10/24 dev br0",
    ]


@pytest.mark.parametrize(("mtu", "given"), [(None, {}), (1400, {"mtu": 1400})])
def test_a_bridge_is_given_an_mtu_where_that_was_asked_for(
    mtu: int | None, given: dict[str, int]
) -> None:
    """One that was given an MTU does not follow its ports, so one that was not asked for is left to them."""
    now = host({"links": {"eth0": None}})
    plan = uplink_plan.plan(now, layout.bridged(now, "eth0", "br0", mtu=mtu))
    (made,) = [change for change in plan if change.action == "create"]
    assert (made.after["mtu"], made.payload) == (mtu or 1500, given)
