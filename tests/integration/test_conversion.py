# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bridge_uplink on a host that is in use: nothing of its network is lost, and hardly a packet."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.guard.steps import Steps
from ansible_collections.hypervisor.network.tests.harness.guard.wanted import (
    comparable,
    moved,
    without,
)
from ansible_collections.hypervisor.network.tests.harness.net.dhcp import dhcp_lan
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, dump, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import (
    ADDRESS6,
    HOST4,
    HOST6,
    NIC,
    NIC_MAC,
    lan,
    stalled,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json

pytestmark = pytest.mark.usefixtures("root")

UPLINK = {"name": "eth0", "bridge": "br0", "guard_timeout": 0}
# More than the usual host has: rules that name the device, a permanent neighbour, a second way out, a preferred source.
RICH = """
rule add oif eth0 lookup 101 priority 2000
rule add from ::/0 iif eth0 lookup 102 priority 2001
route add 203.0.113.0/24 via 10.77.0.1 src 10.77.0.11 table 101 mtu 1400
route add 198.51.100.0/24 nexthop via 10.77.0.1 dev eth0 weight 1 nexthop via 192.168.99.1 dev eth0 weight 2
neighbor add 10.77.0.7 lladdr 02:00:00:00:00:07 dev eth0 nud permanent
"""


@pytest.fixture
def root() -> None:
    needs_root()


@pytest.fixture
def uplink(run_module):
    """Run bridge_uplink in a host, and fail with its message where it fails."""

    def run(netns: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        result = run_module("bridge_uplink", {**UPLINK, **options}, netns, check=check)
        assert not result["failed"], result
        return result

    return run


def test_static_host_loses_no_packet_in_the_median_and_no_session(uplink):
    runs = []
    for _number in range(5):
        with lan() as made:
            runs.append(made.under_load(lambda: uplink(made.host)))
            assert all(made.all_reachable().values())
    for flow in ("udp4", "udp6"):
        lost = [one[flow]["lost"] for one in runs]
        assert statistics.median(lost) == 0 and max(lost) <= 5, runs
    assert all(not one["tcp"]["died"] and stalled(one) <= 250 for one in runs), runs


@pytest.mark.parametrize("extra", ["", RICH], ids=["usual", "rich"])
def test_static_host_has_everything_on_the_bridge_and_nothing_else_changed(uplink, extra):
    with lan(host=HOST4 + HOST6 + extra) as made:
        before = settled(made.host)
        assert uplink(made.host)["changed"]
        after = settled(made.host)
    assert differences(moved(before), comparable(after)) == []
    assert after["links"][NIC]["master"] == "br0"
    assert after["links"]["br0"]["address"] == NIC_MAC and "UP" in after["links"]["br0"]["flags"]
    bridge = after["links"]["br0"]["linkinfo"]["info_data"]
    assert (bridge["stp_state"], bridge["forward_delay"]) == (0, 0)
    for family in ("ipv4", "ipv6"):
        assert (
            differences(before["sysctls"][f"{family}/all"], after["sysctls"][f"{family}/all"]) == []
        )
    assert after["sysctls"]["ipv4/br0"]["rp_filter"] == before["sysctls"]["ipv4/eth0"]["rp_filter"]
    assert (
        after["sysctls"]["ipv6/br0"]["accept_dad"] == before["sysctls"]["ipv6/eth0"]["accept_dad"]
    )


def test_the_bridge_takes_over_an_mtu_of_the_nic(uplink):
    with lan(host="link set eth0 mtu 1400\n" + HOST4 + HOST6) as made:
        uplink(made.host)
        assert ip_json(made.host, "link", "show", "br0")[0]["mtu"] == 1400


def test_second_run_changes_nothing(uplink):
    with lan() as made:
        uplink(made.host)
        before = settled(made.host)
        again = uplink(made.host)
        assert again["changed"] is False and again["changes"] == []
        assert differences(before, settled(made.host)) == []


def test_check_mode_predicts_the_run_and_changes_nothing(uplink):
    with lan() as made:
        before = settled(made.host)
        predicted = uplink(made.host, check=True)
        assert differences(before, settled(made.host)) == []
        done = uplink(made.host)
    assert predicted["changed"] is True
    assert _without_learned(predicted["changes"]) == _without_learned(done["changes"])


def _without_learned(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which neighbours are known is the traffic's business, and changes between two runs."""
    return [one for one in changes if one["kind"] != "neighbour"]


@pytest.mark.parametrize("extra", ["", RICH], ids=["usual", "rich"])
def test_absent_gives_the_nic_everything_back(uplink, extra):
    with lan(host=HOST4 + HOST6 + extra) as made:
        before = settled(made.host)
        uplink(made.host)
        counted = made.under_load(lambda: uplink(made.host, state="absent"))
        after = settled(made.host)
        assert uplink(made.host, state="absent")["changed"] is False
        assert all(made.all_reachable().values())
    assert differences(without(before, "br0"), without(after, "br0")) == []
    assert counted["udp4"]["lost"] <= 5 and counted["udp6"]["lost"] <= 5, counted
    assert counted["tcp"]["died"] == 0 and stalled(counted) <= 250, counted


def test_a_bridge_with_a_tap_becomes_the_nics_bridge_and_keeps_the_tap(uplink):
    with lan() as made:
        batch(
            made.host,
            "link add br0 type bridge forward_delay 0\ntuntap add tap1 mode tap\nlink set tap1 master br0 up\nlink set br0 up\n",
        )
        before = dump(made.host)
        uplink(made.host)
        assert all(made.all_reachable().values())
        assert {link["ifname"] for link in ip_json(made.host, "link", "show", "master", "br0")} == {
            "eth0",
            "tap1",
        }
        after = settled(made.host)
        assert after["links"]["br0"]["address"] == NIC_MAC
        assert all(
            before["links"]["tap1"][key] == after["links"]["tap1"][key]
            for key in ("flags", "mtu", "address")
        )


@pytest.mark.parametrize("rp_filter", [0, 1, 2])
def test_every_prefix_of_the_messages_leaves_the_host_reachable_there_and_back(rp_filter):
    with lan(rp_filter=rp_filter) as made:
        for present in (True, False):
            taken = []
            with Steps(made.host, NIC, "br0", present) as steps:
                for change in steps:
                    taken.append(change)
                    answers = made.all_reachable()
                    assert all(answers.values()), (answers, taken)
            assert ("attach port eth0" if present else "detach port eth0") in taken
            assert dump(made.host)["sysctls"][f"ipv4/{'br0' if present else NIC}"][
                "rp_filter"
            ] == str(rp_filter)


def test_dhcp_host_keeps_its_address_and_renews_it_on_the_bridge(uplink):
    with dhcp_lan(renew=3) as host:
        made = host.lan
        (address,) = host.leased()
        before = settled(made.host)
        counted = made.under_load(lambda: uplink(made.host), address, ADDRESS6)
        after = settled(made.host)
        assert host.leased() == [address]
        assert host.server_says("DHCPRELEASE") == host.server_says("DHCPDECLINE") == []
        (client,) = host.clients()
        assert client[-1] == "br0" and "eth0" not in client
        asked = len(host.server_says("DHCPACK"))
        host.wait_for(lambda: len(host.server_says("DHCPACK")) > asked, 8)
        assert len(host.server_says("DHCPDISCOVER")) == 1
        assert made.reachable(address)
        # the old client is gone: it would have renewed on the NIC
        assert dump(made.host)["addresses"][NIC] == []
        again = uplink(made.host)
        assert not again["changed"], again["changes"]
    assert differences(moved(before), comparable(after)) == []
    assert counted["tcp"]["died"] == 0, counted
    assert counted["udp4"]["lost"] <= 5 and counted["udp6"]["lost"] <= 5, counted


def test_dhcp_host_gets_its_client_back_on_the_nic(uplink):
    with dhcp_lan() as host:
        made = host.lan
        (address,) = host.leased()
        before = settled(made.host)
        uplink(made.host)
        uplink(made.host, state="absent")
        after = settled(made.host)
        (client,) = host.clients()
        assert client[-1] == "eth0" and "br0" not in client
        assert made.reachable(address)
        assert host.leased() == [address]
    assert differences(without(before, "br0"), without(after, "br0")) == []
