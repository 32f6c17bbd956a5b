# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group B for bridges, ports and taps: whatever goes wrong at whichever write, the host is as it was before."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json
from ansible_collections.hypervisor.network.tests.harness.net.netns import run as run_program
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

HOST = """
link add br0 address 02:00:00:00:00:b0 type bridge forward_delay 0 priority 100
link add br1 address 02:00:00:00:00:b1 type bridge ageing_time 500 mcast_querier 1
link set br0 up
address add 2001:db8:8::1/64 dev br0 nodad
link set br1 up alias old mtu 1400
address add 10.9.0.1/24 dev br1
address add 2001:db8:9::1/64 dev br1 nodad
link add v0 up type veth peer name v1
link set v1 up
link set v0 master br0
link set v0 type bridge_slave cost 7 isolated on
tuntap add tap1 mode tap
link set tap1 address 02:00:00:00:00:01
tuntap add tap2 mode tap user 1 pi
link set tap2 address 02:00:00:00:00:02 mtu 1300 master br0 up
link set tap2 type bridge_slave hairpin on learning off priority 5
tuntap add tap3 mode tap
link set tap3 address 02:00:00:00:00:03 master br1 up
link set tap3 type bridge_slave flood off
link add v2 up type veth peer name v3
link set v3 up
link set v2 master br1
"""
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "bridges": (
        "linux_bridge",
        {
            "guard_mode": "never",  # what a guard does is c_guard's
            "bridges": [
                {"name": "br1", "state": "absent", "force": True},
                {
                    "name": "br0", "mac": "02:00:00:00:00:0f", "mtu": 1280, "txqueuelen": 5, "alias": "new", "up": False,
                    "stp_state": True, "forward_delay": 4, "priority": 0, "group_fwd_mask": 8,
                },
                {"name": "br2", "mac": "02:00:00:00:00:b2", "mtu": 1400, "alias": "two", "up": True, "hello_time": 1, "mcast_router": 2},
                {"name": "br3", "up": True},
            ]
        },
    ),
    "ports": (
        "bridge_port",
        {
            "guard_mode": "never",
            "ports": [
                {"name": "tap1", "bridge": "br0", "up": True, "cost": 9},
                {"name": "v0", "bridge": "br0", "cost": 8, "isolated": False, "port_state": "learning"},
                {"name": "tap3", "bridge": "br0", "steal": True, "isolated": True},
                {"name": "tap2", "state": "absent", "up": False},
                {"name": "v2", "bridge": "br1", "up": False},
            ]
        },
    ),
    "taps": (
        "tap_device",
        {
            "taps": [
                {"name": "tap1", "owner": "1", "vnet_hdr": True, "alias": "mine", "mtu": 1400, "up": True},
                {"name": "tap2", "multi_queue": True, "mtu": 1400},
                {"name": "tap3", "state": "absent"},
                {"name": "tap4", "owner": "1", "mac": "02:00:00:00:00:04", "up": True},
                {"name": "tun0", "mode": "tun", "mtu": 1400, "txqueuelen": 7, "up": True},
            ]
        },
    ),
}  # fmt: skip
FAILURES = {
    "eperm": {"errno": errno.EPERM},
    "enobufs": {"errno": errno.ENOBUFS},
    "interrupt": {"interrupt": True},
}


@pytest.fixture(params=list(PYTHONS))
def host(request: pytest.FixtureRequest, netns: str, target_path: str) -> Iterator[Modules]:
    python = PYTHONS[request.param]
    if python is None:
        pytest.skip(f"there is no interpreter with {request.param} here: run it through make")
    # nothing to wait for in each of a hundred rounds
    run_program("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", netns=netns)
    batch(netns, HOST)
    with Modules(netns, python, target_path) as modules:
        yield modules


def changed(before: dict[str, Any], host: Modules) -> list[str]:
    """What differs from before, of what can be set.

    Not the queue discipline, which a device is given when it is up for the first time, for good; not the operational state of an idle TAP,
    which the kernel works out in its own time, and with it the state of its port.
    """
    own = ("/qdisc:", "/operstate:", "NO-CARRIER", "/state: disabled is now forwarding")
    return [
        line
        for line in differences(before, settled(host.netns))
        if not any(word in line for word in own)
    ]


@pytest.mark.parametrize("run", list(RUNS))
def test_b02_a_failure_at_any_write_leaves_the_host_as_it_was(host: Modules, run: str) -> None:
    module, args = RUNS[run]
    before = settled(host.netns)
    for number in itertools.count(1):
        kind = list(FAILURES)[number % len(FAILURES)]
        answer = host.order(module, args, fail={"at": number, **FAILURES[kind]})
        if answer["writes"] < number:
            break
        where = f"{kind} at write {number}"
        assert changed(before, host) == [], f"{where}: {answer}"
        if kind == "interrupt":
            assert "KeyboardInterrupt" in answer["traceback"], where
        else:
            message = answer["result"]["msg"]
            assert (
                answer["result"]["failed"]
                and kind.upper() in message
                and "the host is as it was before" in message
            ), where
            assert "\n" not in message and "changed" not in answer["result"]
    assert number > 8 and answer["result"]["changed"], answer
    assert not host.done(module, **args)["changed"]


@pytest.mark.parametrize("run", list(RUNS))
def test_x01_an_undo_that_fails_too_says_that_the_host_is_half_changed(
    host: Modules, run: str
) -> None:
    module, args = RUNS[run]
    answer = host.order(module, args, fail={"at": 6, "errno": errno.EPERM, "for": 99})
    message = answer["result"]["msg"]
    assert "half changed" in message and "is as it was" not in message and "\n" not in message


def test_x02_a_kernel_refusal_in_the_middle_of_a_list_of_100_leaves_the_host_as_it_was(
    host: Modules,
) -> None:
    """A real one: the kernel's own limit for the MTU of a TAP is a little lower than for other devices."""
    before = settled(host.netns)
    taps = [{"name": f"t{number}", "mtu": 1400 if number != 50 else 65530} for number in range(100)]
    message = host.refused("tap_device", taps=taps, up=True)
    assert "set the MTU 65530 of t50" in message and "the host is as it was before" in message
    assert changed(before, host) == []


def test_x05_a_port_whose_carrier_the_kernel_has_not_noted_yet_gets_its_state_a_moment_later(
    host: Modules,
) -> None:
    wish = {
        "ports": [{"name": "v0", "bridge": "br0", "port_state": "learning"}],
        "guard_mode": "never",
    }
    # what the kernel says until then
    answer = host.order("bridge_port", wish, fail={"at": 1, "errno": errno.ENETDOWN})
    assert answer["result"].get("changed") and answer["writes"] == 2, answer
    (link,) = ip_json(host.netns, "-d", "link", "show", "v0")
    assert link["linkinfo"]["info_slave_data"]["state"] == "learning"


def test_x05_a_port_without_a_carrier_gets_none(host: Modules) -> None:
    before = settled(host.netns)
    message = host.refused("bridge_port", name="tap2", bridge="br0", port_state="learning")
    assert "the device is down (ENETDOWN)" in message and "the host is as it was before" in message
    assert changed(before, host) == []


def test_x03_a_port_that_somebody_else_deletes_meanwhile(host: Modules) -> None:
    """The plan is sound, then a device of it is gone: the others return to where they were, and nothing is made up for what is gone."""
    ports = [{"name": name, "bridge": "br1", "steal": True} for name in ("v0", "tap2")]
    answer = host.order(
        "bridge_port",
        {"ports": ports, "guard_mode": "never"},
        fail={"at": 2, "meanwhile": ["ip", "link", "delete", "tap2"]},
    )
    assert (
        "tap2" in answer["result"]["msg"]
        and "(ENODEV)" in answer["result"]["msg"]
        and "was undone" in answer["result"]["msg"]
    )
    links = {link["ifname"]: link for link in ip_json(host.netns, "-d", "link")}
    assert "tap2" not in links and links["v0"]["master"] == "br0"
    slave = links["v0"]["linkinfo"]["info_slave_data"]
    assert slave["cost"] == 7 and slave["isolated"] and slave["state"] == "forwarding"


def test_x04_what_somebody_else_deleted_first_is_gone_and_fine(host: Modules) -> None:
    taps = [{"name": name} for name in ("tap1", "tap2", "tap3")]
    answer = host.order(
        "tap_device",
        {"taps": taps, "state": "absent"},
        fail={"at": 2, "meanwhile": ["ip", "link", "delete", "tap2"]},
    )
    assert answer["result"].get("failed") is not True, answer
    assert not {link["ifname"] for link in ip_json(host.netns, "link")} & {"tap1", "tap2", "tap3"}
