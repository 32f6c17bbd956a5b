# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups A, B, D and K for forwarding entries: bad input, failures in the middle, two runs at once, and ten thousand."""

from __future__ import annotations

import errno
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, RunModule, needs_root
from ansible_collections.hypervisor.network.tests.harness.net.netns import Namespaces, batch, run
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

MANY = 10_000
HOST = """
link add br0 address 02:00:00:00:00:b0 type bridge
link set br0 up
link add br1 type bridge
link add v0 address 02:00:00:00:00:01 up type veth peer name far0
link add v1 address 02:00:00:00:00:02 up type veth peer name far1
link set far0 addrgenmode none up
link set far1 addrgenmode none up
link set v0 master br0
link set v1 master br0
"""
ENTRIES = """
fdb add 02:aa:00:00:00:01 dev v0 master static
fdb add 02:aa:00:00:00:02 dev v0 master static sticky
fdb add 02:aa:00:00:00:03 dev v0 master dynamic extern_learn
fdb add 02:aa:00:00:00:04 dev v1 master permanent
fdb add 02:aa:00:00:00:05 dev v1 master dynamic
fdb add 02:aa:00:00:00:06 dev v1 master static
fdb add 02:aa:00:00:00:07 dev v1 master dynamic extern_learn
fdb replace 02:aa:00:00:00:07 dev v1 master static
"""
WISH: dict[str, Any] = {
    "bridge": "br0",
    "port": "v1",
    "flush": {"type": "static"},
    "entries": [
        {"mac": "02:aa:00:00:00:01"},
        {"mac": "02:aa:00:00:00:02", "sticky": False, "port": "br0", "type": "permanent"},
        {"mac": "02:aa:00:00:00:03", "type": "static"},
        {"mac": "02:aa:00:00:00:04", "extern_learn": True},
        {"mac": "02:aa:00:00:00:05", "type": "dynamic", "state": "absent"},
        {"mac": "02:aa:00:00:00:08", "sticky": True},
    ],
}


@pytest.fixture(scope="module")
def one_host(target_path: str) -> Iterator[Modules]:
    """For what changes nothing: one host for all."""
    needs_root()
    with Namespaces("fdb") as names:
        batch(names["fdb"], HOST)
        run("bridge", "-n", names["fdb"], "-batch", "-", stdin=ENTRIES)
        with Modules(names["fdb"], str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules:
            yield modules


@pytest.fixture(params=list(PYTHONS))
def host(request: pytest.FixtureRequest, netns: str, target_path: str) -> Iterator[Modules]:
    python = PYTHONS[request.param]
    if python is None:
        pytest.skip(f"there is no interpreter with {request.param} here: run it through make")
    batch(netns, HOST)
    run("bridge", "-n", netns, "-batch", "-", stdin=ENTRIES)
    with Modules(netns, python, target_path) as modules:
        yield modules


def entries(netns: str) -> set[tuple[Any, ...]]:
    """The entries of all bridges as iproute2 tells them, without their ages."""
    found = json.loads(run("bridge", "-n", netns, "-j", "fdb", "show"))
    return {
        (one["mac"], one["ifname"], one["master"], one["state"], *sorted(one["flags"]))
        for one in found
        if "master" in one
    }


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"mac": "00:00:00:00:00:00", "port": "v0"}, ["all zero"]),
        ({"mac": "01:00:5e:00:00:fb", "port": "v0"}, ["multicast"]),
        ({"mac": "ff:ff:ff:ff:ff:ff", "state": "absent"}, ["multicast"]),
        ({"mac": "02:aa:00:00:00", "port": "v0"}, ["not a MAC address"]),
        ({"mac": "02:00:00:00:00:02", "port": "v0"}, ["v1 itself"]),
        ({"mac": "02:00:00:00:00:02", "state": "absent", "type": "permanent"}, ["v1 itself"]),
        ({"mac": "02:00:00:00:00:b0", "port": "br0", "type": "permanent"}, ["br0 itself"]),
        ({"mac": "02:aa:00:00:00:09"}, ["'port' is missing"]),
        ({"mac": "02:aa:00:00:00:09", "port": "far0"}, ["far0 is no port of br0"]),
        ({"mac": "02:aa:00:00:00:09", "port": "nic9"}, ["nic9 is no device"]),
        ({"mac": "02:aa:00:00:00:09", "port": "a-name-of-16-byt"}, ["15 bytes"]),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "bridge": "br1"}, ["v0 is no port of br1"]),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "bridge": "br9"}, ["no bridge br9"]),
        (
            {"mac": "02:aa:00:00:00:09", "port": "v0", "bridge": "far0"},
            ["far0 is no bridge", "'veth'"],
        ),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "bridge": "%d"}, ["bridge '%d'"]),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "vlan": 4095}, ["vlan 4095"]),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "vlan": -1}, ["vlan -1"]),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "type": "local"}, ["local"]),
        (
            {"mac": "02:aa:00:00:00:09", "port": "v0", "type": "permanent", "sticky": True},
            ["sticky"],
        ),
        (
            {"mac": "02:aa:00:00:00:09", "port": "v0", "type": "static", "extern_learn": True},
            ["extern_learn", "static"],
        ),
        ({"mac": "02:aa:00:00:00:09", "port": "br0"}, ["type: permanent"]),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "frobnicate": True}, ["frobnicate"]),
        ({"mac": "02:aa:00:00:00:09", "port": "v0", "entries": []}, ["Both 'mac' and 'entries'"]),
        ({}, ["Nothing is named"]),
        ({"flush": {"port": "far0"}}, ["far0 is no port of br0"]),
        ({"flush": {"type": "all"}}, ["all"]),
        ({"flush": {"frobnicate": 1}}, ["frobnicate"]),
        ({"flush": {}, "bridge": "br9"}, ["no bridge br9"]),
        ({"flush": {}, "bridge": "v0"}, ["v0 is no bridge"]),
        ({"entries": [{"mac": "02:aa:00:00:00:09"}, {"port": "v0"}]}, ["'port' is missing"]),
        (
            {"port": "v0", "entries": [{"mac": "02:aa:00:00:00:0A"}, {"mac": "02aa.0000.000a"}]},
            ["02:aa:00:00:00:0a in br0 is listed twice"],
        ),
        (
            {
                "port": "v0",
                "entries": [
                    {"mac": "02:aa:00:00:00:09"},
                    {"mac": "02:aa:00:00:00:0a", "port": "far1"},
                ],
            },
            ["far1 is no port"],
        ),
    ],
)
def test_a_what_can_not_be_meant_is_refused_in_one_sentence(
    one_host: Modules, args: dict[str, Any], words: list[str]
) -> None:
    before = entries(one_host.netns)
    for check in (True, False):
        answer = one_host.order("bridge_fdb", {"bridge": "br0", **args}, check=check)
        assert answer["traceback"] is None and answer["writes"] == 0, answer
        message = answer["result"]["msg"]
        assert (
            answer["result"]["failed"]
            and "\n" not in message
            and all(word in message for word in words)
        ), message
    assert entries(one_host.netns) == before


def test_a_a_dynamic_entry_on_a_port_that_is_disabled_is_refused_before_the_kernel_does(
    host: Modules,
) -> None:
    run("bridge", "-n", host.netns, "link", "set", "dev", "v0", "state", "0")
    assert "v0 is disabled" in host.refused(
        "bridge_fdb", bridge="br0", mac="02:aa:00:00:00:09", port="v0", type="dynamic"
    )
    assert host.done("bridge_fdb", bridge="br0", mac="02:aa:00:00:00:09", port="v0")["changed"]


@pytest.mark.parametrize("kind", ["eperm", "enobufs", "interrupt"])
def test_b02_a_failure_at_any_write_leaves_the_entries_as_they_were(
    host: Modules, kind: str
) -> None:
    before = entries(host.netns)
    failure = (
        {"interrupt": True} if kind == "interrupt" else {"errno": getattr(errno, kind.upper())}
    )
    for number in itertools.count(1):
        answer = host.order("bridge_fdb", WISH, fail={"at": number, **failure})
        if answer["writes"] < number:
            break
        assert entries(host.netns) == before, f"{kind} at write {number}"
        if kind == "interrupt":
            assert "KeyboardInterrupt" in answer["traceback"]
        else:
            message = answer["result"]["msg"]
            assert (
                kind.upper() in message
                and "the host is as it was before" in message
                and "\n" not in message
            )
    assert number > 8 and answer["result"]["changed"], answer
    assert not host.done(
        "bridge_fdb",
        **{**WISH, "entries": [one for one in WISH["entries"] if one.get("state") != "absent"]},
    )["changed"]


def test_b02_a_real_refusal_in_the_middle_of_a_hundred_takes_back_what_came_after_it_too(
    host: Modules,
) -> None:
    """Messages go in one datagram: after the one that is refused the kernel goes on."""
    run("ip", "-n", host.netns, "link", "set", "v1", "nomaster")
    before = entries(host.netns)
    run("ip", "-n", host.netns, "link", "set", "v1", "master", "br0")
    many = [
        {"mac": f"02:bb:00:00:00:{number:02x}", "port": "v1" if number == 50 else "v0"}
        for number in range(100)
    ]
    meanwhile = ["ip", "link", "set", "v1", "nomaster"]
    answer = host.order(
        "bridge_fdb", {"bridge": "br0", "entries": many}, fail={"at": 51, "meanwhile": meanwhile}
    )
    message = answer["result"]["msg"]
    assert (
        "02:bb:00:00:00:32 in br0 to v1" in message and "the host is as it was before" in message
    ), message
    assert entries(host.netns) == before


def test_x01_an_undo_that_fails_too_says_that_the_host_is_half_changed(host: Modules) -> None:
    message = host.order("bridge_fdb", WISH, fail={"at": 4, "errno": errno.EPERM, "for": 99})[
        "result"
    ]["msg"]
    assert "half changed" in message and "is as it was" not in message and "\n" not in message


def test_x04_what_is_gone_already_is_gone_and_fine(host: Modules) -> None:
    """Whether it aged out or somebody else was faster."""
    wish = {
        "bridge": "br0",
        "entries": [{"mac": f"02:aa:00:00:00:0{number}"} for number in (1, 2, 6)],
        "state": "absent",
    }
    meanwhile = ["bridge", "fdb", "delete", "02:aa:00:00:00:02", "dev", "v0", "master"]
    answer = host.order("bridge_fdb", wish, fail={"at": 2, "meanwhile": meanwhile})
    assert answer["result"].get("failed") is not True and answer["result"]["changed"], answer
    assert not {one[0] for one in entries(host.netns)} & {one["mac"] for one in wish["entries"]}


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP])
def test_x_a_kernel_before_5_19_is_flushed_one_by_one(host: Modules, code: int) -> None:
    flush = {"bridge": "br0", "flush": {"type": "static"}}
    before = entries(host.netns)
    one_by_one = host.order("bridge_fdb", flush, fail={"at": 1, "errno": code})
    assert one_by_one["result"].get("failed") is not True and one_by_one["writes"] == 4, one_by_one
    assert entries(host.netns) == {
        one for one in before if one[3] != "static" or "extern_learn" in one
    }
    run(
        "bridge",
        "-n",
        host.netns,
        "fdb",
        "add",
        "02:aa:00:00:00:01",
        "dev",
        "v0",
        "master",
        "static",
    )
    assert host.order("bridge_fdb", flush)["writes"] == 1, "newer kernels take one message"


def test_k03_ten_thousand_static_entries_in_one_task(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    batch(netns, HOST)
    macs = [f"02:cc:00:00:{number >> 8:02x}:{number & 255:02x}" for number in range(MANY)]
    wish = {"bridge": "br0", "port": "v0", "entries": [{"mac": mac} for mac in macs]}
    first = run_module("bridge_fdb", wish, netns, python=target_python)
    assert not first["failed"] and len(first["changes"]) == MANY, first.get("msg")
    assert {one[0] for one in entries(netns) if one[3] == "static"} == set(macs)
    assert not run_module("bridge_fdb", wish, netns, python=target_python)["changed"]
    moved = run_module("bridge_fdb", {**wish, "port": "v1"}, netns, python=target_python)
    assert {change["action"] for change in moved["changes"]} == {"update"} and {
        one[1] for one in entries(netns) if one[3] == "static"
    } == {"v1"}
    flushed = run_module(
        "bridge_fdb", {"bridge": "br0", "flush": {"type": "static"}}, netns, python=target_python
    )
    assert len(flushed["changes"]) == MANY and not {
        one for one in entries(netns) if one[3] == "static"
    }


def test_d02_two_lists_at_once_do_both(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    batch(netns, HOST)
    lists = [
        [{"mac": f"02:{first}:00:00:00:{number:02x}"} for number in range(200)]
        for first in ("dd", "ee")
    ]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(
                run_module,
                "bridge_fdb",
                {"bridge": "br0", "port": "v0", "entries": one},
                netns,
                python=target_python,
            )
            for one in lists
        ]
        results = [job.result() for job in jobs]
    assert [result.get("msg") for result in results] == [None, None]
    assert {one[0] for one in entries(netns) if one[3] == "static"} == {
        item["mac"] for one in lists for item in one
    }
