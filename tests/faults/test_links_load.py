# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups D and K for bridges, ports and taps: thousands, the kernel's limit, and two runs at once. How long it takes is told by make bench."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, RunModule
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

MOST = 1023


@pytest.fixture
def host(netns: str, target_path: str) -> Iterator[Modules]:
    batch(netns, "link add br0 type bridge\nlink set br0 up\n")
    with Modules(netns, str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules:
        yield modules


def masters(netns: str) -> dict[str, str | None]:
    """The taps and the bridge of each."""
    return {
        link["ifname"]: link.get("master")
        for link in ip_json(netns, "-d", "link", "show", "type", "tun")
    }


def named(prefix: str, count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"name": f"{prefix}{number}"} for number in range(first, first + count)]


def test_k01_k06_a_thousand_taps_as_ports_and_a_bridge_that_goes_without_them(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    batch(netns, "link add br0 type bridge\nlink set br0 up\n")
    taps = {"taps": named("tap", 1000), "owner": "1"}
    ports = {"ports": named("tap", 1000), "bridge": "br0", "up": True, "isolated": True}
    for module, args in (("tap_device", taps), ("bridge_port", ports)):
        result = run_module(module, args, netns, python=target_python)
        assert not result["failed"] and len(result["changes"]) == 1000, result.get("msg")
        again = run_module(module, args, netns, python=target_python)
        assert not again["failed"] and not again["changed"]
    assert masters(netns) == {f"tap{number}": "br0" for number in range(1000)}
    refused = run_module(
        "linux_bridge", {"name": "br0", "state": "absent"}, netns, python=target_python
    )
    assert (
        refused["failed"] and "tap0, tap1," in refused["msg"] and "and 990 more" in refused["msg"]
    )
    gone = run_module(
        "linux_bridge",
        {"name": "br0", "state": "absent", "force": True},
        netns,
        python=target_python,
    )
    assert not gone["failed"], gone["msg"]
    assert masters(netns) == {f"tap{number}": None for number in range(1000)}


def test_k02_b04_the_1024th_port_is_refused_before_anything_changes_and_a_full_bridge_gives_back_what_it_took(
    host: Modules,
) -> None:
    batch(
        host.netns,
        "link add br1 type bridge\nlink set br1 up\ntuntap add late mode tap\ntuntap add guest mode tap\n",
    )
    batch(
        host.netns,
        "link set guest master br1 up\nlink set guest type bridge_slave isolated on cost 9\n",
    )
    host.done("tap_device", taps=named("tap", MOST))
    host.done("bridge_port", ports=named("tap", 1000), bridge="br0")
    before = masters(host.netns)
    message = host.refused(
        "bridge_port", ports=[*named("tap", 23, 1000), {"name": "late"}], bridge="br0"
    )
    assert message.startswith(
        "br0 has 1000 ports and would get 24 more; the kernel's limit is 1023"
    )
    assert masters(host.netns) == before
    host.done("bridge_port", ports=named("tap", 22, 1000), bridge="br0")
    # one place is left when it is planned, and none when it is carried out: the kernel has detached the guest's tap by then
    wish = {"name": "guest", "bridge": "br0", "steal": True}
    answer = host.order(
        "bridge_port",
        wish,
        fail={"at": 1, "meanwhile": ["ip", "link", "set", "tap1022", "master", "br0"]},
    )
    assert (
        "1023 ports already; use a second bridge (EXFULL)" in answer["result"]["msg"]
        and "the host is as it was before" in answer["result"]["msg"]
    )
    guest = ip_json(host.netns, "-d", "link", "show", "guest")[0]
    assert (
        guest["master"] == "br1"
        and guest["linkinfo"]["info_slave_data"]["isolated"]
        and guest["linkinfo"]["info_slave_data"]["cost"] == 9
    )
    assert "UP" in guest["flags"]
    assert host.refused("bridge_port", **wish).startswith("br0 has 1023 ports and would get 1 more")
    # room that the same run makes counts
    swapped = host.done("bridge_port", ports=[{**wish}, {"name": "tap5", "state": "absent"}])
    assert [change["action"] for change in swapped["changes"]] == ["detach", "attach"]
    now = masters(host.netns)
    assert now["guest"] == "br0" and now["tap5"] is None and list(now.values()).count("br0") == MOST


def test_d02_two_lists_at_once_do_both(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    batch(
        netns,
        "".join(f"link add {name} type bridge\nlink set {name} up\n" for name in ("br0", "br1")),
    )

    def one(prefix: str, bridge: str) -> list[dict[str, Any]]:
        many = named(prefix, 200)
        return [
            run_module("tap_device", {"taps": many}, netns, python=target_python),
            run_module(
                "bridge_port",
                {"ports": many, "bridge": bridge, "up": True},
                netns,
                python=target_python,
            ),
            run_module(
                "bridge_port",
                {"ports": many, "bridge": bridge, "up": True},
                netns,
                python=target_python,
            ),
        ]

    with ThreadPoolExecutor(2) as pool:
        runs = [
            job.result() for job in [pool.submit(one, "a", "br0"), pool.submit(one, "b", "br1")]
        ]
    for results in runs:
        assert [result.get("msg") for result in results] == [None, None, None]
        assert [result["changed"] for result in results] == [True, True, False]
    assert masters(netns) == {
        f"{prefix}{number}": bridge
        for prefix, bridge in (("a", "br0"), ("b", "br1"))
        for number in range(200)
    }


def test_d02_the_same_list_twice_at_once_ends_as_wished(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    """Who comes second either sees the work done, or that somebody was faster, in one sentence; nobody undoes the other's work."""
    many = named("tap", 100)
    for state in ("present", "absent"):
        with ThreadPoolExecutor(2) as pool:
            jobs = [
                pool.submit(
                    run_module,
                    "tap_device",
                    {"taps": many, "state": state},
                    netns,
                    python=target_python,
                )
                for _each in "ab"
            ]
            results = [job.result() for job in jobs]
        assert [result.get("msg") for result in results] == [None, None]
        assert len(masters(netns)) == (100 if state == "present" else 0)
