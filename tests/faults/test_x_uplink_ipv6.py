# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel makes by itself of a device's IPv6, and what a device answers for: there after a conversion, and as it was after the way back."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.guarded import Transactions, convert
from ansible_collections.hypervisor.network.tests.harness.lan import HOST4, lan, set_sysctls
from ansible_collections.hypervisor.network.tests.harness.netns import batch, inside, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.waiting import wait_for
from ansible_collections.hypervisor.network.tests.harness.wanted import without

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
            assert hand.state(answer["id"]) == "rolled-back", hand.facts(answer["id"])
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
