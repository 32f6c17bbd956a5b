# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sits on a NIC beside addresses: refused by name before anything is changed, or told."""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct

import pytest

from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, dump, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import HOST4, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    batch,
    inside,
    ip_json,
    run,
)

_BPF_PROG_LOAD, _BPF_PROG_TYPE_XDP = 5, 6
_BPF_CALL = {"x86_64": 321, "aarch64": 280}
_PASS_EVERYTHING = struct.pack("=BBhiBBhi", 0xB7, 0, 0, 2, 0x95, 0, 0, 0)  # r0 = XDP_PASS; exit


@pytest.mark.parametrize("qdisc", ["clsact", "ingress"])
def test_x30_filters_on_arrival_are_refused_by_name(refused, uplink, qdisc):
    with lan(host=HOST4, echo=False) as made:
        run("tc", "-n", made.host, "qdisc", "add", "dev", "eth0", qdisc)
        assert f"tc qdisc del dev eth0 {qdisc}" in refused(made.host)
        assert uplink(made.host, override=["clsact"])["changed"]


def test_x31_an_xdp_program_is_refused_by_name(refused, uplink):
    with lan(host=HOST4, echo=False) as made:
        program = _load()
        try:
            inside(made.host, _attach, program)
        finally:
            os.close(program)
        assert "xdp" in str(ip_json(made.host, "link", "show", "dev", "eth0"))
        assert "override: [xdp]" in refused(made.host)
        assert uplink(made.host, override=["xdp"])["changed"]


def test_x32_a_tunnel_that_is_bound_to_the_nic_is_refused_by_name(refused):
    with lan(host=HOST4, echo=False) as made:
        run(
            "ip",
            "-n",
            made.host,
            "link",
            "add",
            "vx9",
            "type",
            "vxlan",
            "id",
            "9",
            "dstport",
            "4789",
            "dev",
            "eth0",
            "remote",
            "10.77.0.1",
        )
        assert refused(made.host).startswith("eth0 is what vx9 would go on sending through")


def test_x33_a_nic_that_is_down_with_addresses_is_refused_and_one_without_is_set_up(
    refused, uplink
):
    with lan(host="", echo=False) as made:
        batch(made.host, "link set eth0 down\naddress add 10.77.0.10/24 dev eth0\n")
        assert "set it up or remove the addresses first" in refused(made.host)
        batch(made.host, "address flush dev eth0\n")
        before = dump(made.host)
        assert uplink(made.host)["changed"]
        after = settled(made.host)
        assert "UP" in after["links"]["eth0"]["flags"] and after["addresses"]["eth0"] == []
        assert uplink(made.host)["changed"] is False
        assert uplink(made.host, state="absent")["changed"]
        assert differences(before["routes4"], dump(made.host)["routes4"]) == []


def test_x34_a_route_by_nexthop_object_is_refused(refused):
    with lan(host=HOST4, echo=False) as made:
        batch(made.host, "nexthop add id 7 via 10.77.0.1 dev eth0\nroute add 10.9.0.0/16 nhid 7\n")
        assert "nexthop object" in refused(made.host)


def ways(host: str) -> list[tuple[str, str, str]]:
    """IPv6's default routes without a nexthop object: device, gateway, who made it."""
    found = ip_json(host, "-6", "route", "show", "default")
    return [
        (one["dev"], one["gateway"], one.get("protocol", "boot"))
        for one in found
        if "nhid" not in one
    ]


def test_x34_a_routers_way_by_nexthop_object_moves_as_a_plain_route(uplink):
    """So systemd-networkd 257 makes the default route of an advertisement."""
    with lan(host=HOST4, echo=False) as made:
        batch(
            made.host,
            "address add fd77::10/64 dev eth0 nodad\nnexthop add id 7 via fe80::1 dev eth0\n"
            "route add ::/0 nhid 7 proto ra metric 1024\n",
        )
        before = dump(made.host)
        assert uplink(made.host)["changed"]
        assert ways(made.host) == [("br0", "fe80::1", "ra")]
        assert uplink(made.host)["changed"] is False
        assert uplink(made.host, state="absent")["changed"]
        assert ways(made.host) == [("eth0", "fe80::1", "ra")]
        assert differences(before["routes4"], dump(made.host)["routes4"]) == []


def test_x34_a_routers_way_beside_a_static_one_of_the_same_metric_is_its_managers(uplink):
    with lan(host=HOST4, echo=False) as made:
        batch(
            made.host,
            "address add fd77::10/64 dev eth0 nodad\nroute add ::/0 via fd77::1 metric 1024\n"
            "nexthop add id 7 via fe80::1 dev eth0\nroute append ::/0 nhid 7 proto ra metric 1024\n",
        )
        assert uplink(made.host)["changed"]
        assert ("br0", "fd77::1", "boot") in ways(made.host)


def _load() -> int:
    """An XDP program that passes everything on, as a file descriptor."""
    if platform.machine() not in _BPF_CALL:
        pytest.skip(f"the number of the bpf call on {platform.machine()} is not known here")
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(_PASS_EVERYTHING)
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        "=IIQQ", _BPF_PROG_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(licence)
    ).ljust(72, b"\0")
    number = libc.syscall(
        _BPF_CALL[platform.machine()], _BPF_PROG_LOAD, attributes, len(attributes)
    )
    if number < 0:
        pytest.skip(f"this kernel loads no BPF program: {os.strerror(ctypes.get_errno())}")
    return number


def _attach(program: int) -> None:
    # the descriptor; in the generic way
    nested = struct.pack("=HHi", 8, 1, program) + struct.pack("=HHI", 8, 3, 2)
    xdp = struct.pack("=HH", 4 + len(nested), 43 | 0x8000) + nested
    body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex("eth0"), 0, 0) + xdp
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as door:
        door.send(struct.pack("=IHHII", 16 + len(body), 16, 5, 1, 0) + body)
        (error,) = struct.unpack_from("=i", door.recv(4096), 16)
    if error:
        raise OSError(-error, os.strerror(-error))
