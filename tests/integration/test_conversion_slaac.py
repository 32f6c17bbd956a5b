# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that configures its IPv6 itself from a router's advertisements: address and routes move with their lifetimes, and are renewed there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.guard.guarded import Transactions, convert
from ansible_collections.hypervisor.network.tests.harness.net.advertised import advertise
from ansible_collections.hypervisor.network.tests.harness.net.lan import HOST4, Lan, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

ADDRESS = "fd77::ff:fe77:10"  # from the MAC
ADVERTISED = 60  # seconds that a router is one after an advertisement
# in its first minute dnsmasq waits 5 to 20 s between two advertisements, whatever ra-param says (radv.c)
HEARD = 30.0


@pytest.fixture
def host() -> Iterator[Lan]:
    needs_root()
    folder = Path(tempfile.mkdtemp(prefix="hn-ra-"))
    try:
        with lan(host=HOST4) as made:
            made.start(
                made.router, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=lan", "--bind-interfaces", "--no-resolv",
                "--no-hosts", "--user=root", "--pid-file=", "--enable-ra", "--dhcp-range=fd77::,ra-only,64,120", f"--ra-param=lan,4,{ADVERTISED}",
                f"--log-facility={folder / 'log'}", f"--dhcp-leasefile={folder / 'leases'}",
            )  # fmt: skip
            wait_for(
                lambda: settled(made.host, "eth0") and default(made.host),
                "an address and a route by the router",
                HEARD,
            )
            yield made
    finally:
        shutil.rmtree(folder)


def settled(netns: str, dev: str) -> dict[str, Any] | None:
    """The host's own address on a device, once it is no longer tentative."""
    (link,) = ip_json(netns, "-6", "address", "show", "dev", dev) or [{"addr_info": []}]
    found = [
        one
        for one in link.get("addr_info", [])
        if one.get("local") == ADDRESS and not one.get("tentative")
    ]
    return found[0] if found else None


def default(netns: str) -> list[dict[str, Any]]:
    return ip_json(netns, "-6", "route", "show", "default")


def ways(route: dict[str, Any]) -> tuple[Any, ...]:
    """Without the protocol: one that moved has the word boot where the kernel's own has ra."""
    return (route["dev"], route["gateway"], route["metric"])


def renewed(netns: str, dev: str) -> None:
    """Wait until the address was renewed by an advertisement: whole seconds, so only after going down can its lifetime be seen to go up."""
    left: list[int] = []

    def longer() -> bool:
        left.append((settled(netns, dev) or {"valid_life_time": 0})["valid_life_time"])
        return left[-1] > min(left)

    wait_for(longer, f"the address is renewed on {dev}", HEARD)


def test_slaac_moves_to_the_bridge_is_renewed_there_and_comes_back(run_module, host):
    def uplink(**options: Any) -> dict[str, Any]:
        result = run_module(
            "bridge_uplink",
            {"name": "eth0", "bridge": "br0", "guard_timeout": 0, **options},
            host.host,
        )
        assert not result["failed"], result
        return result

    (before,) = default(host.host)
    counted = host.under_load(uplink, ADDRESS)
    assert {ways(one) for one in default(host.host)} == {
        ("br0", before["gateway"], before["metric"])
    }
    assert 0 < default(host.host)[0]["expires"] <= ADVERTISED
    address = settled(host.host, "br0")
    assert (
        address is not None
        and address["valid_life_time"] <= 120
        and settled(host.host, "eth0") is None
    )
    assert uplink()["changes"] == []

    # the next advertisement is heard to its end: the kernel takes the default route for its own
    renewed(host.host, "br0")
    assert {ways(one) for one in default(host.host)} == {
        ("br0", before["gateway"], before["metric"])
    }
    (link,) = ip_json(host.host, "-6", "address", "show", "dev", "br0", "scope", "global")
    assert [one["local"] for one in link["addr_info"] if one] == [ADDRESS]
    prefixes = [
        (one["dev"], "expires" in one)
        for one in ip_json(host.host, "-6", "route", "show", "fd77::/64")
    ]
    assert prefixes == [("br0", True)]
    assert uplink()["changes"] == []

    back = host.under_load(lambda: uplink(state="absent"), ADDRESS)
    assert {ways(one) for one in default(host.host)} == {ways(before)}
    assert settled(host.host, "eth0") is not None
    renewed(host.host, "eth0")
    for count in (counted, back):
        assert count["tcp"]["died"] == 0 and count["udp6"]["lost"] <= 5, count


@pytest.mark.parametrize("back", ["absent", "rollback"])
def test_a_router_that_nobody_asks_is_heard_to_the_end_of_what_it_says(run_module, back):
    """Nothing of what it says later would be, were the default route that moved none of the kernel's own."""
    needs_root()

    def told(dev: str, seconds: int) -> None:
        def lives() -> bool:
            advertise(made.router, "lan", "fd77::", seconds)
            address = settled(made.host, dev)
            return address is not None and address["valid_life_time"] > seconds - 100

        wait_for(lives, f"the address lives on {dev} as the router says now", HEARD)
        (way,) = default(made.host)
        assert way["dev"] == dev and 1700 < way["expires"] <= 1800

    with lan(host=HOST4) as made, Transactions(made.host) as hand:
        told("eth0", 8000)
        if back == "rollback":
            answer = convert(made.host, 2.0)
            assert answer["error"] is None
            hand.wait()
            assert hand.state(answer["id"]) == "rolled-back", hand.facts(answer["id"])
        else:
            options = {"name": "eth0", "bridge": "br0", "guard_timeout": 0}
            assert not run_module("bridge_uplink", options, made.host)["failed"]
            told("br0", 9000)
            again = run_module("bridge_uplink", options, made.host)
            assert again["changed"] is False, again
            gone = run_module("bridge_uplink", {**options, "state": "absent"}, made.host)
            assert not gone["failed"], gone
        told("eth0", 10000)
