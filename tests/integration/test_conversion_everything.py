# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that iproute2 can put on a NIC is on the bridge afterwards, and on the NIC again after the way back, to the last word."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.guard.wanted import moved, without
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan, set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    batch,
    inside,
    ip_json,
    rule6,
)

EVERYTHING = """
link add eth1 type veth peer name far1
link set eth1 up
link set far1 up
address add 10.78.1.10/24 dev eth1
address add 10.77.0.10/24 broadcast 10.77.0.255 dev eth0
address add 10.77.0.11/24 dev eth0 label eth0:web
address add 10.77.0.12/24 dev eth0
address add 192.0.2.1 peer 192.0.2.2/32 dev eth0
address add 198.51.100.7/32 dev eth0 scope link
address add 10.78.0.10/24 dev eth0 metric 50
address add 10.79.0.10/24 dev eth0 noprefixroute
address add 10.80.0.10/24 dev eth0
address add fd77::10/64 dev eth0 nodad
address add fd77::11/64 dev eth0 nodad
address add fd77::12/64 dev eth0 nodad preferred_lft 0
address add fd78::10/64 dev eth0 nodad valid_lft 7200 preferred_lft 3600
address add fd79::1 peer fd79::2/64 dev eth0 nodad
address add fd7a::1/128 dev eth0 nodad
address add fd7b::1/64 dev eth0 nodad noprefixroute
address add fe80::53/64 dev eth0 nodad
route add default via 10.77.0.1 dev eth0
route add default via 10.77.0.1 dev eth0 metric 1002 proto dhcp src 10.77.0.10
route add 10.90.0.0/16 via 10.77.0.1 dev eth0 src 10.77.0.11 table 100 mtu 1400 advmss 1360 initcwnd 20 realm 5
route add 10.91.0.0/16 via 172.31.0.1 dev eth0 onlink
route add 10.92.0.0/16 nexthop via 10.77.0.1 dev eth0 weight 3 nexthop via 10.78.1.1 dev eth1 weight 5
route add 10.93.0.0/16 via inet6 fe80::1 dev eth0
route add 10.94.0.0/16 dev eth0 scope link tos 0x10
route add 10.95.0.0/16 via 10.77.0.1 dev eth0 mtu lock 1300 quickack 1 congctl reno
route add local 10.97.0.0/16 dev eth0
route add 10.98.0.0/16 via 192.0.2.2
route del 10.80.0.0/24 dev eth0
route add 10.80.0.0/24 dev eth0 src 10.80.0.10 metric 7
route add default via fd77::1 dev eth0
route add default via fe80::1 dev eth0 metric 512 proto ra expires 1800 pref high
route add fd90::/48 via fd77::1 dev eth0 src fd77::10 table 100
route add fd91::/48 nexthop via fd77::1 dev eth0 weight 2 nexthop via fe80::2 dev eth1 weight 1
rule add iif eth0 lookup 100 priority 1000
rule add oif eth0 from 10.77.0.0/24 lookup 101 priority 1001
rule add iif eth0 to 10.2.0.0/16 tos 0x10 fwmark 0x7/0xff ipproto tcp dport 80-90 lookup 103 priority 1003 suppress_prefixlength 8 protocol static
neighbor add 10.77.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
neighbor add fd77::1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent router
"""
OWN = "fe80::ff:fe77:10"  # what the kernel makes of the NIC's MAC, for the NIC and for the bridge
SYSCTLS = {
    "ipv4/conf/eth0/arp_ignore": 1, "ipv4/conf/eth0/arp_announce": 2, "ipv4/conf/eth0/proxy_arp": 1, "ipv4/conf/eth0/send_redirects": 0,
    "ipv4/conf/eth0/log_martians": 1, "ipv6/conf/eth0/accept_ra_rtr_pref": 0, "ipv6/conf/eth0/hop_limit": 61, "ipv6/conf/eth0/proxy_ndp": 1,
}  # fmt: skip


@pytest.fixture
def uplink(run_module):
    needs_root()

    def run_it(netns: str, **options: Any) -> dict[str, Any]:
        result = run_module(
            "bridge_uplink", {"name": "eth0", "bridge": "br0", "guard_timeout": 0, **options}, netns
        )
        assert not result["failed"], result
        return result

    return run_it


def strict(before: dict[str, Any]) -> dict[str, Any]:
    """A dump without the link-local addresses that devices make, and the routes that come with them.

    An address whose connected route somebody has replaced gets the mark that keeps the kernel from making that route again.
    """
    part = copy.deepcopy(
        {
            key: before[key]
            for key in ("addresses", "routes4", "routes6", "rules4", "rules6", "neighbours")
        }
    )
    for name, addresses in part["addresses"].items():
        part["addresses"][name] = [one for one in addresses if one["local"] != OWN]
        for one in part["addresses"][name]:
            if one["local"] == "10.80.0.10":
                one.pop("noprefixroute", None)
    part["routes6"] = [one for one in part["routes6"] if one["dst"] != "ff00::/8"]
    return part


@pytest.mark.parametrize("promote", [0, 1])
def test_everything_on_the_nic_moves_and_comes_back_to_the_last_word(uplink, promote):
    with lan(host="", echo=False) as made:
        inside(
            made.host,
            set_sysctls,
            {
                "ipv4/conf/all/promote_secondaries": promote,
                "ipv4/conf/eth0/promote_secondaries": promote,
                **SYSCTLS,
            },
        )
        batch(made.host, EVERYTHING)
        rule6(made.host, "iif eth0 from fd77::/64 lookup 104 priority 1004")
        before = settled(made.host)
        uplink(made.host)
        after = settled(made.host)
        # the first address is who the host is to others; only the kernel's own link-local one comes when it likes
        assert _locals(
            ip_json(made.host, "address", "show", "dev", "br0")[0]["addr_info"]
        ) == _locals(before["addresses"]["eth0"])
        assert uplink(made.host)["changes"] == []
        assert uplink(made.host, state="absent")["changed"]
        back = settled(made.host)
        assert uplink(made.host, state="absent")["changes"] == []
    assert "\n".join(differences(strict(_moved(before)), strict(after))) == ""
    assert "\n".join(differences(strict(before), strict(without(back, "br0")))) == ""
    for part in ("links", "sysctls"):
        assert (
            "\n".join(differences(without(before, "br0")[part], without(back, "br0")[part])) == ""
        )
    for key, value in SYSCTLS.items():
        family, _conf, _dev, name = key.split("/")
        assert after["sysctls"][f"{family}/br0"][name] == str(value), key


def _locals(addresses: list[dict[str, Any]]) -> list[str]:
    return [one["local"] for one in addresses if not one["local"].startswith("fe80:")]


def _moved(before: dict[str, Any]) -> dict[str, Any]:
    """As C(moved), with every flag of an address."""
    flags = copy.deepcopy(before["addresses"]["eth0"])
    wanted = moved(before)
    for one in flags:
        if one.get("label", "").startswith("eth0"):
            one["label"] = "br0" + one["label"][len("eth0") :]
    wanted["addresses"]["br0"] = flags
    return wanted
