# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in rtnetlink's messages, as iproute2 reads them, and what is sent of them for another device."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute
from ansible_collections.hypervisor.network.tests.harness.model.captured import (
    ADDRESSES,
    NAMES,
    attributes,
    word,
)


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


@pytest.mark.parametrize("mac", [None, "", ":".join(["80"] * 20)])
def test_a_link_local_address_that_a_manager_gave_is_not_the_kernels_whatever_the_mac_is_like(
    mac: str | None,
) -> None:
    """NetworkManager's are not made of the MAC; a bridge to come has none that is known, and InfiniBand's are longer."""
    assert not rtnl_address.by_kernel(
        rtnl_address.new_address("br0", "fe80::ddf3:6169:9c73:8db4/64"), mac
    )


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


def address(family: int, index: int, *attributes: bytes, length: int = 24, flags: int = 0) -> bytes:
    return struct.pack("=BBBBI", family, length, flags, 0, index) + b"".join(attributes)


def test_addresses_of_both_families_a_peer_and_a_stranger() -> None:
    four, peer = socket.inet_aton("10.0.0.2"), socket.inet_aton("10.0.0.1")
    six = socket.inet_pton(socket.AF_INET6, "fe80::1")
    bodies = [
        address(socket.AF_INET, 2, attribute(1, four), attribute(2, four)),
        address(socket.AF_INET, 2, attribute(1, peer), attribute(2, four), length=32),
        address(
            socket.AF_INET6, 3, attribute(1, six), attribute(8, struct.pack("=I", 0x80)), length=64
        ),
        address(45, 2, attribute(2, b"\x08")),  # AF_MCTP, which no planner knows
    ]
    found: list[Any] = [
        (one.dev, one.text, one.peer, one.flags)
        for one in rtnl_address.decode_addresses(bodies, {2: "eth0"})
    ]
    assert found == [
        ("eth0", "10.0.0.2/24", None, 0),
        ("eth0", "10.0.0.2/32", "10.0.0.1", 0),
        ("3", "fe80::1/64", None, 0x80),
    ]


@pytest.mark.parametrize(
    ("text", "broadcast"),
    [("10.9.0.1/24", "10.9.0.255"), ("10.9.0.0/31", None), ("2001:db8::1/64", None)],
)
def test_a_new_address_has_its_networks_broadcast(text: str, broadcast: str | None) -> None:
    made = rtnl_address.new_address("br1", text)
    (back,) = rtnl_address.decode_addresses([made.raw], {0: "br1"})
    assert (back.dev, back.text, back.peer) == ("br1", text, None)
    told = dict(attributes(made.raw, 8)).get(4)
    assert (told and socket.inet_ntoa(told)) == broadcast


def test_what_stands_in_for_a_temporary_address_is_marked() -> None:
    one = rtnl_address.new_address("eth0", "2001:db8::77/64")
    assert not rtnl_address.stands_in(one) and not rtnl_address.advertised(one)
    stand_in = rtnl_address.standing_in(one)
    assert rtnl_address.stands_in(stand_in) and not rtnl_address.advertised(stand_in)
    assert rtnl_address.stands_in(rtnl_address.standing_in(stand_in))


@pytest.mark.parametrize(
    ("text", "flags", "binds"),
    [
        ("fe80::1/64", 0x80, True),
        ("fe80::1/64", 0xC0, False),
        ("fe80::1/64", 0x48, False),
        ("fe80::1/64", 0x44, True),
        ("fd77::1/64", 0x80, False),
        ("169.254.0.1/16", 0x80, False),
    ],
    ids=["permanent", "tentative", "a duplicate", "optimistic", "of all", "of IPv4"],
)
def test_a_program_can_bind_a_link_local_address_that_is_the_hosts(
    text: str, flags: int, binds: bool
) -> None:
    """Flags: IFA_F_PERMANENT 0x80, TENTATIVE 0x40, DADFAILED 0x08, OPTIMISTIC 0x04 (linux/if_addr.h)."""
    scope = 0 if text.startswith("fd77") else 253
    one = replace(rtnl_address.new_address("br0", text), flags=flags, scope=scope)
    assert rtnl_address.is_link_local_to_bind(one) is binds
