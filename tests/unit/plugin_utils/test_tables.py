# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of brctl and route, from bridge_info's data."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.filter.bridge_table import FilterModule

bridge_table = FilterModule().filters()["bridge_table"]


def port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "number": number}


def entry(mac: str, port: str, **more: Any) -> dict[str, Any]:
    return {
        "mac": mac,
        "port": port,
        "vlan": None,
        "local": False,
        "static": False,
        "age": 0.0,
        **more,
    }


def route(dst: str, dev: str | None, gateway: str | None = None, **more: Any) -> dict[str, Any]:
    flags = "U" + ("G" if gateway else "") + ("H" if dst.endswith(("/32", "/128")) else "")
    own = {
        "family": "inet",
        "dst": dst,
        "gateway": gateway,
        "dev": dev,
        "metric": 0,
        "table": 254,
        "type": "unicast",
        "flags": flags,
    }
    return {**own, **more}


def bridge(name: str, ports: list, fdb: list, stp: bool = False) -> dict[str, Any]:
    return {"name": name, "id": "8000.525400123456", "stp_state": stp, "ports": ports, "fdb": fdb}


def test_bridges_have_a_line_for_each_port() -> None:
    info = {
        "bridges": [
            bridge("br0", [port("eth0", 1), port("tap1", 2)], []),
            bridge("storage", [], [], stp=True),
        ]
    }
    assert bridge_table(info) == [
        "bridge name  bridge id          STP enabled  interfaces",
        "br0          8000.525400123456  no           eth0",
        "                                             tap1",
        "storage      8000.525400123456  yes",
    ]


def test_no_bridge_leaves_the_headline() -> None:
    assert bridge_table({"bridges": []}, "bridges") == [
        "bridge name  bridge id  STP enabled  interfaces"
    ]


def test_macs_are_sorted_and_carry_number_and_name_of_the_port() -> None:
    fdb = [
        entry("52:54:00:12:34:56", "eth0", local=True, age=3.0),
        entry("52:00:00:00:00:01", "tap1", age=1.234),
        entry("02:00:00:00:00:07", "tap1", static=True, age=9.0),
        entry("52:54:00:12:34:56", "eth0", local=True, vlan=1),
        entry("33:33:00:00:00:01", "br0"),
    ]
    assert bridge_table(
        {"bridges": [bridge("br0", [port("eth0", 1), port("tap1", 12)], fdb)]}, "macs"
    ) == [
        "br0:",
        "port no  mac addr           is local?  ageing timer  interface",
        "     12  02:00:00:00:00:07  no                 0.00  tap1",
        "     12  52:00:00:00:00:01  no                 1.23  tap1",
        "      1  52:54:00:12:34:56  yes                0.00  eth0",
    ]


def test_macs_of_two_bridges_are_parted_by_a_blank_line() -> None:
    lines = bridge_table({"bridges": [bridge("br0", [], []), bridge("br1", [], [])]}, "macs")
    assert [line for line in lines if not line.startswith("port no")] == ["br0:", "", "br1:"]


def test_routes_are_those_of_the_main_table_in_the_order_of_route_n() -> None:
    routes = [
        route("10.77.0.0/24", "br0"),
        route("10.77.0.5/32", "lo", table=255),
        route("10.99.0.0/16", None, type="unreachable", metric=7),
        route("default", "br0", "10.77.0.1", metric=100),
        route("10.1.1.1/32", "br0", "10.77.0.7"),
    ]
    assert bridge_table({"routes": routes}, "routes") == [
        "Destination  Gateway    Genmask          Flags  Metric  Iface",
        "0.0.0.0      10.77.0.1  0.0.0.0          UG     100     br0",
        "10.1.1.1     10.77.0.7  255.255.255.255  UGH    0       br0",
        "10.77.0.0    0.0.0.0    255.255.255.0    U      0       br0",
        "10.99.0.0    -          255.255.0.0      !      7       -",
    ]


def test_ipv6_has_a_table_of_its_own_without_what_the_kernel_makes_by_itself() -> None:
    routes = [
        route("default", "br0", "10.77.0.1"),
        route("fe80::/64", "br0", family="inet6"),
        route("fd77::/64", "br0", family="inet6"),
        route("default", "br0", "fe80::1", family="inet6", metric=1024),
    ]
    assert bridge_table({"routes": routes}, "routes")[2:] == [
        "",
        "Destination  Next Hop  Flags  Metric  Iface",
        "fd77::/64    ::        U      0       br0",
        "::/0         fe80::1   UG     1024    br0",
    ]


def test_the_isolation_of_tenants_is_a_line_for_each_kind_and_one_for_each_sender() -> None:
    rows = [
        {
            "sender": "blue",
            "vlan": 10,
            "kind": "arp",
            "sent": 6,
            "own": 12,
            "required": 12,
            "others": 0,
            "uplinks": 6,
        },
        {
            "sender": "the host",
            "vlan": None,
            "kind": "unicast",
            "sent": 3,
            "own": 0,
            "required": 0,
            "others": 3,
            "uplinks": 3,
        },
    ]
    matrix = [
        {"sender": "blue", "seen": {"blue": 12, "the host": 0}},
        {"sender": "the host", "seen": {"blue": 3, "the host": 0}},
    ]
    assert bridge_table({"isolation": rows, "matrix": matrix}, "isolation") == [
        "sender    VLAN  kind     sent  own ports  others  uplinks",
        "blue        10  arp         6   12 of 12       0        6",
        "the host     -  unicast     3          0       3        3",
        "",
        "seen by        blue  the host",
        "from blue        12         0",
        "from the host     3         0",
    ]
