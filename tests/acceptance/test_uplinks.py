# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uplinks that not every kernel has: bonds, VLAN devices, and NICs that belong to a VRF, in namespaces inside a machine whose kernel has them.

The witness is the machine's iproute2, and a ping from the LAN's end that has forgotten the host's MAC.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import VLANS, Lab
from ansible_collections.hypervisor.network.tests.harness.process.modules import (
    Modules,
    guarded_form,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

LIBRARY = "/root/uplinks"
HOST, LAN = "uplinks", "uplinks-lan"
FAIL_OVER_SECONDS = 15.0  # ten times the bond's own, for a machine without KVM on a busy host
# Two cables from the host to one switch
SETUP = """
link add nic0 type veth peer name p0 netns {lan}
link add nic1 type veth peer name p1 netns {lan}
"""
SWITCH = """
link add lan0 up type bridge forward_delay 0
address add 10.78.0.1/24 dev lan0
link set p0 master lan0 up
link set p1 master lan0 up
link add link lan0 name lan0.10 up type vlan id 10
address add 10.79.0.1/24 dev lan0.10
"""
BOND = """
link add bond0 type bond mode active-backup miimon 100
link set nic0 master bond0
link set nic1 master bond0
link set bond0 up
address add 10.78.0.10/24 dev bond0
route add default via 10.78.0.1
"""
VLAN = """
link set nic0 up
address add 10.78.0.10/24 dev nic0
link add link nic0 name nic0.10 up type vlan id 10
address add 10.79.0.10/24 dev nic0.10
route add default via 10.79.0.1 dev nic0.10
"""
PLAIN = """
link set nic0 up
address add 10.78.0.10/24 dev nic0
route add default via 10.78.0.1
link add tap1 type veth peer name guest1
link set guest1 up
"""
HOSTS_OWN = [{"vid": "7", "pvid": True, "untagged": True}, {"vid": "8"}]
CARRIED = {7: {"PVID", "Egress Untagged"}, 8: set()}
WISH = {"bridge": "br0", "guard_timeout": 0}


class Cabled:
    """The host with its cables, and what is asked of it from outside."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def batch(self, netns: str, lines: str) -> None:
        self._lab.ssh(VLANS, f"ip -n {netns} -batch - <<-.\n{lines}\n.")

    def told(self, words: str) -> list[dict[str, Any]]:
        return self._lab.json(VLANS, f"ip -n {HOST} -j {words}")

    def link(self, name: str) -> dict[str, Any]:
        return self.told(f"-d link show dev {name}")[0]

    def has(self, dev: str) -> list[str]:
        """The IPv4 addresses of a device, then the IPv4 routes that lead there."""
        rows = self.told(f"-4 address show dev {dev}")
        addresses = [
            f"{one['local']}/{one['prefixlen']}" for row in rows for one in row.get("addr_info", ())
        ]
        return addresses + [
            f"{one['dst']} {one.get('gateway', '')}".strip()
            for one in self.told("-4 route show")
            if one["dev"] == dev
        ]

    def vlans(self, dev: str) -> dict[int, set[str]]:
        """The VLANs of a port, or of the bridge itself, with the flags of each."""
        rows = self._lab.json(VLANS, f"bridge -n {HOST} -j vlan show dev {dev}")
        return {one["vlan"]: set(one.get("flags", ())) for row in rows for one in row["vlans"]}

    def answers(self, address: str) -> bool:
        """Whether the host answers the LAN, which has forgotten who it is."""
        try:
            self._lab.ssh(
                VLANS,
                f"ip -n {LAN} neighbour flush all; ip netns exec {LAN} ping -q -c 1 -W 2 {address}",
            )
        except subprocess.CalledProcessError:
            return False
        return True


@pytest.fixture
def cabled(lab: Lab) -> Iterator[Cabled]:
    made = Cabled(lab)
    lab.ssh(VLANS, f"ip netns add {HOST} && ip netns add {LAN}")
    try:
        made.batch(HOST, SETUP.format(lan=LAN))
        made.batch(LAN, SWITCH)
        yield made
    finally:
        lab.ssh(VLANS, f"ip netns delete {HOST}; ip netns delete {LAN}")


@pytest.fixture(scope="module")
def installed(lab: Lab) -> None:
    lab.install(VLANS, LIBRARY)


@pytest.fixture
def host(lab: Lab, cabled: Cabled, installed: None) -> Iterator[Modules]:
    with Modules(HOST, "/usr/bin/python3", LIBRARY, lab.ssh_words(VLANS)) as modules:
        yield modules


def there_and_back(cabled: Cabled, host: Modules, nic: str, during: tuple[str, ...]) -> None:
    """C(nic) becomes an uplink as check mode said, once, and has everything again at the end; the addresses C(during) answer while it is one."""
    before = cabled.has(nic)
    assert before and all(cabled.answers(address) for address in during)
    predicted = host.done("bridge_uplink", check=True, name=nic, **WISH)
    assert cabled.has(nic) == before
    result = host.done("bridge_uplink", name=nic, **WISH)
    assert result["changed"] and result["changes"] == predicted["changes"]
    assert (cabled.has(nic), cabled.has("br0")) == ([], before)
    assert (
        cabled.link(nic)["master"] == "br0"
        and cabled.link(nic)["address"] == cabled.link("br0")["address"]
    )
    assert all(cabled.answers(address) for address in during)
    assert not host.done("bridge_uplink", name=nic, **WISH)["changed"]
    assert host.done("bridge_uplink", name=nic, state="absent", **WISH)["changed"]
    assert cabled.has(nic) == before and all(cabled.answers(address) for address in during)


def test_a_bond_becomes_the_uplink_and_gets_everything_back(cabled: Cabled, host: Modules) -> None:
    cabled.batch(HOST, BOND)
    there_and_back(cabled, host, "bond0", ("10.78.0.10",))
    assert {name: cabled.link(name).get("master") for name in ("nic0", "nic1")} == {
        "nic0": "bond0",
        "nic1": "bond0",
    }


def test_a_bond_fails_over_while_it_is_the_uplink(cabled: Cabled, host: Modules) -> None:
    cabled.batch(HOST, BOND)
    host.done("bridge_uplink", name="bond0", **WISH)
    for cut, left in (("p0", "nic1"), ("p1", "nic0")):
        cabled.batch(LAN, f"link set p0 up\nlink set p1 up\nlink set {cut} down")
        wait_for(
            lambda left=left: cabled.link("bond0")["linkinfo"]["info_data"]["active_slave"] == left,
            f"{left} carries the bond",
            FAIL_OVER_SECONDS,
        )
        wait_for(
            lambda: cabled.answers("10.78.0.10"), f"the host answers over {left}", FAIL_OVER_SECONDS
        )


def test_a_slave_is_refused_and_the_bond_named(cabled: Cabled, host: Modules) -> None:
    cabled.batch(HOST, BOND)
    message = host.refused("bridge_uplink", name="nic0", **WISH)
    assert "nic0 already belongs to bond0" in message and "convert the bond itself" in message


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("mode balance-alb miimon 100", "balance-alb"),
        ("mode balance-tlb miimon 100", "balance-tlb"),
        ("mode active-backup miimon 100 fail_over_mac active", "fail_over_mac"),
        ("mode active-backup arp_interval 100 arp_ip_target 10.78.0.1", "arp_ip_target"),
    ],
)
def test_a_bond_that_a_bridge_would_break_is_refused(
    cabled: Cabled, host: Modules, options: str, why: str
) -> None:
    cabled.batch(HOST, BOND.replace("mode active-backup miimon 100", options))
    message = host.refused("bridge_uplink", name="bond0", **WISH)
    assert why in message and message.endswith("or say override: [bond].")
    assert cabled.has("bond0") == ["10.78.0.10/24", "default 10.78.0.1", "10.78.0.0/24"]


def test_a_vlan_device_of_the_nic_stays_and_goes_on_hearing_its_vlan(
    cabled: Cabled, host: Modules
) -> None:
    cabled.batch(HOST, VLAN)
    there_and_back(cabled, host, "nic0", ("10.78.0.10", "10.79.0.10"))


def test_it_is_told_that_the_vlans_of_the_nics_own_devices_do_not_reach_guests(
    cabled: Cabled, host: Modules
) -> None:
    cabled.batch(HOST, VLAN)
    warnings = str(host.done("bridge_uplink", name="nic0", **WISH)["warnings"])
    assert "nic0.10 stay on nic0" in warnings and "won't see those VLANs" in warnings


def test_a_vlan_device_that_has_the_address_becomes_an_uplink_itself(
    cabled: Cabled, host: Modules
) -> None:
    cabled.batch(HOST, VLAN)
    there_and_back(cabled, host, "nic0.10", ("10.79.0.10", "10.78.0.10"))


def test_a_nic_of_a_vrf_is_refused(cabled: Cabled, host: Modules) -> None:
    cabled.batch(
        HOST,
        "link add red up type vrf table 10\nlink set nic0 master red up\naddress add 10.78.0.10/24 dev nic0",
    )
    message = host.refused("bridge_uplink", name="nic0", **WISH)
    assert (
        "nic0 already belongs to red, a device of kind 'vrf'; take it out of red first." in message
    )


@pytest.fixture(params=[0, 1], ids=["no-default", "another-default"])
def filtering(request: pytest.FixtureRequest, cabled: Cabled, host: Modules) -> Cabled:
    """A host whose bridge filters VLANs, is in the host's, and gives others or none to whoever joins it; a guest is in VLAN 20."""
    cabled.batch(HOST, PLAIN)
    wish = {"vlan_filtering": True, "vlan_default_pvid": request.param, "self_vlans": HOSTS_OWN}
    host.done("linux_bridge", name="br0", up=True, **wish)
    host.done("bridge_port", name="tap1", bridge="br0", up=True, access_vlan=20)
    return cabled


def test_a_nic_joins_a_bridge_in_the_hosts_vlans(filtering: Cabled, host: Modules) -> None:
    there_and_back(filtering, host, "nic0", ("10.78.0.10",))
    host.done("bridge_uplink", name="nic0", **WISH)
    assert filtering.vlans("nic0") == filtering.vlans("br0") == CARRIED
    assert filtering.answers("10.78.0.10")
    # a second uplink's worth of VLANs is somebody's choice, and left alone
    host.done("bridge_port", name="nic0", bridge="br0", trunk_vlans=["8", "20"], native_vlan=7)
    assert not host.done("bridge_uplink", name="nic0", **WISH)["changed"]
    assert 20 in filtering.vlans("nic0")


def test_a_failure_at_any_write_on_the_way_into_the_hosts_vlans_gives_everything_back(
    filtering: Cabled, host: Modules
) -> None:
    before = filtering.has("nic0")
    wish = guarded_form("bridge_uplink", name="nic0", **WISH)
    for at in range(1, 60):
        done = host.order("guarded_change", wish, fail={"at": at, "errno": 1})
        if not done["result"].get("failed"):
            break
        assert "undone" in done["result"]["msg"], done
        assert (filtering.has("nic0"), filtering.has("br0")) == (before, [])
        assert (filtering.vlans("nic0"), filtering.vlans("br0")) == ({}, CARRIED)
        assert filtering.answers("10.78.0.10")
    assert at > 8 and filtering.vlans("nic0") == CARRIED, "it never got as far as the VLANs"


def test_nothing_leaves_by_the_bridge_before_its_nic_is_in_the_hosts_vlan(
    lab: Lab, filtering: Cabled, host: Modules
) -> None:
    log = "/root/moments"
    look = f"(ip -n {HOST} -4 route show default; bridge -n {HOST} -j vlan show dev nic0; echo) | tr '\\n' ' ' >> {log}; echo >> {log}"
    lab.ssh(VLANS, f"rm -f {log}")
    wish = guarded_form("bridge_uplink", name="nic0", **WISH)
    fail = {"at": 1, "for": 99, "meanwhile": ["sh", "-c", look]}
    assert host.order("guarded_change", wish, fail=fail)["result"]["changed"]
    moments = lab.ssh(VLANS, f"cat {log}").splitlines()
    ways = [("dev br0" in one, '"vlan":7' in one) for one in moments]
    assert (False, False) in ways and (True, True) in ways, "not all moments were seen"
    assert (True, False) not in ways


def test_a_host_in_no_vlan_is_refused_and_the_way_that_is_named_works(
    cabled: Cabled, host: Modules
) -> None:
    cabled.batch(HOST, PLAIN)
    host.done("linux_bridge", name="br0", vlan_filtering=True, vlan_default_pvid=0)
    message = host.refused("bridge_uplink", name="nic0", **WISH)
    assert "10.78.0.10/24 of nic0 would be cut off" in message and "self_vlans" in message
    assert cabled.answers("10.78.0.10")
    host.done("linux_bridge", name="br0", self_vlans=HOSTS_OWN[:1])
    assert host.done("bridge_uplink", name="nic0", **WISH)["changed"]
    assert cabled.answers("10.78.0.10")
