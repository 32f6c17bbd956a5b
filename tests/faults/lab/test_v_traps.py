# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G03: what networkd does to a bridge that was made without it, one trap a case: first the failure, then a host that is converted by the modules. Those of
netplan are in test_v_traps_netplan.py.

All on one machine of netplan, whose own NIC is left alone: the NIC of these cases is one end of a cable to a namespace that is its LAN. "Booted" means
here that the bridge is deleted and networkd begins anew, so that all is made from the files.
"""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.cabled import (
    ADDRESS,
    BRIDGE,
    DHCP,
    FOLDER,
    NIC,
    STATIC,
    TAP,
    Cabled,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import CONTAINED, LONG

LEASE = 120  # seconds: dnsmasq gives none for less
# Both families by DHCP
BOTH = DHCP.replace("DHCP=ipv4", "DHCP=yes").replace("LinkLocalAddressing=no", "IPv6AcceptRA=yes")


def test_t01_a_port_that_no_file_calls_one_is_taken_from_its_bridge(cabled: Cabled) -> None:
    cabled.by_hand()
    cabled.again(NIC)
    cabled.loose(NIC)
    cabled.fresh()
    cabled.converted()
    cabled.again(NIC)
    cabled.rest(BRIDGE)
    assert (cabled.master(NIC), cabled.has(BRIDGE)) == (BRIDGE, [ADDRESS])


def test_t04_a_netdev_changes_a_bridge_that_runs(cabled: Cabled) -> None:
    stp = f"cat /sys/class/net/{BRIDGE}/bridge/stp_state"
    cabled.by_hand()
    trap = f"[NetDev]\nName={BRIDGE}\nKind=bridge\n[Bridge]\nSTP=yes\n"
    cabled.write(f"{FOLDER}/20-trap.netdev", trap)
    cabled.hv(
        "systemctl restart systemd-networkd"
    )  # a reload leaves a bridge alone that it has no file of
    cabled.until(f"{stp} | grep 1")
    cabled.fresh()
    cabled.converted()
    cabled.again(BRIDGE)
    cabled.rest(BRIDGE)
    assert cabled.hv(stp).strip() == "0"


def test_t05_a_bridge_that_is_told_no_mac_boots_with_another(cabled: Cabled) -> None:
    mac = cabled.hv(f"cat /sys/class/net/{NIC}/address").strip()
    cabled.write(f"{FOLDER}/20-trap.netdev", f"[NetDev]\nName={BRIDGE}\nKind=bridge\n")
    cabled.hv("networkctl reload")
    cabled.until(f"ip link show {BRIDGE}")
    assert cabled.hv(f"cat /sys/class/net/{BRIDGE}/address").strip() != mac
    cabled.fresh()
    mac = cabled.hv(f"cat /sys/class/net/{NIC}/address").strip()
    cabled.converted()
    cabled.booted()
    assert cabled.hv(f"cat /sys/class/net/{BRIDGE}/address").strip() == mac


def test_t06_a_bridge_is_another_client_to_dhcp_than_its_nic(cabled: Cabled) -> None:
    cabled.fresh(BOTH)
    cabled.leased(NIC)
    (before,), (before6,) = cabled.client_ids(), cabled.client_ids6()
    mac = cabled.hv(f"cat /sys/class/net/{NIC}/address").strip()
    cabled.write(f"{FOLDER}/20-nic1.network", f"[Match]\nName={NIC}\n[Network]\nBridge={BRIDGE}\n")
    trap = f"[NetDev]\nName={BRIDGE}\nKind=bridge\nMACAddress={mac}\n"
    cabled.write(f"{FOLDER}/20-trap.netdev", trap)
    cabled.write(f"{FOLDER}/20-trap.network", BOTH.replace(NIC, BRIDGE))
    cabled.hv("networkctl reload")
    cabled.leased(BRIDGE)
    assert set(cabled.client_ids()) - {before} and set(cabled.client_ids6()) - {before6}
    cabled.fresh(BOTH)
    cabled.leased(NIC)
    before, before6, addresses = cabled.client_ids(), cabled.client_ids6(), cabled.leased(NIC)
    cabled.converted()
    cabled.booted()
    assert cabled.leased(BRIDGE) == addresses
    assert (cabled.client_ids(), cabled.client_ids6()) == (before, before6)


def test_t07_a_rule_and_a_route_that_no_file_has_are_removed(cabled: Cabled) -> None:
    rule = "ip rule add from 10.5.0.0/16 table 100 priority 1000"
    route = f"ip route add 10.9.0.0/24 via 10.78.0.1 dev {NIC}"
    cabled.hv(f"{rule} && {route} && systemctl restart systemd-networkd")
    cabled.until("! ip rule show | grep 10.5.0.0/16 && ! ip route show 10.9.0.0/24 | grep .")
    cabled.rest(NIC)
    cabled.hv(f"{rule} && {route}")
    cabled.converted()
    cabled.booted()
    assert cabled.hv("ip rule show | grep -c 10.5.0.0/16").strip() == "1"
    (route,) = cabled.hv("ip route show 10.9.0.0/24").splitlines()
    assert f"via 10.78.0.1 dev {BRIDGE} " in route


def test_t07_a_nexthop_that_no_file_can_have_is_refused_before_it_is_lost(cabled: Cabled) -> None:
    by_object = f"ip nexthop add id 7 via 10.78.0.1 dev {NIC} && ip route add 10.9.0.0/24 nhid 7"
    cabled.hv(f"{by_object} && systemctl restart systemd-networkd")
    # 252 removes the route alone
    cabled.until("! ip route show 10.9.0.0/24 | grep .")
    cabled.rest(NIC)
    cabled.hv(f"ip nexthop flush dev {NIC}; {by_object}")
    said = cabled.refused()
    assert "uses a nexthop object" in said and cabled.master(NIC) is None
    assert cabled.has(NIC) == [ADDRESS] and "nhid 7" in cabled.hv("ip route show 10.9.0.0/24")


def test_t08_a_route_of_somebody_elses_stands_beside_the_managers_own(cabled: Cabled) -> None:
    count = "ip route show 10.79.0.0/24 | wc -l"
    cabled.by_hand()
    cabled.hv(f"ip route add 10.79.0.0/24 via 10.78.0.1 dev {BRIDGE}")
    held = f"[Match]\nName={NIC}\n[Network]\nKeepMaster=yes\nLinkLocalAddressing=no\n"
    cabled.write(f"{FOLDER}/20-nic1.network", held)
    trap = (
        STATIC.replace(NIC, BRIDGE)
        + "KeepConfiguration=yes\n[Route]\nDestination=10.79.0.0/24\nGateway=10.78.0.1\n"
    )
    cabled.write(f"{FOLDER}/20-trap.network", trap)
    cabled.hv(
        "systemctl restart systemd-networkd"
    )  # by a reload it does not see the network of the gateway
    cabled.until(f"{count} | grep 2")
    cabled.fresh()
    cabled.hv(f"ip route add 10.79.0.0/24 via 10.78.0.1 dev {NIC}")
    cabled.converted()
    cabled.again(BRIDGE)
    cabled.rest(BRIDGE)
    assert cabled.hv(count).strip() == "1"


def test_t09_a_file_for_any_device_takes_taps_from_their_bridge(cabled: Cabled) -> None:
    cabled.write(
        f"{FOLDER}/90-trap.network", "[Match]\nType=ether\n[Network]\nLinkLocalAddressing=no\n"
    )
    tap = f"ip tuntap add {TAP} mode tap; ip link set {TAP} master {BRIDGE} up"
    cabled.converted()
    cabled.hv(tap)
    cabled.again(TAP)
    cabled.loose(TAP)
    cabled.hv(f"ip link set {TAP} master {BRIDGE}")
    cabled.converted(taps=[TAP])
    cabled.again(TAP)
    cabled.until(f"networkctl status {TAP} | grep 05-hypervisor-network-{TAP}.network")
    assert cabled.master(TAP) == BRIDGE


def test_t10_what_no_file_gives_a_live_bridge_is_taken_where_files_agree_with_the_rest(
    cabled: Cabled,
) -> None:
    cabled.fresh(DHCP)
    (address,) = cabled.has(NIC)
    cabled.by_hand()
    cabled.write(f"{FOLDER}/20-nic1.network", f"[Match]\nName={NIC}\n[Network]\nBridge={BRIDGE}\n")
    cabled.write(f"{FOLDER}/20-trap.netdev", f"[NetDev]\nName={BRIDGE}\nKind=bridge\n")
    cabled.write(f"{FOLDER}/20-trap.network", DHCP.replace(NIC, BRIDGE))
    with cabled.watched() as told:
        cabled.rest(BRIDGE)
    assert f"Deleted {address}" in told
    cabled.fresh(DHCP)
    (address,) = cabled.has(NIC)
    cabled.converted()
    with cabled.watched() as told:
        cabled.rest(BRIDGE)
        cabled.hv("systemctl restart systemd-networkd")
        cabled.until(f"networkctl list {BRIDGE} --no-legend | grep -w configured")
    assert cabled.has(BRIDGE) == [address] and f"Deleted {address}" not in told


def test_t11_a_bridge_without_carrier_loses_its_address(cabled: Cabled) -> None:
    lost = f"grep 0 /sys/class/net/{BRIDGE}/carrier && networkctl list {BRIDGE} --no-legend | grep -w no-carrier"
    cabled.by_hand()
    cabled.hv(f"rm {FOLDER}/20-nic1.network")
    cabled.write(
        f"{FOLDER}/20-trap.network", STATIC.replace(NIC, BRIDGE) + "IgnoreCarrierLoss=no\n"
    )
    cabled.write(
        f"{FOLDER}/20-nic1.network",
        f"[Match]\nName={NIC}\n[Network]\nKeepMaster=yes\nLinkLocalAddressing=no\n",
    )
    cabled.rest(BRIDGE)
    cabled.hv("ip -n lan link set p1 down")
    cabled.until(lost)
    cabled.until(f"! ip -4 address show {BRIDGE} | grep 'inet '")
    cabled.fresh()
    cabled.converted()
    cabled.hv("ip -n lan link set p1 down")
    cabled.until(lost)
    assert cabled.has(BRIDGE) == [ADDRESS]


def test_t12_netplan_try_tries_no_bridge_with_parameters(cabled: Cabled) -> None:
    tried = f"network: {{bridges: {{{BRIDGE}: {{parameters: {{forward-delay: 0}}}}}}}}\n"
    cabled.write("/etc/netplan/90-trap.yaml", tried)
    cabled.hv(
        "netplan try --timeout 5 > /run/tried 2>&1; test $? = 78 && grep -i bridge /run/tried"
    )
    cabled.fresh()
    cabled.guarded(10)
    assert (cabled.master(NIC), cabled.has(BRIDGE)) == (BRIDGE, [ADDRESS])
    cabled.loose(NIC)  # nobody confirmed it
    cabled.until(f"ip -4 address show {NIC} | grep {ADDRESS}")
    cabled.rest(NIC)


def test_t15_a_vlan_that_no_file_has_is_removed(cabled: Cabled) -> None:
    if CONTAINED:
        pytest.skip(
            "a container has this machine's kernel; the lab's machine filters VLANs, in make faults"
        )
    cabled.converted()
    cabled.hv(
        f"ip tuntap add {TAP} mode tap; ip link set {BRIDGE} type bridge vlan_filtering 1; ip link set {TAP} master {BRIDGE} up"
    )
    trap = f"[Match]\nName={TAP}\n[Network]\nBridge={BRIDGE}\nLinkLocalAddressing=no\n[BridgeVLAN]\nVLAN=30\n"
    cabled.write(f"{FOLDER}/03-trap.network", trap)
    by_hand = f"bridge vlan add dev {TAP} vid 20"
    has = f"bridge vlan show dev {TAP}"
    cabled.hv(f"{by_hand}; networkctl reload; networkctl reconfigure {TAP}")
    cabled.until(f"{has} | grep -w 30 && ! {has} | grep -w 20")
    cabled.hv(f"rm {FOLDER}/03-trap.network; {by_hand}")
    cabled.converted(taps=[TAP])
    cabled.again(TAP)
    cabled.until(f"networkctl status {TAP} | grep 05-hypervisor-network-{TAP}.network")
    assert cabled.hv(f"{has} | grep -cwE '20|30'").strip() == "2"


def test_n01_a_hold_by_a_file_of_its_own_takes_the_address(cabled: Cabled) -> None:
    cabled.fresh(DHCP)
    address = cabled.has(NIC)
    hold = f"[Match]\nName={NIC}\n[Network]\nKeepMaster=yes\nKeepConfiguration=yes\n"
    cabled.write(f"{FOLDER}/00-trap.network", hold)
    cabled.hv("networkctl reload")
    cabled.until(f"! ip -4 address show {NIC} | grep 'inet '")
    cabled.hv(f"rm {FOLDER}/00-trap.network && networkctl reload")
    cabled.until(f"ip -4 address show {NIC} | grep 'inet '")
    with cabled.watched() as told:
        cabled.converted()
    assert cabled.has(BRIDGE) == address and not any(one.startswith("Deleted") for one in told)


def test_n03_the_file_in_force_is_not_told_by_the_name(cabled: Cabled) -> None:
    # networkd hears of the name with the next word on the link
    cabled.hv(f"ip link property add dev {NIC} altname enp9s9; ip link set {NIC} alias trap")
    other = STATIC.replace(f"Name={NIC}", "Name=enp9*").replace("0.10/24", "0.11/24")
    cabled.write(f"{FOLDER}/06-trap.network", other)
    cabled.hv(f"networkctl reload && networkctl reconfigure {NIC}")
    cabled.until(f"networkctl status {NIC} | grep 06-trap.network")
    cabled.until(f"ip address show {NIC} | grep 10.78.0.11/24")
    cabled.converted()
    cabled.booted()
    assert (cabled.master(NIC), cabled.has(BRIDGE)) == (BRIDGE, ["10.78.0.11/24"])


def test_n05_a_lease_that_is_kept_whatever_happens_outlives_its_time_and_a_bridges_does_not(
    cabled: Cabled,
) -> None:
    if not LONG:
        pytest.skip("two leases run out: make faults runs it")
    cabled.fresh(DHCP + "KeepConfiguration=yes\n", lease="2m")
    # nobody tells that an address did not go
    cabled.hv(f"kill $(cat /run/lan.pid); sleep {LEASE + 5}", timeout=LEASE + 60)
    assert cabled.has(NIC) != []
    cabled.fresh(DHCP, lease="2m")
    address = cabled.has(NIC)
    cabled.converted()
    assert cabled.has(BRIDGE) == address
    cabled.booted()
    cabled.until(f"ip -4 -o address show {BRIDGE} | grep -w dynamic")
    assert cabled.has(BRIDGE) == address
    cabled.hv("kill $(cat /run/lan.pid)")
    cabled.until(f"! ip -4 address show {BRIDGE} | grep 'inet '", LEASE + 30)
