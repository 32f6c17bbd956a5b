# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every conversion promises, on thousands of hosts that nobody thought of: complete, reachable at every step, and undone from any step."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet, Layout
from ansible_collections.hypervisor.network.tests.harness.model import simulated
from ansible_collections.hypervisor.network.tests.harness.model.connected import NOPREFIXROUTE
from ansible_collections.hypervisor.network.tests.harness.model.simulated import (
    DEFAULTS,
    UP,
    Kernel,
    Refusal,
)

NIC, BRIDGE, OTHER = "eth0", "br0", "eth1"
MAC = "52:54:00:00:00:10"
ADDRESSES = (
    ("10.77.0.10/24", None), ("10.77.0.11/24", None), ("10.77.0.12/24", None), ("10.77.0.13/25", None), ("192.168.99.10/24", None),
    ("192.0.2.1/32", "192.0.2.2"), ("198.51.100.7/32", None), ("10.0.0.1/8", None), ("fd77::10/64", None), ("fd77::11/64", None),
    ("fd77::12/128", None), ("fd99::1/64", "fd99::2"), ("fe80::53/64", None),
)  # fmt: skip
GATEWAYS = ("10.77.0.1", "192.168.99.1", "192.0.2.2", "10.1.1.1", "fd77::1", "fd99::2", "fe80::1")
DESTINATIONS4 = ("default", "10.99.0.0/16", "203.0.113.0/24")
DESTINATIONS6 = ("default", "fd88::/48")
CLIENT = Client(NIC, "dhclient", ("dhclient", "-lf", "/var/lib/dhcp/dhclient.eth0.leases", "eth0"))


@st.composite
def addresses(draw: Any) -> list[Any]:
    chosen = draw(st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=7))
    return [
        (
            text,
            peer,
            draw(st.sampled_from((0, 0, 0, NOPREFIXROUTE))),
            draw(st.sampled_from((0, 0, 0, 100))),
            253 if text.startswith("fe80:") else 0,
        )
        for text, peer in chosen
    ]


@st.composite
def routes(draw: Any) -> list[Any]:
    found = []
    for _number in range(draw(st.integers(0, 5))):
        gateways = draw(st.lists(st.sampled_from(GATEWAYS), unique=True, max_size=2))
        hops = [
            Hop(NIC, gateway, 1, draw(st.sampled_from((False, False, True))))
            for gateway in gateways
        ] or [Hop(NIC)]
        if len(hops) > 1 and draw(st.booleans()):
            hops[1] = Hop(OTHER, "10.88.0.1")
        if draw(st.integers(0, 5)) == 0:  # somebody's own connected route in place of the kernel's
            found.append(simulated.route("10.77.0.0/24", Hop(NIC), metric=0))
        six = any(":" in (hop.gateway or "") for hop in hops)
        dst = draw(st.sampled_from(DESTINATIONS6 if six else DESTINATIONS4))
        src = draw(st.sampled_from((None, None, "10.77.0.11")))
        found.append(
            simulated.route(
                dst,
                *hops,
                metric=draw(st.sampled_from((None, 50, 1002))),
                table=draw(st.sampled_from((254, 100))),
                src=src,
            )
        )
    return found


@st.composite
def hosts(draw: Any) -> Inet:
    """A host as it may stand: made by a kernel's rules from what an admin may have typed, so that it is one that can exist.

    A device that is down has no addresses here: that is refused, because routes would come with the device, out of nowhere.
    """
    sysctls = {
        pattern.format(dev): value
        for pattern, value in DEFAULTS.items()
        for dev in (NIC, BRIDGE, OTHER)
    }
    sysctls.update(
        {f"ipv4/conf/{dev}/rp_filter": draw(st.sampled_from("012")) for dev in (NIC, BRIDGE)}
    )
    sysctls[f"ipv6/conf/{NIC}/addr_gen_mode"] = draw(st.sampled_from("01"))
    links = {NIC: Link(NIC, 2, "", 0, MAC), OTHER: Link(OTHER, 3, "", 0, "52:54:00:00:00:11")}
    kernel = Kernel(Inet(links, sysctls=sysctls))
    for dev in (OTHER, NIC) if draw(st.integers(0, 9)) else (OTHER,):
        kernel.apply(Change("update", "link", dev, {}, {"up": True}))
    if draw(st.booleans()):
        mac = draw(st.sampled_from((MAC, "52:54:00:00:00:99")))
        kernel.apply(
            Change(
                "create",
                "bridge",
                BRIDGE,
                None,
                {"mac": mac, "mtu": 1500, "up": draw(st.booleans())},
            )
        )
        kernel.links["tap1"] = Link(
            "tap1", 9, "tun", UP, "02:00:00:00:00:01", master=BRIDGE, port={}
        )
        for one in (
            draw(st.sampled_from(((), ("10.66.0.1/24",), ("10.77.0.99/24",))))
            if kernel.links[BRIDGE].up
            else ()
        ):
            kernel.apply(
                Change("add", "address", one, None, {}, payload=simulated.address(BRIDGE, one))
            )
    mine = draw(addresses()) if kernel.links[NIC].up else []
    given = [(OTHER, "10.88.0.2/24", None, 0, 0, 0), *((NIC, *one) for one in mine)]
    if draw(st.booleans()):
        given.insert(draw(st.integers(0, len(given))), (OTHER, "10.77.0.200/24", None, 0, 0, 0))
    for dev, text, peer, flags, metric, scope in given:
        one = simulated.address(dev, text, peer, flags=flags, metric=metric, scope=scope)
        kernel.apply(Change("add", "address", text, None, {}, payload=one))
    for one in draw(routes()):
        try:
            kernel.apply(
                Change(
                    "replace" if one.dst == "10.77.0.0/24" else "add",
                    "route",
                    one.dst,
                    None,
                    {},
                    payload=one,
                )
            )
        except Refusal:
            pass
    kernel.rules += draw(
        st.sampled_from(
            ([], [simulated.rule(iif=NIC)], [simulated.rule(oif=NIC), simulated.rule(iif=OTHER)])
        )
    )
    kernel.neighbours += [
        simulated.neighbour(NIC, one, draw(st.sampled_from((0x80, 0x02))))
        for one in draw(st.lists(st.sampled_from(GATEWAYS), unique=True))
    ]
    kernel.clients += draw(st.sampled_from(([], [CLIENT])))
    return kernel.now


def carried_out(now: Inet, plan: list[Change], promote: bool = False) -> list[Inet]:
    """Every state on the way, the first being C(now)."""
    kernel = Kernel(now, promote)
    states = [now]
    for change in plan:
        kernel.apply(change)
        states.append(kernel.now)
    return states


def seen(now: Inet, nic: str = NIC) -> dict[str, Any]:
    """What must be as before: addresses of a device in their order, of several routes to one place the first, and all of them."""
    orders: dict[Any, list[Any]] = {}
    for one in now.routes:
        if not layout.by_itself(one):
            orders.setdefault(one.key, []).append(one)
    own = [one for one in now.addresses if not layout.link_local(one, now)]
    sysctls = {key: value for key, value in now.sysctls.items() if key.split("/")[2] in now.links}
    permanent = {(one.dev, one.address) for one in now.neighbours if one.state & 0x80}
    return {
        "links": {
            name: (link.up, link.mac, link.mtu, link.master) for name, link in now.links.items()
        },
        "addresses": [(one.dev, one.text, one.peer, one.flags & 1) for one in own],
        "routes": {key: (group[0], set(group)) for key, group in orders.items()},
        "rules": set(now.rules),
        "neighbours": permanent,
        "sysctls": sysctls,
        "clients": set(now.clients),
    }


def frames_arrive_on(now: Inet) -> str:
    return now.links[NIC].master or NIC


def troubles(start: Inet, now: Inet, moving: bool) -> set[str]:
    """Why the host can't be reached as at the start; nothing, hopefully."""
    return set(_troubles(start, now, moving)) - set(_troubles(start, start, True))


def _troubles(start: Inet, now: Inet, moving: bool) -> list[str]:
    found = []
    here = frames_arrive_on(now)
    if not now.links[here].up or not now.links[NIC].up:
        found.append(f"frames arrive on {here}, which is down")
    lost = {
        one.text
        for one in start.addresses
        if one.dev in (NIC, BRIDGE) and not layout.link_local(one, start)
    } - {one.text for one in now.addresses}
    found += [f"nobody has {text}" for text in lost]
    out = {NIC, OTHER} | ({BRIDGE} if now.links[NIC].master == BRIDGE else set())
    first: dict[Any, Any] = {}
    for one in now.routes:
        first.setdefault(one.key, one)
    beginning: dict[Any, Any] = {}
    for one in start.routes:
        beginning.setdefault(one.key, one)
    for one in beginning.values():
        if one.devs & {frames_arrive_on(start)} and not layout.by_itself(one):
            way = first.get(one.key)
            if way is None:
                found.append(f"no route any more for {one}")
            elif not way.devs <= out:
                found.append(f"{way} leads nowhere")
    own = {one.key for one in start.routes if one.devs & {frames_arrive_on(start)}}
    strict = now.sysctls.get(f"ipv4/conf/{here}/rp_filter") == "1"
    if (
        moving
        and strict
        and any(
            one.family == 2 and one.key in own and (one.devs & {NIC, BRIDGE}) - {here}
            for one in first.values()
        )
    ):
        found.append(f"{here} drops what arrives, because its answers go out elsewhere")
    return found


def reachable_before(now: Inet) -> bool:
    return now.links[NIC].up


def there(start: Inet) -> Layout:
    return layout.bridged(start, NIC, BRIDGE)


@settings(max_examples=150, deadline=None)
@given(hosts(), st.booleans())
def test_a_conversion_is_complete_and_the_second_run_is_empty(start: Inet, promote: bool) -> None:
    wish = there(start)
    end = carried_out(start, uplink_plan.plan(start, wish), promote)[-1]
    assert uplink_plan.plan(end, wish) == []
    assert uplink_plan.plan(end, there(end)) == []
    assert not [one for one in end.addresses if one.dev == NIC]
    assert not [one for one in end.routes if NIC in one.devs and not layout.by_itself(one)]
    assert not [one for one in end.neighbours if one.dev == NIC and one.state & 0x80]
    assert end.links[NIC].master == BRIDGE and end.links[BRIDGE].up and end.links[BRIDGE].mac == MAC
    moved = {
        (one.text, one.peer)
        for one in start.addresses
        if one.dev == NIC and not layout.link_local(one, start)
    }
    assert moved <= {(one.text, one.peer) for one in end.addresses if one.dev == BRIDGE}
    assert {one.dev for one in end.clients} <= {BRIDGE} and len(end.clients) == len(start.clients)


@settings(max_examples=150, deadline=None)
@given(hosts(), st.booleans())
def test_every_prefix_of_a_conversion_is_reachable(start: Inet, promote: bool) -> None:
    if not reachable_before(start):
        return
    plan = uplink_plan.plan(start, there(start))
    for number, state in enumerate(carried_out(start, plan, promote)):
        assert not troubles(start, state, 0 < number < len(plan)), (number, plan[number - 1])


@settings(max_examples=150, deadline=None)
@given(hosts(), st.booleans())
def test_every_prefix_of_the_way_back_is_reachable_and_gives_the_nic_all_of_it(
    start: Inet, promote: bool
) -> None:
    converted = carried_out(start, uplink_plan.plan(start, there(start)))[-1]
    wish = layout.unbridged(converted, NIC, BRIDGE)
    plan = uplink_plan.plan(converted, wish)
    states = carried_out(converted, plan, promote)
    for number, state in enumerate(states):
        assert not troubles(converted, state, 0 < number < len(plan)), (number, plan[number - 1])
    end = states[-1]
    assert uplink_plan.plan(end, wish) == []
    assert uplink_plan.plan(end, layout.unbridged(end, NIC, BRIDGE)) == []
    before, after = seen(start), seen(end)
    own = [
        one for one in start.addresses if one.dev == BRIDGE and not layout.link_local(one, start)
    ]
    if not own:  # what the bridge had of its own comes along, and may stand before or behind
        for part in ("addresses", "rules", "neighbours", "clients"):
            assert after[part] == before[part], part
    assert {key: value for key, value in after["sysctls"].items() if NIC in key} == {
        key: value for key, value in before["sysctls"].items() if NIC in key
    }
    # two connected routes to one network, of the NIC and of the bridge, became one
    assert {(one.key, one.hops) for one in start.routes if NIC in one.devs} <= {
        (one.key, one.hops) for one in end.routes
    }


@settings(max_examples=150, deadline=None)
@given(hosts(), st.booleans(), st.data())
def test_a_conversion_is_undone_from_any_step_without_losing_the_host(
    start: Inet, promote: bool, data: st.DataObject
) -> None:
    before = layout.layout_of(start, NIC, BRIDGE)
    states = carried_out(start, uplink_plan.plan(start, there(start)), promote)
    number = data.draw(st.integers(0, len(states) - 1))
    back = uplink_plan.plan(states[number], before)
    on_the_way = carried_out(states[number], back, promote)
    assert seen(on_the_way[-1]) == seen(start)
    assert uplink_plan.plan(on_the_way[-1], before) == []
    if reachable_before(start):
        for state in on_the_way:
            assert not troubles(start, state, True)


@settings(max_examples=200, deadline=None)
@given(hosts(), st.data())
def test_the_way_back_is_undone_from_any_step(start: Inet, data: st.DataObject) -> None:
    converted = carried_out(start, uplink_plan.plan(start, there(start)))[-1]
    before = layout.layout_of(converted, NIC, BRIDGE)
    states = carried_out(
        converted, uplink_plan.plan(converted, layout.unbridged(converted, NIC, BRIDGE))
    )
    number = data.draw(st.integers(0, len(states) - 1))
    end = carried_out(states[number], uplink_plan.plan(states[number], before))[-1]
    assert seen(end) == seen(converted)


ORDER = (
    ("stop", "dhcp"), ("create", "bridge"), ("set", "sysctl"), ("update", "bridge"), ("update", "link"), ("add", "address"),
    ("add", "neighbour"), ("add", "rule"), ("attach", "port"), ("routes", ""), ("detach", "port"), ("set", "sysctl"),
    ("remove", "address"), ("remove", "neighbour"), ("remove", "rule"), ("update", "bridge"),
    ("delete", "bridge"), ("start", "dhcp"),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(hosts())
def test_the_kinds_of_changes_come_in_one_order(start: Inet) -> None:
    for plan in (uplink_plan.plan(start, there(start)),):
        position = 0
        for change in plan:
            kind = ("routes", "") if change.kind == "route" else (change.action, change.kind)
            assert kind in ORDER[position:], (change, ORDER[position])
            position += ORDER[position:].index(kind)


@settings(max_examples=100, deadline=None)
@given(hosts(), st.sampled_from(["10.77.0.100/24", "10.77.0.10/24"]))
def test_what_came_back_to_a_port_is_taken_away_again(start: Inet, text: str) -> None:
    """A DHCP client that was left running adds its address to the NIC again, whose connected route is a second one."""
    converted = carried_out(start, uplink_plan.plan(start, there(start)))[-1]
    kernel = Kernel(converted)
    kernel.apply(Change("add", "address", text, None, {}, payload=simulated.address(NIC, text)))
    drifted = kernel.now
    end = carried_out(drifted, uplink_plan.plan(drifted, there(drifted)))[-1]
    assert not [one for one in end.addresses if one.dev == NIC]
    assert not [one for one in end.routes if NIC in one.devs and not layout.by_itself(one)]
    assert text in {one.text for one in end.addresses if one.dev == BRIDGE}
    assert set(converted.addresses) <= set(end.addresses)


@pytest.mark.parametrize("text", [text for text, _peer in ADDRESSES])
def test_the_simulated_kernel_is_no_yes_man(text: str) -> None:
    kernel = Kernel(Inet({NIC: Link(NIC, 2, "", UP, MAC)}))
    away = "10.200.0.1" if "." in text else "fd00:200::1"
    with pytest.raises(Refusal, match="ENETUNREACH"):
        kernel.apply(
            Change("add", "route", "default", payload=simulated.route("default", Hop(NIC, away)))
        )
    with pytest.raises(Refusal, match="no device"):
        kernel.apply(Change("add", "address", text, payload=simulated.address(BRIDGE, text)))
    assert ipaddress.ip_interface(text)
