# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes, addresses, rules, neighbours and forwarding entries: a kernel's own bytes, and what iproute2 printed of each (fixtures/inet)."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.tests.harness.model.captured import (
    ADDRESSES,
    NAMES,
    ROUTES,
    RULES,
    TABLES,
    attributes,
    load,
    word,
)


def routes() -> Any:
    return pytest.mark.parametrize(("text", "body"), ROUTES, ids=[text for text, _body in ROUTES])


@routes()
def test_a_route_is_what_iproute2_prints_of_it(text: str, body: bytes) -> None:
    (route,) = rtnl_route.decode_routes([body], NAMES)
    head, *hops = text.split(" \\ ")
    kind, dst = head.split()[:2]
    prefix = (
        route.dst[: -len("/32")]
        if route.dst.endswith("/32")
        else route.dst[: -len("/128")]
        if route.dst.endswith("/128")
        else route.dst
    )
    assert prefix == dst
    assert route.kind == {"unicast": 1, "local": 2, "blackhole": 6, "unreachable": 7}[kind]
    table = word(head, "table") or "main"
    assert route.table == int(TABLES.get(table, table))
    assert route.metric == int(word(head, "metric") or 0)
    # an encapsulation and a rule have words of the same name
    assert route.src == (word(head, "src") if "encap" not in head else None)
    assert route.tos == int(word(head, "tos") or "0", 0) or "encap" in head
    for hop, line in zip(route.hops, hops or [head]):
        assert hop.dev == word(line, "dev")
        assert hop.gateway == (word(line, "via inet6") or word(line, "via"))
        assert hop.weight == int(word(line, "weight") or 1)
        assert hop.onlink == ("onlink" in line.split())
    assert len(route.hops) == max(1, len(hops))
    assert route.connected == (word(text, "via") is None)


def test_what_the_kernel_makes_of_addresses_is_no_route_of_ours() -> None:
    kernels = [
        body for text, body in load("routes") if "table local" in text and "proto kernel" in text
    ]
    assert len(kernels) > 10
    assert rtnl_route.decode_routes(kernels, NAMES) == ()


@routes()
def test_a_route_over_another_device_keeps_every_attribute(text: str, body: bytes) -> None:
    (route,) = rtnl_route.decode_routes([body], NAMES)
    sent = rtnl_route.reroute(body, [77] * len(route.hops))
    assert sent[:8] == body[:8]
    old, new = dict(attributes(body, 12)), dict(attributes(sent, 12))
    # RTA_CACHEINFO is for readers, RTA_EXPIRES is its part that counts
    assert set(new) - {23} == set(old) - {12}
    for kind in set(new) - {4, 9, 23}:
        assert new[kind] == old[kind], kind
    if 4 in old:
        assert new[4] == struct.pack("=I", 77)
    if 9 in old:
        assert len(new[9]) == len(old[9])
    if "expires" in text:
        assert struct.unpack("=I", new[23])[0] in (
            int(word(text, "expires").rstrip("sec")),
            int(word(text, "expires").rstrip("sec")) + 1,
        )
    again = rtnl_route.decode_routes([sent], {**NAMES, 77: "br0"})[0]
    assert again.key == route.key and {hop.dev for hop in again.hops} <= {"br0", None}
    assert [(hop.gateway, hop.weight, hop.onlink) for hop in again.hops] == [
        (hop.gateway, hop.weight, hop.onlink) for hop in route.hops
    ]


def test_of_two_ways_each_goes_over_its_own_device() -> None:
    (body,) = [body for text, body in ROUTES if text.startswith("unicast 10.92.")]
    (route,) = rtnl_route.decode_routes([rtnl_route.reroute(body, [77, 5])], {**NAMES, 77: "br0"})
    assert route.hops == (
        rtnl_route.Hop("br0", "10.77.0.1", 3),
        rtnl_route.Hop("eth1", "10.77.1.1", 5, True),
    )


@given(st.dictionaries(st.integers(60, 0x3FFF), st.binary(max_size=40), max_size=5))
def test_attributes_of_kernels_to_come_move_with_their_object(unknown: dict[int, bytes]) -> None:
    more = b"".join(nla.attribute(kind, payload) for kind, payload in unknown.items())
    route = rtnl_route.reroute(ROUTES[0][1] + more, [77])
    rule = rtnl_route.rename_rule(rtnl_route.decode_rules([RULES[1][1] + more])[0], {"eth0": "br0"})
    (address,) = rtnl_address.decode_addresses([ADDRESSES[1][1] + more], NAMES)
    moved = rtnl_address.readdress(address, 77, "br0", 0)
    for sent, header in ((route, 12), (rule.raw, 12), (moved, 8)):
        assert {
            kind: payload for kind, payload in attributes(sent, header) if kind >= 60
        } == unknown


def test_rules_that_name_no_device_stay_where_they_are() -> None:
    found = rtnl_route.decode_rules([body for _text, body in RULES])
    named = [text for text, _body in RULES if "iif" in text or "oif" in text]
    assert [(rule.iif, rule.oif) for rule in found] == [
        (word(text, "iif"), word(text, "oif")) for text in named
    ]
    assert len(found) == 5


@pytest.mark.parametrize(("text", "body"), [(text, body) for text, body in RULES if "eth0" in text])
def test_a_rule_for_another_device_keeps_every_attribute(text: str, body: bytes) -> None:
    (rule,) = rtnl_route.decode_rules([body])
    new = rtnl_route.rename_rule(rule, {"eth0": "br0"})
    assert (new.iif, new.oif) == tuple(
        "br0" if one == "eth0" else one for one in (rule.iif, rule.oif)
    )
    changed = {kind: payload for kind, payload in attributes(new.raw, 12) if kind in (3, 17)}
    assert set(changed.values()) == {b"br0\0"}
    assert [one for one in attributes(new.raw, 12) if one[0] not in (3, 17)] == [
        one for one in attributes(body, 12) if one[0] not in (3, 17)
    ]
    assert rtnl_route.rename_rule(new, {"br0": "eth0"}) == rule
    assert rtnl_route.rename_rule(rule, {"eth1": "br0"}) == rule


def test_a_rule_whose_device_is_missing_is_the_same_rule() -> None:
    (detached,) = [body for text, body in RULES if "detached" in text]
    (rule,) = rtnl_route.decode_rules([detached])
    flags = struct.unpack_from("=I", detached, 8)[0]
    assert flags & 0x10 and not struct.unpack_from("=I", rule.raw, 8)[0] & 0x18
    assert struct.unpack_from("=I", rule.raw, 8)[0] & 0x02  # "not" stays
    assert rtnl_route.decode_rules(
        [detached[:8] + struct.pack("=I", flags & ~0x10) + detached[12:]]
    ) == (rule,)


def test_local_ipv6_routes_are_what_the_host_takes_as_its_own() -> None:
    own = rtnl_route.local_addresses([body for _text, body in load("routes")])
    printed = {
        (word(text, "dev"), text.split()[1])
        for text, _body in load("routes")
        if text.startswith("local ") and ":" in text.split()[1]
    }
    assert {(NAMES[index], address) for index, address in own} == printed and printed


def test_a_way_is_a_route_that_somebody_made_out_of_a_device() -> None:
    def route(dev: str, protocol: int, family: int = rtnl_address.AF_INET) -> rtnl_route.Route:
        return rtnl_route.Route(
            family, "default", 254, 0, 0, 1, 0, protocol, (rtnl_route.Hop(dev, None),)
        )

    kernel, boot, ra = 2, 3, 9
    found = rtnl_route.ways(
        [
            route("eth0", boot),
            route("eth0", ra, rtnl_address.AF_INET6),
            route("eth1", kernel),
            route("lo", boot),
        ]
    )
    assert found == {"eth0": {rtnl_address.AF_INET, rtnl_address.AF_INET6}}


@pytest.mark.parametrize(("protocol", "promised"), [(2, "10.77.0.0/24 dev br0"), (16, "10.77.0.0/24 dev br0 metric 100")])  # fmt: skip
def test_the_metric_of_what_the_kernel_makes_for_an_address_is_no_promise(
    protocol: int, promised: str
) -> None:
    """Seen: networkd 252 takes an address over without a metric, and the conversion could not be confirmed."""
    hops = (rtnl_route.Hop("br0"),)
    route = rtnl_route.Route(2, "10.77.0.0/24", 254, 100, 0, 1, 253, protocol, hops)
    assert route.promised == promised


def test_what_an_advertisement_made_by_a_nexthop_object_is_a_plain_route() -> None:
    """Seen: systemd-networkd 257 makes default routes so; another with its metric stands beside it, and a plain one would become one with that."""
    hop = (rtnl_route.Hop("eth0", "fe80::1"),)
    raw = struct.pack("=BBBBBBBBI", 10, 0, 0, 0, 254, 9, 0, 1, 0)
    body = raw + nla.attribute(5, bytes(16)) + nla.attribute(30, struct.pack("=I", 7))
    learned = rtnl_route.Route(10, "default", 254, 1024, 0, 1, 0, 9, hop, nexthop_id=7, raw=body)
    (plain,) = rtnl_route.plain([learned])
    assert (plain.nexthop_id, plain.hops) == (0, hop)
    assert plain.raw == raw + nla.attribute(5, bytes(16))
    static = replace(learned, protocol=4, nexthop_id=0)
    assert rtnl_route.plain([static, learned]) == (static,)
    by_hand = replace(learned, protocol=3)
    assert rtnl_route.plain([by_hand]) == (by_hand,)


def test_a_routers_way_beside_the_hosts_own_is_none_that_lasts() -> None:
    def route(protocol: int, gateway: str, metric: int = 1024) -> rtnl_route.Route:
        hops = (rtnl_route.Hop("br0", gateway),)
        return rtnl_route.Route(10, "default", 254, metric, 0, 1, 0, protocol, hops)

    own, heard, elsewhere = route(4, "fd77::1"), route(9, "fe80::1"), route(9, "fe80::1", 100)
    assert rtnl_route.lasting([heard, own, elsewhere]) == [own, elsewhere]
    assert rtnl_route.lasting([heard, route(9, "fe80::2")]) == [heard, route(9, "fe80::2")]
