# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges made by hand whose ports another manager has, which the doctor finds before they are taken: networkd and NetworkManager in a container.

That each does take, at its next start, a port whose bridge it was not told of is seen here too.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    MAC,
    NIC,
    TAP,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkmanager_host import (
    STATIC_PROFILE,
    WIRED_FILE,
    NetworkManagerHost,
)

GUEST = "52:00:00:00:00:0a"  # none runs: what it would have been heard by stands in the forwarding table by hand
BROAD = "/etc/systemd/network/90-all.network"
# a cable's end is an uplink where the bridge has its MAC
BRIDGE_MADE = f"ip link add {BRIDGE} address {MAC} type bridge && ip link set {BRIDGE} up"
MADE = f"{BRIDGE_MADE} && ip tuntap add {TAP} mode tap && ip link set {TAP} up"
PLUGGED = f"ip link set {NIC} master {BRIDGE} && ip link set {TAP} master {BRIDGE} && bridge fdb replace {GUEST} dev {TAP} master static"


def found(host: NetworkdHost) -> dict[str, Any]:
    """By device what is said of managers."""
    every = host.done("bridge_doctor", mac=GUEST)["findings"]
    return {one["device"]: one for one in every if one["id"].startswith("other_manager")}


def ids(host: NetworkdHost) -> dict[str, str]:
    return {device: one["id"] for device, one in found(host).items()}


def ports(host: NetworkdHost) -> set[str]:
    return set(host.hv(f"ls /sys/class/net/{BRIDGE}/brif").split())


def test_a_broad_match_of_networkds_is_found_before_it_takes_the_tap_and_the_uplink() -> None:
    with NetworkdHost({BROAD: "[Match]\nType=ether\n[Network]\nDHCP=yes\n"}) as host:
        host.hv(MADE)
        host.until(f"networkctl list --no-legend {TAP} | grep -q configuring")
        host.hv(PLUGGED)
        assert ids(host) == {TAP: "other_manager_takes_tap", NIC: "other_manager"}
        (cure,) = found(host)[TAP]["cure"]
        # what the role's step verify says of its ports
        assert BROAD in host.done("bridge_info")["takers"][TAP]
        host.hv("systemctl restart systemd-networkd")
        host.until(f"! ls /sys/class/net/{BRIDGE}/brif | grep -q .")  # the oracle: both are taken
        for name, options in cure.items():
            host.done(name.rpartition(".")[2], **options)
        host.hv(PLUGGED)
        assert ids(host) == {NIC: "other_manager"} and set(host.done("bridge_info")["takers"]) == {
            NIC
        }
        host.hv("systemctl restart systemd-networkd")
        host.until(f"! test -e /sys/class/net/{BRIDGE}/brif/{NIC}")
        assert ports(host) == {TAP}  # the cure helps by itself
        host.hv(f"rm {BROAD} && systemctl restart systemd-networkd")
        host.until(f"networkctl list --no-legend {NIC} | grep -q unmanaged")
        host.hv(PLUGGED)
        assert ids(host) == {} and ports(host) == {NIC, TAP}


def test_a_profile_of_networkmanagers_that_knows_no_bridge_is_found_and_its_cure_helps() -> None:
    with NetworkManagerHost({WIRED_FILE: STATIC_PROFILE}, "10.77.0.20") as host:
        host.hv(
            f"{BRIDGE_MADE} && nmcli connection add type tun mode tap ifname {TAP} con-name {TAP} ipv4.method disabled ipv6.method disabled"
        )
        host.until(f"ip link show {TAP}")
        host.hv(PLUGGED)
        assert ids(host) == {TAP: "other_manager_takes_tap", NIC: "other_manager"}
        (cure,) = re.findall(r"'(nmcli [^']*)'", found(host)[TAP]["finding"])
        again = f"nmcli connection down {TAP} && nmcli connection up {TAP}"
        host.hv(again)
        assert ports(host) == {NIC}  # the oracle: it is no port after its next start
        host.hv(f"{cure} && {again}")
        assert ports(host) == {NIC, TAP}
        host.hv(PLUGGED)
        assert ids(host) == {NIC: "other_manager"}
        host.hv(f"nmcli device set {NIC} managed no")
        host.hv(PLUGGED)
        assert ids(host) == {} and ports(host) == {NIC, TAP}
