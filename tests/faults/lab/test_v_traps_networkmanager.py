# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G03: what NetworkManager does to a NIC and to a bridge that were to be held, or made a port, in the way that comes to mind first; then by the modules.

All on one host in a container, which boots in seconds; each case begins with a host whose NIC its own profile has. N4 with a lease is on a machine, in
test_v_managers.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import BRIDGE, MAC, NIC
from ansible_collections.hypervisor.network.tests.harness.lab.networkmanager_host import (
    NetworkManagerHost,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import CONTAINED, LONG

ADDRESS = "10.77.0.20"
PROFILES = "/etc/NetworkManager/system-connections"
PROFILE = f"""\
[connection]
id=wired
type=ethernet
interface-name={NIC}
[ipv4]
method=manual
address1={ADDRESS}/24,10.77.0.1
[ipv6]
method=disabled
"""
# As an administrator writes them who knows of nothing else
BRIDGE_BY_HAND = (
    PROFILE.replace("id=wired", "id=trap").replace(NIC, BRIDGE).replace("ethernet", "bridge")
)
PORT_BY_HAND = f"[connection]\nid=trap-port\ntype=ethernet\ninterface-name={NIC}\nmaster={BRIDGE}\nslave-type=bridge\n"
OUTAGE = 20  # of pings that are sent twenty times a second
NOT_FOR_LONG = 5


@pytest.fixture(scope="module")
def machine() -> Iterator[NetworkManagerHost]:
    if not (LONG or CONTAINED):
        pytest.skip("a host of its own takes a minute: make faults runs it")
    with NetworkManagerHost({f"{PROFILES}/wired.nmconnection": PROFILE}, ADDRESS) as made:
        yield made


@pytest.fixture
def host(machine: NetworkManagerHost) -> NetworkManagerHost:
    machine.hv(f"cd {PROFILES} && rm -f trap* hv-*; sync")
    booted(machine)
    assert has(machine, NIC)
    return machine


def booted(host: NetworkManagerHost) -> None:
    host.reboot()
    host.until_it_answers()


def has(host: NetworkManagerHost, dev: str) -> bool:
    return f" {ADDRESS}/" in host.hv(f"ip -o -4 address show dev {dev} || true")


def master(host: NetworkManagerHost) -> str:
    return host.hv(f"basename $(readlink /sys/class/net/{NIC}/master) || true").strip()


def lost(host: NetworkManagerHost, command: str) -> int:
    """How many pings had no answer while a command ran and for a while after it."""
    counted: list[int] = []
    with host.pinged(counted):
        host.hv(f"{command}; sleep 3")
    return counted[0]


def converted(host: NetworkManagerHost) -> None:
    host.done("linux_bridge", name=BRIDGE, forward_delay=0)
    host.done("bridge_uplink", name=NIC, bridge=BRIDGE, guard_timeout=60, force=True)
    host.done("bridge_persist", bridges=[BRIDGE], uplinks=[NIC], backup=False)


def converted_and_booted(host: NetworkManagerHost) -> None:
    """The host without the profiles of the trap, converted, after one more boot."""
    host.hv(f"cd {PROFILES} && rm trap*; sync")
    booted(host)
    converted(host)
    booted(host)
    host.until(f"test -e /sys/class/net/{BRIDGE}/lower_{NIC}")


def activated_again(host: NetworkManagerHost, profile: str) -> str:
    """The bridge of the NIC after its profile was taken down, the NIC's own came, and the bridge's came again."""
    host.hv(f"nmcli connection down {profile}; nmcli connection up wired")
    host.until(f"test ! -e /sys/class/net/{NIC}/master")
    host.hv(f"nmcli connection up {profile}")
    # a bridge with a static address is activated with ports and without
    host.until(f"nmcli -g GENERAL.STATE device show {BRIDGE} | grep connected")
    host.until_it_answers()
    return master(host)


def test_n02_hands_off_by_a_file_would_take_the_nic_down_and_by_word_takes_nothing(
    host: NetworkManagerHost,
) -> None:
    conf = "/run/NetworkManager/conf.d/trap.conf"
    said = f"[keyfile]\\nunmanaged-devices=interface-name:{NIC}\\n"
    by_file = f"mkdir -p $(dirname {conf}); printf '{said}' > {conf}; nmcli general reload conf"
    assert lost(host, by_file) > OUTAGE and not has(host, NIC)
    booted(host)
    assert lost(host, f"nmcli device set {NIC} managed no") <= NOT_FOR_LONG
    assert has(host, NIC) and "unmanaged" in host.hv(f"nmcli -g GENERAL.STATE device show {NIC}")


def test_n04_an_activation_over_a_live_bridge_cuts_the_host_and_what_the_modules_do_does_not(
    host: NetworkManagerHost,
) -> None:
    by_hand = (
        f"ip link add {BRIDGE} type bridge forward_delay 0 && ip link set {BRIDGE} address {MAC} up"
    )
    moved = f"ip address add {ADDRESS}/24 dev {BRIDGE} && ip link set {NIC} master {BRIDGE} && ip address flush dev {NIC}"
    host.hv(f"nmcli device set {NIC} managed no && {by_hand} && {moved}")
    host.until_it_answers()
    host.write(f"{PROFILES}/trap.nmconnection", BRIDGE_BY_HAND)
    host.write(f"{PROFILES}/trap-port.nmconnection", PORT_BY_HAND)
    activated = "nmcli connection reload; nmcli --wait 5 connection up trap"
    assert lost(host, f"{activated} || true") > OUTAGE
    # the same profile, of the modules, has the bridge as it stands
    counted: list[int] = []
    host.hv(f"cd {PROFILES} && rm trap*; sync")
    booted(host)
    with host.pinged(counted):
        converted(host)
    assert counted[0] <= NOT_FOR_LONG and (master(host), has(host, BRIDGE)) == (BRIDGE, True)
    assert "hv-br0" in host.hv(f"nmcli -g GENERAL.CONNECTION device show {BRIDGE}")
    assert lost(host, "systemctl restart NetworkManager && nm-online --quiet --timeout=60") <= NOT_FOR_LONG  # fmt: skip
    assert (master(host), has(host, BRIDGE)) == (BRIDGE, True)


def test_t17_the_profile_that_was_there_first_has_the_nic_at_boot(host: NetworkManagerHost) -> None:
    host.write(f"{PROFILES}/trap.nmconnection", BRIDGE_BY_HAND)
    host.write(f"{PROFILES}/trap-port.nmconnection", PORT_BY_HAND)
    host.reboot()
    host.until(f"nmcli -t -f DEVICE,STATE device | grep -E '^{NIC}:connected'")
    assert "wired" in host.hv(f"nmcli -g GENERAL.CONNECTION device show {NIC}")
    assert master(host) != BRIDGE
    converted_and_booted(host)
    assert (master(host), has(host, BRIDGE), has(host, NIC)) == (BRIDGE, True, False)


def test_t17_a_bridge_that_is_activated_again_has_its_ports_only_where_it_brings_them(
    host: NetworkManagerHost,
) -> None:
    host.write(f"{PROFILES}/trap.nmconnection", BRIDGE_BY_HAND)
    host.write(f"{PROFILES}/trap-port.nmconnection", PORT_BY_HAND)
    host.hv("nmcli connection reload; nmcli connection up trap-port")
    assert activated_again(host, "trap") == ""
    converted_and_booted(host)
    assert activated_again(host, "hv-br0") == BRIDGE
    assert (has(host, BRIDGE), has(host, NIC)) == (True, False)
