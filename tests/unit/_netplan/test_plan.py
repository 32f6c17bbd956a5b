# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge of netplan's: the YAML as an administrator reads it, and what stands beside netplan's own files."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ansible_collections.hypervisor.network.plugins.module_utils._netplan.plan import nic_ids, plan
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import BRIDGE
from ansible_collections.hypervisor.network.tests.harness.model.attributes import lost
from ansible_collections.hypervisor.network.tests.harness.model.standing import MAC, WISH, standing

YAML = "/etc/netplan/95-hypervisor-network-br0.yaml"
BESIDE = "/etc/systemd/network/10-netplan-br0.network.d/50-hypervisor-network.conf"
NETDEV = "/etc/systemd/network/10-netplan-br0.netdev.d/50-hypervisor-network.conf"
NIC = "/etc/systemd/network/10-netplan-0hv-eth0.network.d/50-hypervisor-network.conf"
GENERATED = "/run/systemd/network/10-netplan-all-eth.network"
# as Ubuntu's installer has it, in the words of the file that netplan makes of it
STATIC = """
[Match]
Name=eth0
[Network]
LinkLocalAddressing=ipv6
Address=10.77.0.11/24
Address=fd77::11/64
DNS=10.77.0.1
DNS=fd77::1
Domains=lan example.org
IPv6AcceptRA=no
[Route]
Destination=0.0.0.0/0
Gateway=10.77.0.1
[Route]
Destination=10.8.0.0/16
Gateway=10.77.0.1
Metric=50
GatewayOnLink=true
[Route]
Destination=10.7.0.0/16
Gateway=10.77.0.1
MTUBytes=1400
"""


def texts(config: str | None = None, wish: object = WISH, **bridge: object) -> dict[str, str]:
    now = standing(source=GENERATED, **bridge) if config is None else standing(config, GENERATED, **bridge)  # fmt: skip
    return {one.path: one.text for one in plan(now, wish) if one.text is not None}


def test_a_host_with_dhcp() -> None:
    found = texts()
    assert found[YAML] == (
        """# hypervisor.network: br0, with what eth0 had
network:
  version: 2
  ethernets:
    0hv-eth0:
      match: {name: eth0}
      link-local: []
      accept-ra: false
  bridges:
    br0:
      interfaces: [0hv-eth0]
      macaddress: "52:54:00:00:00:10"
      parameters: {stp: false, forward-delay: 0}
      dhcp4: true
      dhcp6: true
      nameservers:
        addresses: ["10.77.0.1"]
"""
    )
    assert f"# before: {GENERATED}\n" in found[NIC] and NETDEV not in found
    assert "IAID=0xe2343f3e\n" in found[BESIDE] and "From=10.5.0.0/16\n" in found[BESIDE]
    assert "DHCP=" not in found[BESIDE] and "IgnoreCarrierLoss=yes\n" in found[BESIDE]


def test_no_option_of_a_bridge_is_lost_at_the_next_boot() -> None:
    assert lost(BRIDGE, lambda said: texts(**said)) == []


def test_a_static_host() -> None:
    found = texts(STATIC)
    bridge = yaml.safe_load(found[YAML])["network"]["bridges"]["br0"]
    assert bridge["addresses"] == ["10.77.0.11/24", "fd77::11/64"] and bridge["accept-ra"] is False
    assert bridge["nameservers"] == {"addresses": ["10.77.0.1", "fd77::1"], "search": ["lan", "example.org"]}  # fmt: skip
    assert bridge["routes"] == [
        {"to": "default", "via": "10.77.0.1"},
        {"to": "10.8.0.0/16", "via": "10.77.0.1", "metric": 50, "on-link": True},
    ]
    assert "dhcp4" not in bridge and "link-local" not in bridge
    assert "MTUBytes=1400\n" in found[BESIDE] and "10.8.0.0/16" not in found[BESIDE]


def test_a_route_that_says_all_that_netplan_has_words_for_is_in_the_yaml() -> None:
    found = texts(
        "[Network]\nAddress=10.77.0.11/24\n[Route]\nDestination=10.8.0.0/16\nGateway=10.77.0.1\nMetric=50\nTable=7\nGatewayOnLink=yes\n"
        "PreferredSource=10.77.0.11\nScope=global\nType=unicast\n"
    )
    assert yaml.safe_load(found[YAML])["network"]["bridges"]["br0"]["routes"] == [
        {
            "to": "10.8.0.0/16",
            "via": "10.77.0.1",
            "metric": 50,
            "table": 7,
            "on-link": True,
            "from": "10.77.0.11",
            "scope": "global",
            "type": "unicast",
        }
    ]
    assert "10.8.0.0/16" not in found[BESIDE]


def test_what_stays_with_the_nic_stands_beside_its_file() -> None:
    above = "[Link]\nRequiredForOnline=no\nMTUBytes=9000\n[Network]\nDHCP=yes\nVLAN=lan.10\n[QDisc]\nParent=root\n"
    found = texts(above)
    for words in ("RequiredForOnline=no", "MTUBytes=9000", "VLAN=lan.10", "[QDisc]"):
        assert f"{words}\n" in found[NIC]
    assert "RequiredForOnline=no\n" in found[BESIDE] and "VLAN=" not in found[BESIDE]


@pytest.mark.parametrize(("said", "expected"), [("no", []), ("ipv4", ["ipv4"]), ("yes", ["ipv4", "ipv6"])])  # fmt: skip
def test_link_local_addresses_of_all_kinds(said: str, expected: list[str]) -> None:
    found = texts(f"[Network]\nLinkLocalAddressing={said}\nDHCP=ipv6\n")
    bridge = yaml.safe_load(found[YAML])["network"]["bridges"]["br0"]
    assert bridge["link-local"] == expected and bridge["dhcp6"] is True and "dhcp4" not in bridge


def test_what_netplan_has_no_words_for_stands_beside_its_netdev() -> None:
    found = texts(vlan_filtering=True, stp_state=True, forward_delay=4.0, priority=4096)
    assert "parameters: {stp: true, forward-delay: 4, priority: 4096}\n" in found[YAML]
    assert "VLANFiltering=yes\n" in found[NETDEV] and "Priority" not in found[NETDEV]
    assert "PVID=1\n" in found[BESIDE] and "PVID=1\n" in found[NIC]


def test_a_bridge_without_uplink() -> None:
    wish = replace(WISH, bridges=["br1"], uplinks=[], ports=[], taps=[])
    text = texts(wish=wish)["/etc/netplan/95-hypervisor-network-br1.yaml"]
    bridge = yaml.safe_load(text)["network"]["bridges"]["br1"]
    assert bridge["interfaces"] == [] and bridge["addresses"] == ["10.88.0.1/24"]


def test_only_root_reads_the_yaml() -> None:
    assert {one.mode for one in plan(standing(), WISH) if one.path == YAML} == {0o600}


def test_the_way_back_takes_all_of_it_away() -> None:
    gone = {one.path: one.text for one in plan(standing(), replace(WISH, present=False))}
    assert set(gone.values()) == {None} and {YAML, BESIDE, NETDEV, NIC} <= set(gone)


def test_a_plug_that_is_pulled_between_two_files_finds_the_old_network_or_the_new() -> None:
    """What stands beside a file that netplan has not made says nothing: the YAML decides, last there and first back."""
    there = [one.path for one in plan(standing(vlan_filtering=True), WISH)]
    back = [one.path for one in plan(standing(), replace(WISH, present=False))]
    beside = (BESIDE, NETDEV, NIC)
    assert there.index(YAML) > max(there.index(one) for one in beside)
    assert back.index(YAML) < min(back.index(one) for one in beside)


def test_the_uplink_is_found_by_the_mac_that_it_was_made_with() -> None:
    now = replace(standing(), permanent={"eth0": MAC})
    by_mac, by_name = (
        next(one.text for one in plan(now, replace(WISH, match=match)) if one.path == YAML) or ""
        for match in ("mac", "auto")
    )
    assert f'      match: {{macaddress: "{MAC}"}}\n' in by_mac
    assert by_mac.replace(f'macaddress: "{MAC}"}}', "name: eth0}", 1) == by_name
    assert nic_ids(by_mac) == nic_ids(by_name) == ["0hv-eth0"]


@pytest.mark.parametrize("config", [None, STATIC])
def test_netplan_itself_reads_it_and_makes_the_files_that_stand_beside(
    tmp_path: Path, config: str | None
) -> None:
    """The oracle: netplan's own generator, in whose order of names the NIC's file comes before the one that it had."""
    program = shutil.which("netplan")
    if program is None:
        pytest.skip(
            "netplan is not installed: tests/faults/lab/test_v_managers.py runs it where it is"
        )
    (tmp_path / "etc/netplan").mkdir(parents=True)
    path = tmp_path / YAML[1:]
    path.write_text(texts(config)[YAML], encoding="utf-8")
    path.chmod(0o600)
    before = (
        "network:\n  version: 2\n  ethernets:\n    all-eth: {match: {name: 'eth*'}, dhcp4: true}\n"
    )
    (tmp_path / "etc/netplan/90-default.yaml").write_text(before, encoding="utf-8")
    (tmp_path / "etc/netplan/90-default.yaml").chmod(0o600)
    subprocess.run([program, "generate", "--root-dir", str(tmp_path)], check=True)
    made = sorted(one.name for one in (tmp_path / "run/systemd/network").iterdir())
    assert made == ["10-netplan-0hv-eth0.network", "10-netplan-all-eth.network", "10-netplan-br0.netdev", "10-netplan-br0.network"]  # fmt: skip
    netdev = (tmp_path / "run/systemd/network/10-netplan-br0.netdev").read_text("utf-8")
    assert "STP=false" in netdev and "ForwardDelaySec=0" in netdev
