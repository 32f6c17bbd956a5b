# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rtnetlink's bytes, built here by hand: no socket, no pyroute2."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute


def link(index: int, name: str, *attributes: bytes, flags: int = 0) -> bytes:
    return (
        struct.pack("=BxHiII", 0, 1, index, flags, 0)
        + attribute(3, name.encode() + b"\0")
        + b"".join(attributes)
    )


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def test_a_bridge_and_its_port() -> None:
    options = rtnl_link.encode_options(
        option_tables.BRIDGE, {"forward_delay": 4.0, "stp_state": True}
    )
    port = rtnl_link.encode_options(option_tables.PORT, {"isolated": True, "cost": 5})
    links = rtnl_link.decode_links(
        [
            link(
                7,
                "tap1",
                u32(10, 4),
                u32(4, 1400),
                attribute(1, bytes(range(2, 8))),
                rtnl_link.slaveinfo(port),
                flags=0x1,
            ),
            link(
                4,
                "br0",
                u32(13, 0),
                attribute(20, "für Gäste".encode() + b"\0"),
                rtnl_link.linkinfo("bridge", options),
            ),
        ]
    )
    assert list(links) == ["tap1", "br0"]
    tap, bridge = links["tap1"], links["br0"]
    assert (tap.index, tap.master, tap.mtu, tap.mac, tap.up) == (
        7,
        "br0",
        1400,
        "02:03:04:05:06:07",
        True,
    )
    assert dict(tap.port) == {"isolated": True, "cost": 5, "backup_port": ""} and tap.kind == ""
    assert bridge.kind == "bridge" and dict(bridge.options) == {
        "forward_delay": 4.0,
        "stp_state": True,
    }
    assert (bridge.port, bridge.txqueuelen, bridge.alias, bridge.up) == (
        None,
        0,
        "für Gäste",
        False,
    )


def test_how_a_device_makes_its_ipv6_addresses_is_told_as_it_is_set() -> None:
    links = rtnl_link.decode_links(
        [link(1, "tap1", rtnl_link.addr_gen_mode("stable_secret")), link(2, "tap2")]
    )
    assert [one.addr_gen_mode for one in links.values()] == ["stable_secret", None]


def test_a_tun_whose_owner_nobody_named() -> None:
    data = attribute(3, b"\2") + attribute(4, b"\0")
    info = attribute(18, attribute(1, b"tun\0") + attribute(2, data))
    assert dict(rtnl_link.decode_links([link(1, "tap1", info)])["tap1"].options) == {
        "owner": -1,
        "group": -1,
        "mode": "tap",
        "pi": False,
    }


def test_a_device_below_is_named_where_it_is_in_the_same_namespace() -> None:
    links = rtnl_link.decode_links(
        [
            link(2, "eth0"),
            link(3, "mv0", u32(5, 2)),
            # IFLA_LINK counts in the namespace of IFLA_LINK_NETNSID
            link(4, "far", u32(5, 2), u32(37, 0)),
            link(5, "own", u32(5, 5)),
            link(6, "lost", u32(5, 99)),
        ]
    )
    assert {name: one.lower for name, one in links.items()} == {
        "eth0": None,
        "mv0": "eth0",
        "far": None,
        "own": None,
        "lost": None,
    }


def test_a_master_that_is_not_a_bridge_makes_no_port() -> None:
    info = attribute(18, attribute(4, b"bond\0") + attribute(5, b""))
    links = rtnl_link.decode_links([link(2, "bond0"), link(3, "eth1", u32(10, 2), info)])
    assert links["eth1"].master == "bond0" and links["eth1"].port is None


def test_options_are_decoded_when_somebody_looks() -> None:
    broken = attribute(18, attribute(1, b"bridge\0") + attribute(2, attribute(1, b"")))
    links = rtnl_link.decode_links([link(2, "br0", broken)])
    try:
        dict(links["br0"].options)
    except struct.error:
        return
    raise AssertionError("the options were not read from the bytes")


def test_a_bond_is_read_as_linux_if_link_lays_it_out() -> None:
    def link(*options: tuple[int, bytes]) -> Any:
        data = b"".join(attribute(kind, payload) for kind, payload in options)
        info = attribute(1, b"bond\0") + attribute(2, data)
        body = rtnl_link.link_header(5) + attribute(3, b"bond0\0") + attribute(18, info)
        return rtnl_link.decode_links([body])["bond0"]

    assert dict(link((1, b"\x06"), (13, b"\0")).options) == {
        "mode": 6,
        "fail_over_mac": 0,
        "monitors_by_arp": False,
    }
    target = attribute(0, bytes([10, 0, 0, 1]))
    assert dict(link((1, b"\x01"), (8, target), (13, b"\x02")).options) == {
        "mode": 1,
        "fail_over_mac": 2,
        "monitors_by_arp": True,
    }


@pytest.mark.parametrize(("mode", "attached"), [(0, False), (1, True), (2, True), (4, True)])
def test_an_xdp_program_is_seen(mode: int, attached: bool) -> None:
    xdp = attribute(43, attribute(2, bytes([mode])))
    assert (
        rtnl_link.decode_links([rtnl_link.link_header(5) + attribute(3, b"eth0\0") + xdp])[
            "eth0"
        ].xdp
        is attached
    )
