# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel makes by itself of a device's IPv6, and what a device answers for: there after a conversion, and as it was after the way back."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.guard.guarded import Transactions, convert
from ansible_collections.hypervisor.network.tests.harness.guard.wanted import without
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import (
    HOST4,
    NIC_MAC,
    lan,
    set_sysctls,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    batch,
    inside,
    ip_json,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

SECRET = "2001:db8:1:2:3:4:5:6"
PRIVACY = """
address add fd77::10/64 dev eth0 nodad mngtmpaddr valid_lft 7200 preferred_lft 3600
route add default via fd77::1
"""


def of_family_6(netns: str, dev: str) -> list[dict[str, Any]]:
    links = ip_json(netns, "-6", "address", "show", "dev", dev)
    return [one for link in links for one in link["addr_info"] if one.get("scope") == "global"]


def temporary(netns: str, dev: str) -> list[str]:
    return [one["local"] for one in of_family_6(netns, dev) if one.get("temporary")]


def ordinary(netns: str, dev: str) -> list[str]:
    return [one["local"] for one in of_family_6(netns, dev) if not one.get("temporary")]


def with_privacy(netns: str) -> list[str]:
    """eth0 with an address whose temporary ones the kernel makes; those."""
    inside(netns, set_sysctls, {"ipv6/conf/eth0/use_tempaddr": 2})
    batch(netns, PRIVACY)
    return wait_for(lambda: temporary(netns, "eth0"), "a temporary address")


@pytest.mark.parametrize("back", ["absent", "rollback"])
def test_o12_12_a_host_with_temporary_addresses_converts_and_comes_back(uplink, back):
    with lan(host=HOST4, echo=True) as made, Transactions(made.host) as hand:
        (old,) = with_privacy(made.host)
        before = settled(made.host)
        if back == "absent":
            result = uplink(made.host)
            assert not result["failed"], result
        else:
            answer = convert(made.host, 2.0)
            assert answer["error"] is None
        # its sessions live on, and the kernel makes new ones for what begins from now on
        assert old in ordinary(made.host, "br0") and temporary(made.host, "br0")
        assert made.reachable(old)
        assert of_family_6(made.host, "eth0") == []
        if back == "absent":
            assert uplink(made.host)["changed"] is False
            assert not uplink(made.host, state="absent")["failed"]
        else:
            hand.wait()
            facts = hand.facts(answer["id"])
            assert hand.state(answer["id"]) == "rolled-back", facts
            assert f"The temporary address {old}/64 has gone" in str(facts["undone"]), facts
        assert ordinary(made.host, "eth0") == ["fd77::10"]
        assert len(temporary(made.host, "eth0")) == 1
        after = settled(made.host)
        for part in (before, after):
            gone = [one["local"] for one in part["addresses"]["eth0"] if one.get("temporary")]
            part["addresses"]["eth0"] = [
                one for one in part["addresses"]["eth0"] if one["local"] not in gone
            ]
            part["routes6"] = [one for one in part["routes6"] if one["dst"] not in gone]
        assert differences(without(before, "br0"), without(after, "br0")) == []


@pytest.mark.parametrize("mode", ["2", "0", "3"])
def test_o12_12_a_nic_with_a_secret_of_its_own_converts_and_comes_back(uplink, mode):
    with lan(host="", echo=False) as made:
        run("sysctl", "-qw", f"net.ipv6.conf.eth0.stable_secret={SECRET}", netns=made.host)
        inside(made.host, set_sysctls, {"ipv6/conf/eth0/addr_gen_mode": int(mode)})
        # its link-local address is made when it goes up
        batch(made.host, f"link set eth0 down\nlink set eth0 up\n{HOST4}")
        before = settled(made.host)
        assert before["sysctls"]["ipv6/eth0"]["addr_gen_mode"] == mode
        for check in (True, False):
            result = uplink(made.host, check=check)
            assert not result["failed"] and SECRET not in str(result), result
        assert settled(made.host)["sysctls"]["ipv6/br0"]["addr_gen_mode"] == mode
        told = run("sysctl", "-n", "net.ipv6.conf.br0.stable_secret", netns=made.host)
        assert told.strip() == "2001:0db8:0001:0002:0003:0004:0005:0006"
        assert uplink(made.host)["changed"] is False
        assert not uplink(made.host, state="absent")["failed"]
        assert differences(without(before, "br0"), without(settled(made.host), "br0")) == []


PROXIES = """
neighbor add proxy 10.77.0.99 dev eth0
neighbor add proxy 10.77.0.10 dev eth0
neighbor add proxy fd77::99 dev eth0
neighbor add 10.77.0.99 lladdr 02:00:00:00:00:99 dev eth0 nud permanent
"""


def proxies(netns: str) -> list[tuple[str, str]]:
    return sorted((one["dst"], one["dev"]) for one in ip_json(netns, "neighbor", "show", "proxy"))


def test_o12_12_what_the_host_answers_for_moves_and_comes_back(uplink):
    addresses = ["10.77.0.10", "10.77.0.99", "fd77::99"]
    with lan(host=HOST4 + PROXIES, echo=False) as made:
        before = settled(made.host)
        assert proxies(made.host) == [(one, "eth0") for one in addresses]
        assert uplink(made.host)["changed"]
        assert proxies(made.host) == [(one, "br0") for one in addresses]
        assert uplink(made.host)["changed"] is False
        assert uplink(made.host, state="absent")["changed"]
        assert proxies(made.host) == [(one, "eth0") for one in addresses]
        assert differences(without(before, "br0"), without(settled(made.host), "br0")) == []


def test_o12_12_a_rollback_gives_back_what_the_host_answers_for():
    with lan(host=HOST4 + PROXIES, echo=False) as made, Transactions(made.host) as hand:
        before = proxies(made.host)
        convert(made.host, 1.0)
        assert {dev for _address, dev in proxies(made.host)} == {"br0"}
        hand.wait()
        assert proxies(made.host) == before


def link_local(netns: str, dev: str) -> list[str]:
    return [
        one["local"]
        for link in ip_json(netns, "-6", "address", "show", "dev", dev)
        for one in link["addr_info"]
        if one.get("scope") == "link"
    ]


def eui64(mac: str) -> str:
    parts = [int(one, 16) for one in mac.split(":")]
    parts[0] ^= 2
    numbers = [*parts[:3], 0xFF, 0xFE, *parts[3:]]
    words = [f"{high << 8 | low:x}" for high, low in zip(numbers[::2], numbers[1::2])]
    return str(ipaddress.IPv6Address("fe80::" + ":".join(words)))


def test_o13_18_a_running_bridge_that_gets_the_nics_mac_gets_its_link_local_address(
    uplink, run_module
):
    with lan(echo=False) as made:
        old = link_local(made.host, "eth0")
        assert old == [eui64(NIC_MAC)]
        assert not run_module("linux_bridge", {"name": "br0", "up": True}, made.host)["failed"]
        before = wait_for(lambda: link_local(made.host, "br0"), "a link-local address of br0")
        assert before != old
        for check in (True, False):
            assert uplink(made.host, check=check)["changed"]
        assert link_local(made.host, "br0") == old
        assert uplink(made.host)["changed"] is False
        assert not uplink(made.host, state="absent")["failed"]
        assert link_local(made.host, "eth0") == old


@pytest.mark.parametrize("mode", ["eui64", "none"])
def test_o13_18_a_mac_that_is_given_to_a_running_bridge_or_tap(run_module, netns, mode):
    batch(
        netns,
        f"link add br0 type bridge\nlink set br0 addrgenmode {mode}\nlink set br0 up\ntuntap add tap1 mode tap\n"
        "link add v1 type veth peer name v2\nlink set v2 up\nlink set v1 up\n",
    )
    before = {"eui64": 1, "none": 0}[mode]
    wait_for(lambda: len(link_local(netns, "br0")) == before, "its address")
    for number in (1, 2):
        mac = f"02:00:00:00:00:0{number}"
        result = run_module("linux_bridge", {"name": "br0", "mac": mac}, netns)
        assert result["changed"], result
        assert link_local(netns, "br0") == [eui64(mac)] * before
        assert run_module("linux_bridge", {"name": "br0", "mac": mac}, netns)["changed"] is False


def test_o13_18_a_running_bridge_that_takes_a_ports_mac_by_itself(run_module, netns):
    batch(
        netns,
        "link add br0 type bridge\nlink set br0 up\n"
        "link add v1 address 02:00:00:00:00:01 type veth peer name v2\nlink set v2 up\nlink set v1 up\n",
    )
    wait_for(lambda: link_local(netns, "br0"), "its address")
    result = run_module("bridge_port", {"name": "v1", "bridge": "br0"}, netns)
    assert not result["failed"], result
    assert link_local(netns, "br0") == [eui64("02:00:00:00:00:01")]
    assert run_module("bridge_port", {"name": "v1", "bridge": "br0"}, netns)["changed"] is False


@pytest.mark.parametrize(
    ("wish", "value", "told"), [(None, "1", True), (False, "0", False), (True, "1", False)]
)
def test_o13_23_a_bridge_that_believes_any_guests_advertisement_is_told_and_a_choice(
    uplink, wish, value, told
):
    options = {} if wish is None else {"accept_ra": wish}
    with lan(echo=False) as made:
        for changed in (True, False):
            result = uplink(made.host, **options)
            assert not result["failed"] and result["changed"] is changed, result
            assert ("accept_ra: false" in str(result.get("warnings"))) is told
            assert settled(made.host)["sysctls"]["ipv6/br0"]["accept_ra"] == value


def test_o13_23_a_host_that_lives_on_advertisements_is_not_made_deaf(refused):
    with lan(host=HOST4, echo=False) as made:
        batch(made.host, "route add default via fe80::1 dev eth0 proto ra expires 1800\n")
        assert "has default via fe80::1 dev eth0" in refused(made.host, accept_ra=False)


def test_o13_10_run_one_ends_with_the_bridges_own_mac_and_mtu(uplink, run_module):
    own = {"mac": "02:00:00:00:00:07", "mtu": 1400}
    with lan() as made:
        assert not run_module("linux_bridge", {"name": "br0", "up": True, **own}, made.host)[
            "failed"
        ]
        assert uplink(made.host, **own)["changed"]
        link = settled(made.host)["links"]["br0"]
        assert (link["address"], link["mtu"]) == (own["mac"], own["mtu"])
        assert all(made.all_reachable().values())
        assert uplink(made.host, **own)["changed"] is False
        assert run_module("linux_bridge", {"name": "br0", **own}, made.host)["changed"] is False
        assert settled(made.host)["links"]["eth0"]["mtu"] == 1500
