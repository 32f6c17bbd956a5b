# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do between the plan and the end of the window: another device has the NIC's name, and things are added that are not ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.tests.harness.guard.guarded import (
    Transactions,
    at_change,
    change_links,
    convert,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run

SECOND_NIC = """
link add eth1 type veth peer name far1
link set eth1 up
link set far1 up
address add 10.66.0.5/24 dev eth1
route add 10.67.0.0/16 via 10.66.0.1
"""
# each with the new name of the NIC, None for gone
MEANWHILE = {
    "renamed": ("link set eth0 name lan0", "lan0"),
    "deleted": ("link del eth0", None),
    "made again": ("link del eth0\nlink add eth0 type veth peer name far2\nlink set eth0 up", None),
    "exchanged": ("link set eth0 name x\nlink set eth1 name eth0\nlink set x name eth1", "eth1"),
    "another MAC": ("link set eth0 address 02:00:00:00:00:aa", "eth0"),
}


@pytest.mark.parametrize("seconds", [0, 20.0], ids=["alone", "guarded"])
@pytest.mark.parametrize("what", MEANWHILE)
def test_o12_18_another_device_has_the_name_before_the_first_write(what, seconds):
    commands, name = MEANWHILE[what]
    with lan(echo=False) as made, Transactions(made.host) as hand:
        batch(made.host, SECOND_NIC)
        answer = convert(made.host, seconds, before=at_change(made.host, 0, commands))
        assert answer["error"], answer
        assert answer["error"].count("eth0") >= 1 and "'" not in answer["error"], answer["error"]
        links = {link["ifname"]: link for link in ip_json(made.host, "address", "show")}
        assert "br0" not in links and not [one for one in links.values() if one.get("master")]
        found = {
            dev: [one["local"] for one in link["addr_info"] if one["family"] == "inet"]
            for dev, link in links.items()
        }
        other = "eth0" if what == "exchanged" else "eth1"
        assert found[other] == ["10.66.0.5"]
        if what == "made again":
            assert found["eth0"] == []
        if name is not None:
            assert found[name] == ["10.77.0.10", "192.168.99.10", "10.77.0.11"]
            assert ip_json(made.host, "route", "show", "default")[0]["dev"] == name
        if seconds:
            hand.wait()
            assert hand.state(answer["id"]) == "rolled-back"


def texts(dump: dict[str, Any], dev: str) -> list[str]:
    return [one["local"] for one in dump["addresses"][dev]]


@pytest.mark.parametrize(("number", "seconds"), [(3, 0), (18, 0), (24, 0), (15, 20.0)])
@pytest.mark.parametrize("what", ["renamed", "exchanged", "made again"])
def test_o12_18_another_device_has_the_name_on_the_way(what, number, seconds):
    commands, name = MEANWHILE[what]
    with lan(echo=False) as made, Transactions(made.host) as hand:
        batch(made.host, SECOND_NIC)
        before = settled(made.host)
        answer = convert(made.host, seconds, before=at_change(made.host, number, commands))
        assert answer["error"] and "'" not in answer["error"], answer
        hand.wait()
        after = settled(made.host)
        assert "br0" not in after["links"]
        assert not [one for one in after["links"].values() if "master" in one]
        assert texts(after, "eth0" if what == "exchanged" else "eth1") == texts(before, "eth1")
        if name is None:
            assert "eth0 was deleted" in answer["error"]
            assert "10.77.0.10" not in texts(after, "eth0")
            return
        assert texts(after, name) == texts(before, "eth0")
        other = {"eth0": name, "eth1": "eth0" if what == "exchanged" else "eth1"}
        ways = [{**one, "dev": other.get(one["dev"], one["dev"])} for one in before["routes4"]]
        assert differences(sorted(ways, key=str), after["routes4"]) == []


def test_o12_18_a_nic_that_vanishes_while_it_is_asked_by_arp_is_one_sentence():
    with lan(echo=False) as made:

        def gone(noun: Any) -> None:
            read = noun.read

            def then() -> Any:
                now = read()
                batch(made.host, "link del eth0\n")
                return now

            noun.read = then

        answer = convert(made.host, 0, before=gone)
        assert answer["error"].startswith("Cannot ask the LAN behind eth0: No such device;")


ADDED = """
address add 10.77.0.50/24 dev br0
address add 10.77.0.51/24 dev eth0
address add fd77::50/64 dev br0 nodad
address add 10.99.0.5/24 dev br0
route add 10.5.0.0/16 via 10.77.0.1 dev br0
route add 10.6.0.0/16 dev br0 scope link
route add 10.9.0.0/16 via 10.99.0.1 dev br0
route add 10.7.0.0/16 via 10.77.0.1 dev br0 table 100
route add fd55::/48 via fd77::1 dev br0
neighbor add 10.77.0.5 lladdr 02:00:00:00:00:05 dev br0 nud permanent
rule add iif br0 lookup 100 priority 3000
"""


@pytest.mark.parametrize("promote", [0, 1])
def test_o12_20_what_others_add_in_the_window_is_on_the_nic_after_the_rollback(promote):
    with lan() as made, Transactions(made.host) as hand:
        run("sysctl", "-qw", f"net.ipv4.conf.all.promote_secondaries={promote}", netns=made.host)
        before = settled(made.host)
        answer = convert(made.host, 1.5)
        batch(made.host, ADDED)
        hand.wait()
        facts = hand.facts(answer["id"])
        assert hand.state(answer["id"]) == "rolled-back", str(facts)
        (nic,) = ip_json(made.host, "address", "show", "dev", "eth0")
        four = [one["local"] for one in nic["addr_info"] if one["family"] == "inet"]
        old = [one["local"] for one in before["addresses"]["eth0"] if one["family"] == "inet"]
        assert [one for one in four if one in old] == old
        assert four[0] == old[0] and set(four) == {*old, "10.77.0.50", "10.77.0.51", "10.99.0.5"}
        assert "fd77::50" in [one["local"] for one in nic["addr_info"]]
        after = settled(made.host)
        new = {
            (one["dst"], one["dev"])
            for part in ("routes4", "routes6")
            for one in after[part]
            if one not in before[part]
            and one.get("type") not in ("local", "broadcast", "multicast", "anycast")
        }
        assert new == {
            (dst, "eth0")
            for dst in (
                "10.99.0.0/24",
                "10.5.0.0/16",
                "10.6.0.0/16",
                "10.9.0.0/16",
                "10.7.0.0/16",
                "fd55::/48",
            )
        }
        for part in ("routes4", "routes6", "links", "rules4"):
            assert [one for one in differences(before[part], after[part]) if "before" in one] == []
        assert [one["dst"] for one in after["neighbours"]] == ["10.77.0.5"]
        assert any(one.get("iif") == "eth0" for one in after["rules4"])
        told = " ".join(facts["undone"])
        for word in ("10.77.0.50/24", "fd77::50/64", "10.5.0.0/16", "10.6.0.0/16", "fd55::/48"):
            assert f"{word} " in told and "somebody else has added" in told, told


def test_o12_20_a_bridge_of_its_own_network_keeps_what_was_added_there():
    with lan() as made, Transactions(made.host) as hand:
        batch(
            made.host,
            "link add br0 type bridge forward_delay 0\nlink set br0 up\naddress add 10.66.0.1/24 dev br0\n",
        )
        convert(made.host, 1.0)
        batch(
            made.host,
            "address add 10.66.0.9/24 dev br0\nroute add 10.5.0.0/16 via 10.66.0.2 dev br0\naddress add 10.77.0.50/24 dev br0\n",
        )
        hand.wait()
        links = {
            link["ifname"]: [one["local"] for one in link["addr_info"] if one["family"] == "inet"]
            for link in ip_json(made.host, "address", "show")
        }
        assert links["br0"] == ["10.66.0.1", "10.66.0.9"]
        assert links["eth0"] == ["10.77.0.10", "192.168.99.10", "10.77.0.11", "10.77.0.50"]
        assert ip_json(made.host, "route", "show", "10.5.0.0/16")[0]["dev"] == "br0"


def test_o12_20_what_cannot_be_kept_is_named_and_stops_nothing():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.0)
        batch(
            made.host,
            "route add 10.66.0.0/16 dev br0 src 10.77.0.10\naddress add 10.55.0.1/24 dev br0\n"
            "route add 10.5.0.0/16 via 10.55.0.2 dev br0\naddress del 10.55.0.1/24 dev br0\n",
        )
        hand.wait()
        assert hand.state(answer["id"]) == "rolled-back", hand.facts(answer["id"])
        lost = [
            one
            for one in differences(before["routes4"], settled(made.host)["routes4"])
            if "before" in one
        ]
        assert lost == []


def test_o12_20_a_rollback_of_a_bridge_keeps_what_others_have_added():
    with lan(host="", echo=False) as made, Transactions(made.host) as hand:
        batch(
            made.host,
            "link add br0 type bridge forward_delay 0\nlink set eth0 master br0\nlink set br0 up\n"
            "address add 10.77.0.10/24 dev br0\nroute add default via 10.77.0.1\n",
        )
        answer = change_links(made.host, 1.5, bridge={"name": "br0", "mac": "02:00:00:00:00:07"})
        assert answer["error"] is None
        batch(made.host, "address add 10.77.0.50/24 dev br0\nroute add 10.5.0.0/16 via 10.77.0.1\n")
        hand.wait()
        assert hand.state(answer["id"]) == "rolled-back", hand.facts(answer["id"])
        (link,) = ip_json(made.host, "-4", "address", "show", "dev", "br0")
        assert [one["local"] for one in link["addr_info"]] == ["10.77.0.10", "10.77.0.50"]
        assert ip_json(made.host, "route", "show", "10.5.0.0/16")


def test_o12_13_a_tap_that_joined_in_the_window_keeps_its_bridge_and_is_named():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.5)
        batch(made.host, "tuntap add tap7 mode tap\nlink set tap7 up master br0\n")
        hand.wait()
        facts = hand.facts(answer["id"])
        assert hand.state(answer["id"]) == "rolled-back", str(facts)
        assert "The bridge br0 stays, because tap7 joined it meanwhile." in facts["undone"]
        (tap,) = ip_json(made.host, "link", "show", "dev", "tap7")
        assert tap["master"] == "br0" and all(made.all_reachable().values())
        batch(made.host, "link delete tap7\nlink delete br0\n")
        assert differences(before, settled(made.host)) == []


def test_o12_13_the_undo_of_linux_bridge_leaves_a_bridge_that_others_have_joined():
    def fail_meanwhile(made: Any) -> Callable[[Any], None]:
        def fail(_before: Any, _after: Any) -> None:
            batch(made.host, "tuntap add tap7 mode tap\nlink set tap7 master br9\n")
            raise Refused("It does not work.")

        def before(noun: Any) -> None:
            noun.verify = fail

        return before

    with lan(host="", echo=False) as made:
        wish = {"name": "br9", "up": True}
        answer = change_links(made.host, 10, before=fail_meanwhile(made), bridge=wish)
        told = "as it was before. The bridge br9 stays, because tap7 joined it meanwhile."
        assert answer["error"].endswith(told), answer
        (tap,) = ip_json(made.host, "link", "show", "dev", "tap7")
        assert tap["master"] == "br9"


def test_o12_13_what_a_rollback_of_a_bridge_cannot_keep_is_named_and_stops_nothing():
    with lan(host="", echo=False) as made, Transactions(made.host) as hand:
        batch(
            made.host,
            "link add br0 type bridge forward_delay 0\nlink set eth0 master br0\nlink set br0 up\n"
            "address add 10.77.0.10/24 dev br0\nroute add default via 10.77.0.1\n",
        )
        wish = {"name": "br0", "state": "absent", "force": True}
        answer = change_links(made.host, 1.5, unproven=True, bridge=wish)
        assert answer["error"] is None
        batch(
            made.host,
            "tuntap add tap7 mode tap\nlink add br0 type bridge\nlink set tap7 master br0\n",
        )
        hand.wait()
        facts = hand.facts(answer["id"])
        assert hand.state(answer["id"]) == "rolled-back", str(facts)
        (tap,) = ip_json(made.host, "link", "show", "dev", "tap7")
        assert tap["master"] == "br0"
        (link,) = ip_json(made.host, "-4", "address", "show", "dev", "br0")
        assert [one["local"] for one in link["addr_info"]] == ["10.77.0.10"]


def test_o12_18_a_bridge_that_got_anothers_name_in_the_window_is_not_taken_for_it():
    with lan(host="", echo=False) as made, Transactions(made.host) as hand:
        batch(
            made.host,
            "link add br0 type bridge forward_delay 0\nlink set eth0 master br0\nlink set br0 up\n"
            "address add 10.77.0.10/24 dev br0\nroute add default via 10.77.0.1\n",
        )
        answer = change_links(made.host, 1.5, bridge={"name": "br0", "mac": "02:00:00:00:00:07"})
        assert answer["error"] is None
        batch(
            made.host,
            "link set br0 name old0\nlink add br0 address 02:00:00:00:00:08 type bridge\naddress add 10.55.0.1/24 dev br0\n",
        )
        hand.wait()
        facts = hand.facts(answer["id"])
        assert hand.state(answer["id"]) == "rollback-failed"
        assert facts["error"].startswith("br0 is another device by now"), facts
        links = {
            link["ifname"]: [one["local"] for one in link["addr_info"]]
            for link in ip_json(made.host, "-4", "address", "show")
        }
        assert links["br0"] == ["10.55.0.1"] and links["old0"] == ["10.77.0.10"]
        (new,) = ip_json(made.host, "link", "show", "dev", "br0")
        assert new["address"] == "02:00:00:00:00:08"


def test_o12_18_a_namespace_that_was_made_again_confirms_nothing(run_module):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        answer = convert(made.host, 20)
        name, old = made.host, f"{made.host}-old"
        Path(f"/run/netns/{old}").touch()
        run("mount", "--bind", f"/run/netns/{name}", f"/run/netns/{old}")
        try:
            run("ip", "netns", "delete", name)
            run("ip", "netns", "add", name)
            order = {"id": answer["id"], "state": "confirmed"}
            asked = run_module("transaction", order, name)
            assert asked["failed"] and "was deleted and made again since" in asked["msg"], asked
            assert hand.state(answer["id"]) == "applied"
            asked = run_module("transaction", {**order, "state": "rolled_back"}, name)
            assert not asked["failed"], asked
            links = {link["ifname"]: link for link in ip_json(old, "link", "show")}
            assert "br0" not in links and "master" not in links["eth0"]
            assert [link["ifname"] for link in ip_json(name, "link", "show")] == ["lo"]
        finally:
            run("ip", "netns", "delete", name)
            Path(f"/run/netns/{name}").touch()
            run("mount", "--bind", f"/run/netns/{old}", f"/run/netns/{name}")
            run("ip", "netns", "delete", old)
