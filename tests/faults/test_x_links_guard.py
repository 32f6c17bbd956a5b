# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges and ports that carry the host's own address: what may cut it off is guarded as a conversion is, and everything comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.guard.guarded import (
    Transactions,
    change_links,
)
from ansible_collections.hypervisor.network.tests.harness.host.remote import Remote
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import Lan, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.waiting import (
    at_load,
    kill_and_wait,
)

AT_ONCE = 1.0
DELETE = {"bridge": {"name": "br0", "state": "absent", "force": True}}
RISKY: dict[str, dict[str, Any]] = {
    "a bridge that is deleted": DELETE,
    "a bridge that is set down": {"bridge": {"name": "br0", "up": False}},
    "a bridge that gets another MAC": {"bridge": {"name": "br0", "mac": "02:00:00:77:00:99"}},
    "an uplink that leaves": {"port": {"name": "eth0", "state": "absent"}},
    "an uplink that moves": {"port": {"name": "eth0", "bridge": "br1", "steal": True}},
}
SILENCING = [name for name in RISKY if "MAC" not in name]


@contextmanager
def bridged(uplink: Any) -> Iterator[tuple[Lan, Transactions]]:
    """A host whose addresses and routes are on br0, and one more bridge without any."""
    with lan() as made, Transactions(made.host) as hand:
        assert not uplink(made.host)["failed"]
        batch(
            made.host,
            "link add br1 address 02:00:00:77:00:01 type bridge\nroute add 10.98.0.0/16 via 10.77.0.1 dev br0 metric 7\n",
        )
        yield made, hand


@pytest.mark.parametrize("wish", [RISKY[name] for name in SILENCING], ids=SILENCING)
def test_x10_a_change_that_silences_the_gateways_is_undone_at_once(uplink, wish):
    with bridged(uplink) as (made, hand):
        before = settled(made.host)
        answer = change_links(made.host, 60, **wish)
        assert (
            "answered and do not on br0;" in answer["error"]
            and "the host is as it was before" in answer["error"]
        ), answer
        assert hand.state(answer["id"]) == "rolled-back" and hand.wait() < at_load(AT_ONCE)
        # who was asked in vain meanwhile is asked again within a second or two
        assert all(made.all_reachable(timeout=5).values())
        assert differences(before, settled(made.host)) == []


def test_x11_a_change_that_nobody_confirms_is_undone_at_the_deadline(uplink):
    with bridged(uplink) as (made, hand):
        before = settled(made.host)
        # long enough for a busy machine to look at what is applied
        answer = change_links(made.host, 8, **RISKY["a bridge that gets another MAC"])
        assert answer["error"] is None and hand.state(answer["id"]) == "applied"
        assert settled(made.host)["links"]["br0"]["address"] == "02:00:00:77:00:99"
        hand.wait()
        assert hand.state(answer["id"]) == "rolled-back"
        assert all(made.all_reachable().values())
        assert differences(before, settled(made.host)) == []


@pytest.mark.parametrize("wish", list(RISKY.values()), ids=list(RISKY))
def test_x12_a_module_that_is_killed_is_undone_at_once(uplink, wish):
    with bridged(uplink) as (made, hand):
        before = settled(made.host)
        for number in range(9):
            answer = change_links(made.host, 60, kill_at=number, **wish)
            if answer:
                break
            assert hand.wait() < at_load(AT_ONCE), number
            assert all(made.all_reachable().values()), number
            assert differences(before, settled(made.host)) == [], number
        assert number > 0 and answer, "it was never killed, or always"


def test_x13_what_cannot_cut_the_host_off_is_not_guarded(uplink, changed_once):
    with bridged(uplink) as (made, hand):
        result = changed_once("linux_bridge", {"name": "br0", "ageing_time": 100}, made.host)
        assert result["changed"] and "transaction" not in result
        result = changed_once(
            "linux_bridge", {"name": "br1", "mac": "02:00:00:77:00:98"}, made.host
        )
        assert result["changed"] and "transaction" not in result
        assert hand.every() == []


def test_x14_guard_never_and_no_time_are_no_guard(uplink, changed_once):
    with bridged(uplink) as (made, hand):
        changed_once(
            "linux_bridge",
            {"name": "br0", "mac": "02:00:00:77:00:97", "guard_mode": "never"},
            made.host,
        )
        changed_once(
            "linux_bridge",
            {"name": "br0", "mac": "02:00:00:77:00:98", "guard_timeout": 0},
            made.host,
        )
        assert hand.every() == []


def test_x15_a_safe_change_is_guarded_on_demand_and_confirmed_by_its_id(uplink, run_module):
    with bridged(uplink) as (made, hand):
        result = run_module(
            "bridge_port",
            {"name": "eth0", "bridge": "br0", "cost": 7, "guard_mode": "always"},
            made.host,
        )
        name = result["transaction"]["id"]
        assert hand.state(name) == "applied" and "eth0" in result["transaction"]["what"]
        confirmed = run_module("transaction", {"id": name, "state": "confirmed"}, made.host)
        assert confirmed["changed"], confirmed
        hand.wait()
        assert hand.state(name) == "confirmed"
        assert (
            run_module("bridge_port", {"name": "eth0", "bridge": "br0", "cost": 7}, made.host)[
                "changed"
            ]
            is False
        )


def test_x16_what_was_rolled_back_twice_is_tried_again_only_on_demand(uplink, run_module):
    with bridged(uplink) as (made, _hand):
        args = {"name": "br0", "up": False}
        for _again in range(2):
            assert "do not on br0" in run_module("linux_bridge", args, made.host)["msg"]
        refused = run_module("linux_bridge", args, made.host)
        assert refused["failed"] and "guard_mode: always" in refused["msg"]
        assert (
            "do not on br0"
            in run_module("linux_bridge", {**args, "guard_mode": "always"}, made.host)["msg"]
        )


def test_x17_the_task_confirms_over_a_connection_of_its_own(uplink, tmp_path: Path):
    with bridged(uplink) as (made, hand):
        remote = Remote(made, tmp_path)
        code, output = remote.play("linux_bridge", name="br0", mac="02:00:00:77:00:99")
        assert code == 0 and "changed=1" in output, output
        (one,) = hand.every()
        assert hand.state(one.name) == "confirmed"
        code, output = remote.play("linux_bridge", name="br0", mac="02:00:00:77:00:99")
        assert code == 0 and "changed=0" in output, output
        (link,) = ip_json(made.host, "link", "show", "br0")
        assert link["address"] == "02:00:00:77:00:99"
        assert all(made.all_reachable().values()) and len(hand.every()) == 1


@pytest.mark.parametrize("mode", ["auto", "always"])
def test_x18_a_module_alone_changes_nothing_that_wants_a_guard(uplink, run_module, mode):
    with bridged(uplink) as (made, hand):
        before = settled(made.host)
        args = {"name": "br0", "mac": "02:00:00:77:00:99", "guard_mode": mode}
        result = run_module("linux_bridge", args, made.host, guarded_form=False)
        assert result["failed"] and "wants a guard (update bridge br0)" in result["msg"]
        assert [change["name"] for change in result["changes"]] == ["br0"]
        assert differences(before, settled(made.host)) == [] and hand.every() == []


@pytest.mark.parametrize("wish", list(RISKY.values()), ids=list(RISKY))
def test_o12_14_what_is_told_to_be_typed_brings_a_bridge_back(uplink, run_module, wish):
    with bridged(uplink) as (made, hand):
        before = settled(made.host)
        answer = change_links(made.host, 60, unproven=True, **wish)
        assert answer["error"] is None, answer
        for pid in hand.guards():
            kill_and_wait(pid)
        order = {"id": answer["id"], "state": "rolled_back"}
        asked = run_module("transaction", order, made.host)
        typed = asked["msg"].partition(", in this order: ")[2].rstrip(".")
        run("sh", "-c", typed, netns=made.host)
        # who has learned the other MAC asks again by itself
        assert all(made.all_reachable(timeout=20).values()), typed
        assert differences(before, settled(made.host)) == [], typed
        hand.move(answer["id"], "rolling-back", "rolled-back")


# on both ends of the uplink, so that a way back that leaves something out is seen
OWN_OPTIONS = """
link set br0 type bridge ageing_time 4200 group_fwd_mask 8 mcast_query_interval 20000 no_linklocal_learn 1
link set eth0 type bridge_slave cost 42 priority 9 mcast_to_unicast on
"""
OPTIONS: dict[str, dict[str, Any]] = {
    "a bridge with options that is deleted": DELETE,
    "an uplink with options that leaves": RISKY["an uplink that leaves"],
    "options of a bridge": {
        "bridge": {"name": "br0", "stp_state": True, "forward_delay": 4.0, "priority": 4096, "ageing_time": 100.0, "mcast_snooping": False}
    },
    "options of a port": {
        "port": {"name": "eth0", "bridge": "br0", "learning": False, "hairpin": True, "cost": 7, "group_fwd_mask": 16384, "mcast_router": 2}
    },
}  # fmt: skip


def typed_after(made: Lan, hand: Transactions, run_module: Any, wish: dict[str, Any]) -> str:
    """Carry out a change, kill both its guards, ask for the way back, and type what is told then."""
    answer = change_links(made.host, 60, unproven=True, **wish)
    assert answer["error"] is None, answer
    for pid in hand.guards():
        kill_and_wait(pid)
    order = {"id": answer["id"], "state": "rolled_back"}
    asked = run_module("transaction", order, made.host)
    typed = asked["msg"].partition(", in this order: ")[2].rstrip(".")
    run("sh", "-c", typed, netns=made.host)
    hand.move(answer["id"], "rolling-back", "rolled-back")
    return typed


@pytest.mark.parametrize("wish", list(OPTIONS.values()), ids=list(OPTIONS))
def test_o12_14_options_are_typed_too(uplink, run_module, wish):
    with bridged(uplink) as (made, hand):
        batch(made.host, OWN_OPTIONS)
        before = settled(made.host)
        typed = typed_after(made, hand, run_module, wish)
        assert all(made.all_reachable(timeout=20).values()), typed
        assert differences(before, settled(made.host)) == [], typed


@pytest.mark.parametrize("there", ["", "static", "dynamic extern_learn"])
def test_o12_14_forwarding_entries_are_typed_too(uplink, run_module, there):
    """The gateway's MAC becomes one that only this host answers to."""
    with bridged(uplink) as (made, hand):
        (gateway,) = [
            one["lladdr"]
            for one in ip_json(made.host, "neighbor", "show", "to", "10.77.0.1")
            if one["dev"] == "br0"
        ]
        if there:
            run("bridge", "-n", made.host, "fdb", "replace", gateway, "dev", "eth0", "master", *there.split())  # fmt: skip

        def entries() -> list[dict[str, Any]]:
            found = json.loads(run("bridge", "-n", made.host, "-j", "fdb", "show", "br", "br0"))
            return [one for one in found if one["mac"] == gateway]

        before = entries()
        entry = {"bridge": "br0", "mac": gateway, "port": "br0", "type": "permanent"}
        typed = typed_after(made, hand, run_module, {"entry": entry})
        assert entries() == before and len(before) == 1, typed
        assert all(made.all_reachable(timeout=20).values()), typed


def test_o12_14_multicast_groups_are_typed_too(uplink, run_module):
    """By such a group neighbours ask for the host's own address."""
    with bridged(uplink) as (made, hand):
        batch(made.host, "link add tap9 master br0 type veth peer name far9\n")

        def groups() -> set[tuple[str, str, str]]:
            (found,) = json.loads(run("bridge", "-n", made.host, "-j", "mdb", "show"))
            return {(one["port"], one["grp"], one["state"]) for one in found["mdb"]}

        run("bridge", "-n", made.host, "mdb", "add", "dev", "br0", "port", "eth0", "grp", "ff02::1:ff00:77", "permanent")  # fmt: skip
        asked = {"bridge": "br0", "port": "tap9", "group": "ff02::1:ff00:99"}
        typed = typed_after(made, hand, run_module, {"group": asked})
        assert "ff02::1:ff00:99" in typed
        assert not [one for one in groups() if one[1] == "ff02::1:ff00:99"], typed
        assert ("eth0", "ff02::1:ff00:77", "permanent") in groups()
