# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups E and G: the LAN around the host, and who else manages it."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.guard.wanted import without
from ansible_collections.hypervisor.network.tests.harness.host import booted
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import (
    HOST4,
    HOST6,
    NIC_MAC,
    lan,
    stalled,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

_PORT_SECURITY = f"""
table bridge security {{
    chain from_host {{
        type filter hook prerouting priority 0;
        iifname "host" ether saddr != {NIC_MAC} counter drop
    }}
}}
"""


def test_e12_a_nic_that_renegotiates_its_link_behind_a_switch_with_stp_is_waited_for_there_and_back():
    with lan() as made:
        batch(made.switch, "link set lan type bridge stp_state 1 forward_delay 200\n")
        wait_for(lambda: all(made.all_reachable().values()), "the switch forwards", 20)
        before = settled(made.host)
        converted = booted.start(made, 15, "renegotiating")
        assert made.reachable("10.77.0.10")  # applied means that the gateways answered
        facts = booted.ended(converted)
        assert (facts["state"], facts["error"]) == ("rolled-back", "") and not [
            one for one in facts["undone"] if "ifup" in one
        ]
        assert made.reachable("10.77.0.10") and differences(before, settled(made.host)) == []


def test_e13_a_switch_port_that_allows_one_mac_sees_no_other(uplink):
    with lan() as made:
        try:
            run("nft", "-f", "-", netns=made.switch, stdin=_PORT_SECURITY)
        except (RuntimeError, FileNotFoundError) as error:
            pytest.skip(f"this machine filters no bridged frames: {error}")
        counted = made.under_load(lambda: uplink(made.host))
        assert all(made.all_reachable().values())
    assert (
        counted["udp4"]["lost"] <= 5
        and counted["udp6"]["lost"] <= 5
        and counted["tcp"]["died"] == 0
    ), counted


def test_e14_a_bridge_that_runs_stp_is_refused(refused):
    with lan(echo=False) as made:
        batch(
            made.host, "link add br0 type bridge stp_state 1 forward_delay 1500\nlink set br0 up\n"
        )
        refused(made.host, "br0", "STP", "accept_outage")


def test_e14_an_accepted_outage_ends(uplink):
    with lan() as made:
        batch(
            made.host, "link add br0 type bridge stp_state 1 forward_delay 200\nlink set br0 up\n"
        )
        counted = made.under_load(lambda: uplink(made.host, accept_outage=True))
        assert all(made.all_reachable().values())
    assert counted["udp4"]["lost"] >= 1000 and counted["tcp"]["died"] == 0, counted


def test_e15_an_address_that_another_host_answers_for_is_refused(refused, uplink):
    with lan() as made:
        batch(made.switch, "address add 10.77.0.11/32 dev lan\n")
        (other,) = ip_json(made.switch, "link", "show", "lan")
        refused(made.host, "10.77.0.11", other["address"], "override: [duplicate]")
        assert uplink(made.host, override=["duplicate"])["changed"]


def test_e15_an_address_whose_duplicate_address_detection_failed_is_refused(refused):
    with lan(echo=False) as made:
        batch(made.switch, "address add fd77::20/64 dev lan nodad\n")
        batch(made.host, "address add fd77::20/64 dev eth0\n")
        wait_for(
            lambda: (
                "dadfailed" in run("ip", "-n", made.host, "-6", "address", "show", "dev", "eth0")
            ),
            "the detection has failed",
        )
        refused(made.host, "fd77::20", "duplicate address detection")


def test_e15_the_hosts_own_second_nic_on_the_lan_is_no_other_host(uplink):
    with lan() as made:
        run(
            "ip",
            "-n",
            made.switch,
            "link",
            "add",
            "second",
            "type",
            "veth",
            "peer",
            "name",
            "eth1",
            "netns",
            made.host,
        )
        batch(made.switch, "link set second master lan up\n")
        batch(made.host, "link set eth1 up\naddress add 10.77.0.20/24 dev eth1 metric 100\n")
        # asked on eth1, this host answers for its addresses on eth0 too
        (nic,) = ip_json(made.host, "link", "show", "eth1")
        assert nic["address"] in run(
            "arping", "-0", "-c", "1", "-w", "1", "-I", "second", "10.77.0.10", netns=made.switch
        )
        assert uplink(made.host)["changed"]
        assert all(made.all_reachable().values())


def test_g05_g06_a_lease_that_nobody_can_hand_over_is_refused(refused, uplink):
    leased = "address add 10.77.0.50/24 dev eth0 valid_lft 600 preferred_lft 600\n"
    with lan(host=HOST4 + HOST6 + leased) as made:
        refused(made.host, "10.77.0.50", "dhclient", "allow_address_change")
        result = uplink(made.host, allow_address_change=True)
        assert not result["failed"], result
        assert all(made.all_reachable("10.77.0.50").values())


def test_k07_many_conversions_and_ways_back_leave_nothing_behind(uplink):
    with lan() as made:
        before = settled(made.host)

        def there_and_back() -> None:
            for _round in range(3):
                for state in ("present", "absent"):
                    assert uplink(made.host, state=state)["changed"]

        counted = made.under_load(there_and_back)
        assert differences(without(before, "br0"), without(settled(made.host), "br0")) == []
    assert counted["tcp"]["died"] == 0 and stalled(counted) <= 250, counted
