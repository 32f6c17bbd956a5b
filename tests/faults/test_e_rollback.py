# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group E: nobody confirms, or nobody could: the host is as before, and says why."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.hypervisor.network.tests.harness.guard.guarded import Transactions, convert
from ansible_collections.hypervisor.network.tests.harness.guard.wanted import without
from ansible_collections.hypervisor.network.tests.harness.host import booted
from ansible_collections.hypervisor.network.tests.harness.net.dhcp import dhcp_lan
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import HOST4, HOST6, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.waiting import at_load

STATIC, DHCP = 0.2, 5.0  # seconds after the deadline, conversion.md's promise 3


def _late() -> float:
    """What to add to a wall-clock time to compare it with CLOCK_BOOTTIME."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.time()


def test_e01_unconfirmed_the_host_is_as_before_at_the_deadline():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.5)
        counted = made.under_load(hand.wait)
        facts = hand.facts(answer["id"])
        assert facts["ended"] + _late() - facts["deadline"] <= at_load(STATIC)
        assert "nobody confirmed" in facts["why"]
        assert all(made.all_reachable().values())
        assert differences(before, settled(made.host)) == []
    assert counted["tcp"]["died"] == 0 and counted["udp4"]["lost"] <= 5, counted


def test_e02_a_path_that_breaks_after_the_change_leads_back():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.5)
        batch(made.switch, "link set host down\n")
        assert hand.state(answer["id"]) == "applied"  # a lost carrier alone is no reason
        hand.wait()
        batch(made.switch, "link set host up\n")
        after = settled(made.host)
        assert [one for one in differences(before, after) if "/links/" not in one] == []
        assert all(made.all_reachable(timeout=5).values())


def test_e04_ipv6_that_broke_is_an_objection_although_ipv4_works(uplink, run_module):
    with lan() as made, Transactions(made.host) as hand:
        name = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        batch(made.router, "address del fd77::1/64 dev lan\n")
        result = run_module("transaction", {"id": name, "state": "confirmed"}, made.host)
        assert (
            result["failed"]
            and "IPv6 gateway fd77::1" in result["msg"]
            and "IPv4" not in result["msg"]
        )
        assert hand.state(name) == "applied"


def test_e04_a_nic_that_somebody_took_back_is_told_before_the_gateways_that_it_made_silent(
    uplink, run_module
):
    with lan() as made, Transactions(made.host) as hand:
        name = uplink(made.host, guard_timeout=60)["transaction"]["id"]
        batch(made.host, "link set eth0 nomaster\n")
        result = run_module("transaction", {"id": name, "state": "confirmed"}, made.host)
        said = result["msg"].partition("not confirmed: ")[2]
        assert said.startswith("eth0 is no port of br0 any more; look for what took it out"), result
        assert "gateway 10.77.0.1" in said and "do not on br0." in said
        assert hand.state(name) == "applied"


def test_e05_a_lost_reply_is_no_harm_the_second_confirmation_changes_nothing(uplink, run_module):
    with lan() as made, Transactions(made.host):
        name = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        args = {"id": name, "state": "confirmed"}
        assert run_module("transaction", args, made.host, check=True)["changed"]
        first = run_module("transaction", args, made.host)
        second = run_module("transaction", args, made.host)
        assert (
            first["changed"]
            and not second["changed"]
            and second["transaction"]["state"] == "confirmed"
        )
        assert uplink(made.host, guard_timeout=30)["changed"] is False


def test_e07_a_rollback_whose_gateway_is_dead_is_reported_and_gives_the_addresses_back(run_module):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.0)
        batch(made.router, "link set lan down\n")
        hand.wait()
        facts = hand.facts(answer["id"])
        assert hand.state(answer["id"]) == "rollback-failed"
        assert "10.77.0.1" in facts["error"] and "do not answer" in facts["error"]
        asked = run_module("transaction", {"id": answer["id"], "state": "rolled_back"}, made.host)
        assert (
            asked["failed"]
            and "could not be rolled back: Everything is as before, but the IPv4 gateway 10.77.0.1 and the IPv6 gateway fd77::1 do not answer; "
            "look at the router and the way to it."
            in asked["msg"]
        )
        assert differences(before, settled(made.host)) == []


def test_e07_level_2_a_gateway_that_stays_dead_is_tried_through_ifupdown_and_the_host_is_as_before():
    # ifupdown waits for DAD
    with lan(host=HOST4 + HOST6.replace(" nodad", ""), echo=False) as made:
        before = settled(made.host)
        converted = booted.start(made, 1.0)
        batch(made.router, "link set lan down\n")
        facts = booted.ended(converted)
        assert facts["state"] == "rollback-failed" and "do not answer" in facts["error"]
        assert "ifup --force eth0" in facts["undone"]
        assert differences(before, settled(made.host)) == []


def test_e07_level_2_ifupdown_brings_the_host_back_where_our_own_way_is_barred():
    with lan() as made:
        facts = booted.ended(booted.start(made, 1.0, "stuck"))
        assert facts["state"] == "rollback-failed" and "EPERM" in facts["error"]
        assert facts["undone"][-1] == "ifup --force eth0"
        assert made.all_reachable("10.77.0.10", "fd77::10", timeout=5) == {
            "10.77.0.10": True,
            "fd77::10": True,
        }
        (nic,) = ip_json(made.host, "address", "show", "dev", "eth0")
        assert "master" not in nic


def test_e08_a_rollback_keeps_the_taps_of_the_bridge():
    with lan() as made, Transactions(made.host) as hand:
        batch(
            made.host,
            "link add br0 type bridge forward_delay 0\ntuntap add tap1 mode tap\nlink set tap1 master br0 up\nlink set br0 up\n",
        )
        before = settled(made.host)
        convert(made.host, 1.0)
        hand.wait()
        assert {link["ifname"] for link in ip_json(made.host, "link", "show", "master", "br0")} == {
            "tap1"
        }
        after = settled(made.host)
        assert differences(without(before, "br0"), without(after, "br0")) == []
        assert all(made.all_reachable().values())


def test_e09_a_rollback_starts_the_dhcp_client_on_the_nic_again():
    with dhcp_lan() as host, Transactions(host.lan.host) as hand:
        (address,) = host.leased()
        before = settled(host.lan.host)
        answer = convert(host.lan.host, 4.0)
        hand.wait()
        facts = hand.facts(answer["id"])
        assert facts["ended"] + _late() - facts["deadline"] <= at_load(DHCP)
        (client,) = host.clients()
        assert client[-1] == "eth0" and host.leased() == [address]
        assert host.lan.reachable(address)
        assert differences(before, settled(host.lan.host)) == []


def test_e16_confirmed_and_rolled_back_by_hand_with_mv(uplink):
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        name = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        folder = Path("/var/lib/hypervisor-network/txn", name)
        run("mv", str(folder / "applied"), str(folder / "rolling-back"))
        hand.wait()
        assert hand.state(name) == "rolled-back" and differences(before, settled(made.host)) == []
        name = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        folder = Path("/var/lib/hypervisor-network/txn", name)
        run("mv", str(folder / "applied"), str(folder / "confirmed"))
        hand.wait()
        assert all(made.all_reachable().values())


def test_x01_after_two_rollbacks_of_the_same_wish_a_third_try_needs_force(uplink):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        for _number in range(2):
            convert(made.host, 1.0)
            hand.wait()
        before = settled(made.host)
        refused = uplink(made.host, guard_timeout=30)
        assert refused["failed"] and "force" in refused["msg"]
        assert differences(before, settled(made.host)) == []
        forced = uplink(made.host, guard_timeout=30, force=True)
        assert not forced["failed"] and hand.move(
            forced["transaction"]["id"], "applied", "confirmed"
        )


def test_x02_the_guards_record_is_for_root_alone(uplink):
    with lan(echo=False) as made, Transactions(made.host):
        name = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        folder = Path("/var/lib/hypervisor-network/txn", name)
        assert (
            folder.stat().st_mode & 0o777 == 0o700 and folder.parent.stat().st_mode & 0o777 == 0o700
        )
        assert (
            Path(f"/run/hypervisor-network/.guard-{made.host}.lock").stat().st_mode & 0o777 == 0o600
        )
