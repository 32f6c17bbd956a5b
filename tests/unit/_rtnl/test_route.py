# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes, addresses, rules, neighbours and forwarding entries: a kernel's own bytes, and what iproute2 printed of each (fixtures/inet)."""

from __future__ import annotations

import re
import socket
import struct
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route

FIXTURES = Path(__file__).parents[1] / "fixtures" / "inet"
TABLES = {"main": 254, "local": 255}
NAMES: dict[int, str] = {}


def load(kind: str) -> list[tuple[str, bytes]]:
    """What iproute2 printed of each object, and the object."""
    found = yaml.safe_load((FIXTURES / f"{kind}.yml").read_text(encoding="utf-8"))
    NAMES.update(found["names"])
    return [(one["ip"], bytes.fromhex(one["hex"])) for one in found["objects"]]


ROUTES = [
    (text, body)
    for text, body in load("routes")
    if not ("table local" in text and "proto kernel" in text)
]
ADDRESSES = load("addresses")
RULES = load("rules")
NEIGHBOURS = load("neighbours")
FDB = load("fdb")


def word(text: str, name: str) -> str | None:
    """The word after a name in iproute2's line."""
    found = re.search(rf"(?:^| ){name} (\S+)", text)
    return found[1] if found else None


def attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Every attribute, as linux/netlink.h lays it out; written again here so that the decoder is not its own judge."""
    while offset < len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        yield kind, body[offset + 4 : offset + length]
        offset += length + -length % 4


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


def addresses() -> Any:
    return pytest.mark.parametrize(
        ("text", "body"), ADDRESSES, ids=[text for text, _body in ADDRESSES]
    )


@addresses()
def test_an_address_is_what_iproute2_prints_of_it(text: str, body: bytes) -> None:
    (address,) = rtnl_address.decode_addresses([body], NAMES)
    assert address.dev == word(text, r"\d+:")
    local, _slash, length = (word(text, "inet") or word(text, "inet6")).partition("/")
    peer = word(text, "peer")
    assert address.text == f"{local}/{length or peer.partition('/')[2]}"
    assert address.peer == (peer.partition("/")[0] if peer else None)
    assert rtnl_route.SCOPES[address.scope] == word(text, "scope")
    assert bool(address.flags & rtnl_address.IFA_F_NOPREFIXROUTE) == ("noprefixroute" in text)
    assert bool(address.flags & 0x80) == ("valid_lft forever" in text)
    assert rtnl_address.metric_of(address) == (
        int(word(text, "metric"))
        if word(text, "metric")
        else 256
        if address.family == socket.AF_INET6
        else 0
    )


@addresses()
def test_an_address_on_another_device_keeps_every_attribute(text: str, body: bytes) -> None:
    (address,) = rtnl_address.decode_addresses([body], NAMES)
    sent = rtnl_address.readdress(address, 77, "br0", address.flags)
    family, length, flags, scope, index = struct.unpack_from("=BBBBI", sent)
    assert (family, length, scope, index) == (body[0], body[1], body[3], 77)
    old, new = dict(attributes(body, 8)), dict(attributes(sent, 8))
    assert {kind: payload for kind, payload in new.items() if kind not in (3, 8)} == {
        kind: payload for kind, payload in old.items() if kind not in (3, 8)
    }
    full = struct.unpack("=I", new[8])[0]
    assert full & 0xFF == flags
    # what a sender may say; whether an address is secondary, tentative or permanent the kernel finds out
    assert full == struct.unpack("=I", old[8])[0] & 0x716
    if 3 in old:
        assert new[3] == (b"br0:web\0" if "eth0:web" in text else b"br0\0")


def test_a_label_that_would_be_too_long_is_cut_to_what_the_kernel_takes() -> None:
    (body,) = [body for text, body in ADDRESSES if "eth0:web" in text]
    (address,) = rtnl_address.decode_addresses([body], NAMES)
    sent = rtnl_address.readdress(address, 77, "a-bridge-of-15b", 0)
    assert dict(attributes(sent, 8))[3] == b"a-bridge-of-15b\0"


@pytest.mark.parametrize("name", ["eth0", "br0", "peer0"])
def test_the_kernels_own_link_local_address_is_known_from_one_that_somebody_gave(name: str) -> None:
    local = [
        address
        for _text, body in ADDRESSES
        for address in rtnl_address.decode_addresses([body], NAMES)
        if address.text.startswith("fe80:")
    ]
    (address,) = [one for one in local if one.dev == name]
    assert rtnl_address.by_kernel(address, None)
    assert address.raw.count(struct.pack("=HHI", 5, 11, 3)) == 1
    older = rtnl_address.by_kernel(
        rtnl_address.decode_addresses(
            [address.raw.replace(struct.pack("=HHI", 5, 11, 3), b"")], NAMES
        )[0],
        "02:00:00:00:00:10",
    )
    assert older == (name == "eth0")  # before Linux 5.18 only its form tells


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


def test_neighbours_with_a_mac_that_somebody_may_ask_for() -> None:
    found = {
        (one.dev, one.address): one
        for one in rtnl_neigh.decode_neighbours([body for _text, body in NEIGHBOURS], NAMES)
    }
    wanted = [
        text
        for text, _body in NEIGHBOURS
        if text.split()[-1] in ("PERMANENT", "REACHABLE", "STALE")
    ]
    assert {(word(text, "dev"), text.split()[0]) for text in wanted} == set(found)
    assert all(
        found[word(text, "dev"), text.split()[0]].mac == word(text, "lladdr") for text in wanted
    )


def test_only_what_is_asked_for_in_vain_is_asked_anew_never_what_somebody_gave() -> None:
    def body(state: int) -> bytes:
        return rtnl_neigh.NEIGHBOUR.pack(socket.AF_INET, 5, state, 0, 1) + nla.attribute(
            1, bytes([192, 0, 2, state])
        )

    incomplete, reachable, failed, no_arp, permanent = 0x01, 0x02, 0x20, 0x40, 0x80
    found = rtnl_neigh.asked_in_vain(
        [body(state) for state in (incomplete, reachable, failed, no_arp, permanent)], {5: "br0"}
    )
    assert set(found) == {("br0", "192.0.2.1"), ("br0", "192.0.2.32")}
    assert all(
        gone[4:8] == struct.pack("=i", 5)
        and gone.endswith(bytes([192, 0, 2, int(who[1].rpartition(".")[2])]))
        for who, gone in found.items()
    )


def test_a_neighbour_on_another_device_stays_permanent_or_is_to_be_asked_again() -> None:
    for text, body in NEIGHBOURS:
        for neighbour in rtnl_neigh.decode_neighbours([body], NAMES):
            sent = rtnl_neigh.reneighbour(neighbour, 77)
            (again,) = rtnl_neigh.decode_neighbours([sent], {77: "br0"})
            assert (again.dev, again.address, again.mac) == (
                "br0",
                neighbour.address,
                neighbour.mac,
            )
            assert again.state == (
                rtnl_neigh.NUD_PERMANENT if "PERMANENT" in text else rtnl_neigh.NUD_STALE
            )
            assert bool(sent[10] & 0x80) == ("router" in text)


def test_the_forwarding_database_is_what_bridge_prints_of_bridges() -> None:
    found = {
        (one.mac, one.port): one
        for one in rtnl_neigh.decode_fdb([body for _text, body in FDB], NAMES)
    }
    printed = {
        (text.split()[0], word(text, "dev")): text for text, _body in FDB if "master br0" in text
    }
    assert set(found) == set(printed)
    for key, text in printed.items():
        entry, words = found[key], text.split()
        assert entry.bridge == "br0"
        assert entry.local == ("permanent" in words)
        assert entry.static == ("permanent" in words or "static" in words)
        assert bool(entry.flags & rtnl_neigh.NTF_STICKY) == ("sticky" in words)
        assert bool(entry.flags & rtnl_neigh.NTF_EXT_LEARNED) == ("extern_learn" in words)


@given(st.binary(max_size=80), st.integers(0, 20))
def test_walking_any_bytes_ends_and_finds_only_what_is_there(data: bytes, offset: int) -> None:
    assert all(payload in data for payload in nla.walk(data, offset).values())


@given(
    st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=60), max_size=8), st.integers(0, 16)
)
def test_attributes_are_found_again(values: dict[int, bytes], offset: int) -> None:
    data = b"\xff" * offset + b"".join(
        nla.attribute(kind, payload) for kind, payload in values.items()
    )
    assert nla.walk(data, offset) == values


@pytest.mark.parametrize(
    ("address", "length", "network"),
    [
        ("10.77.0.10", 24, "10.77.0.0/24"),
        ("fd77::10", 64, "fd77::/64"),
        ("10.0.0.1", 0, "0.0.0.0/0"),
        ("10.0.0.1", 32, "10.0.0.1/32"),
    ],
)
def test_the_network_of_an_address(address: str, length: int, network: str) -> None:
    assert (
        rtnl_address.network_of(
            address, length, socket.AF_INET6 if ":" in address else socket.AF_INET
        )
        == network
    )
