# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G03: what netplan does to a bridge that was made without it, or that its words do not suffice for: first the failure, then a host that is converted by
the modules. On the machine of test_v_traps.py.
"""

from __future__ import annotations

from ansible_collections.hypervisor.network.tests.harness.lab.cabled import (
    ADDRESS,
    BRIDGE,
    FOLDER,
    NIC,
    TAP,
    Cabled,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import CONTAINED

TRAP = "/etc/netplan/90-trap.yaml"
PLAIN = f"network:\n  ethernets:\n    {NIC}: {{addresses: [{ADDRESS}], link-local: []}}\n"
BRIDGED = f"network:\n  ethernets: {{{NIC}: {{}}}}\n  bridges:\n    {BRIDGE}: {{interfaces: [{NIC}], addresses: [{ADDRESS}], %s}}\n"
OF_A_BRIDGE = f"{PLAIN}  bridges:\n    {BRIDGE}: {{interfaces: [{NIC}], parameters: {{%s}}}}\n"
# What is said of a bridge, of its port, and of a tap, and the word at which netplan stops
NO_WORDS = {
    "isolated": OF_A_BRIDGE % f"isolated: {{{NIC}: true}}",
    "vlan-filtering": OF_A_BRIDGE % "vlan-filtering: true",
    "mcast-flood": OF_A_BRIDGE % f"mcast-flood: {{{NIC}: false}}",
    "tap": f"{PLAIN}  tunnels:\n    {TAP}: {{mode: tap}}\n",
}


def of_netplan(cabled: Cabled) -> None:
    """The NIC is a host's again, by a file of netplan's."""
    cabled.fresh()
    cabled.hv(f"rm {FOLDER}/20-nic1.network")
    cabled.write(TRAP, PLAIN)
    cabled.hv("netplan generate")
    cabled.rest(NIC)
    cabled.until(f"networkctl status {NIC} | grep 10-netplan-{NIC}.network")


def test_t02_a_definition_that_takes_many_comes_before_one_by_name(cabled: Cabled) -> None:
    cabled.hv(f"rm {FOLDER}/20-nic1.network")
    many = "network:\n  ethernets:\n    all-nic:\n      match: {name: 'nic*'}\n      addresses: [10.78.0.10/24]\n      link-local: []\n"
    cabled.write("/etc/netplan/90-trap.yaml", many)
    one = f"network:\n  ethernets: {{{NIC}: {{}}}}\n  bridges: {{{BRIDGE}: {{interfaces: [{NIC}]}}}}\n"
    cabled.write("/etc/netplan/91-trap.yaml", one)
    cabled.hv(f"netplan generate && networkctl reload && networkctl reconfigure {NIC}")
    cabled.until(f"networkctl status {NIC} | grep 10-netplan-all-nic.network")
    assert cabled.master(NIC) is None
    cabled.hv(f"rm /etc/netplan/91-trap.yaml; ip link del {BRIDGE}; netplan generate")
    cabled.rest(NIC)
    cabled.converted()
    cabled.booted()
    assert (cabled.master(NIC), cabled.has(BRIDGE)) == (BRIDGE, [ADDRESS])


def test_t03_netplan_turns_stp_on_where_any_parameter_is_said(cabled: Cabled) -> None:
    stp = f"cat /sys/class/net/{BRIDGE}/bridge/stp_state"
    of_netplan(cabled)
    cabled.write(TRAP, BRIDGED % "parameters: {forward-delay: 0}")
    cabled.hv("netplan generate && networkctl reload")
    cabled.until(f"{stp} | grep 1")
    of_netplan(cabled)
    cabled.converted()
    assert cabled.hv(stp).strip() == "0"
    cabled.booted()
    assert cabled.hv(stp).strip() == "0" and cabled.has(BRIDGE) == [ADDRESS]


def test_t13_netplan_apply_takes_a_port_from_a_bridge_and_leaves_the_bridge_that_no_file_has(
    cabled: Cabled,
) -> None:
    of_netplan(cabled)
    cabled.by_hand()
    cabled.hv("netplan apply")
    cabled.loose(NIC)
    assert cabled.hv(f"ls -d /sys/class/net/{BRIDGE}").strip()
    of_netplan(cabled)
    cabled.converted()
    cabled.hv("netplan apply")
    cabled.rest(BRIDGE)
    assert (cabled.master(NIC), cabled.has(BRIDGE)) == (BRIDGE, [ADDRESS])
    # what is dropped from its files stays with its address, and ours goes
    cabled.fresh()
    cabled.hv(f"rm {FOLDER}/20-nic1.network")
    cabled.write(TRAP, BRIDGED % "link-local: []")
    cabled.hv("netplan apply")
    cabled.rest(BRIDGE)
    cabled.write(TRAP, PLAIN)
    cabled.hv("netplan apply")
    cabled.loose(NIC)
    cabled.hv(f"ip link show {BRIDGE}")
    of_netplan(cabled)
    cabled.converted()
    cabled.given_back()
    cabled.hv("netplan apply")
    cabled.rest(NIC)
    assert cabled.has(NIC) == [ADDRESS]
    cabled.hv(f"! ip link show {BRIDGE} && ! ls /etc/netplan/*{BRIDGE}*")


def test_t14_netplan_has_no_words_for_what_keeps_guests_apart(cabled: Cabled) -> None:
    of_netplan(cabled)
    for word, trap in NO_WORDS.items():
        cabled.write(TRAP, trap)
        cabled.hv(f"! netplan generate 2> /run/said && grep {word} /run/said")
    cabled.write(TRAP, PLAIN)
    cabled.hv("netplan generate")
    cabled.rest(NIC)
    cabled.converted()
    cabled.hv(f"ip tuntap add {TAP} mode tap; ip link set {TAP} master {BRIDGE} up")
    cabled.hv(f"bridge link set dev {TAP} isolated on mcast_flood off")
    has = f"bridge -d link show dev {TAP} | grep 'isolated on' | grep 'mcast_flood off'"
    if not CONTAINED:  # whose kernel filters no VLANs
        cabled.hv(f"ip link set {BRIDGE} type bridge vlan_filtering 1 && bridge vlan add dev {TAP} vid 20")  # fmt: skip
        has += f" && bridge vlan show dev {TAP} | grep -w 20 && grep 1 /sys/class/net/{BRIDGE}/bridge/vlan_filtering"
    cabled.until(has)
    cabled.converted(taps=[TAP])
    cabled.booted()
    cabled.until(has)
    assert (cabled.master(TAP), cabled.has(BRIDGE)) == (BRIDGE, [ADDRESS])


def test_t16_cloud_init_writes_its_file_anew(cabled: Cabled) -> None:
    cabled.hv(f"rm {FOLDER}/20-nic1.network")
    path = "/etc/netplan/50-cloud-init-trap.yaml"
    # by name: one end of a cable has no MAC that it was made with
    rendered = f"network:\n  version: 2\n  ethernets:\n    {NIC}: {{addresses: [10.78.0.10/24], link-local: []}}\n"
    edited = f"network:\n  ethernets: {{{NIC}: {{}}}}\n  bridges:\n    {BRIDGE}: {{interfaces: [{NIC}], addresses: [10.78.0.10/24]}}\n"
    cabled.write(path, edited)
    cabled.hv("netplan generate")
    cabled.rest(BRIDGE)
    assert cabled.master(NIC) == BRIDGE
    cabled.write(path, rendered)
    cabled.hv("netplan generate")
    cabled.again(NIC)
    cabled.loose(NIC)
    cabled.hv(f"ip link del {BRIDGE}")
    cabled.rest(NIC)
    cabled.converted()
    cabled.write(path, rendered.replace("0.10/24", "0.11/24"))
    cabled.hv("netplan generate")
    cabled.booted()
    assert (cabled.master(NIC), cabled.has(BRIDGE)) == (BRIDGE, [ADDRESS])
