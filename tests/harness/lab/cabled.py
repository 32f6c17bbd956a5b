# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second NIC of a host of networkd: one end of a cable to a namespace that is its LAN, with a DHCP server, so that the host's own is left alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from ..process.modules import guarded_form
from .powered import HOST, PoweredLab

NIC, BRIDGE, TAP = "nic1", "br1", "tap9"
LIBRARY = "/run/hypervisor-network-tests"
FOLDER = "/etc/systemd/network"
STATIC = f"[Match]\nName={NIC}\n[Network]\nAddress=10.78.0.10/24\nLinkLocalAddressing=no\n"
DHCP = f"[Match]\nName={NIC}\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n"
ADDRESS = "10.78.0.10/24"
CABLE = f"""
ip netns add lan
ip link add {NIC} type veth peer name p1 netns lan
ip -n lan address add 10.78.0.1/24 dev p1
ip -n lan link set p1 up
ip -n lan address add fd78::1/64 dev p1 nodad
ip netns exec lan dnsmasq --port=0 --interface=p1 --bind-interfaces --no-ping --dhcp-authoritative --dhcp-option=3 --enable-ra \
 --dhcp-range=10.78.0.100,10.78.0.150,{{lease}} --dhcp-range=fd78::100,fd78::1ff,64,1h --pid-file=/run/lan.pid --dhcp-leasefile=/run/lan.leases
"""
BY_HAND = f"""
ip link add {BRIDGE} type bridge forward_delay 0
ip link set {BRIDGE} address $(cat /sys/class/net/{NIC}/address) up
for one in $(ip -o -4 address show {NIC} | awk '{{print $4}}'); do ip address add $one dev {BRIDGE}; done
ip link set {NIC} master {BRIDGE}
ip -4 address flush dev {NIC}
"""
NAMED = f'SUBSYSTEM=="net", KERNEL=="{NIC}", ENV{{ID_NET_NAME_PATH}}="{NIC}"'
GONE = f"""
[ -e /run/lan.pid ] && kill $(cat /run/lan.pid); rm -f /run/lan.pid /run/lan.leases
ip rule del priority 1000; for one in {BRIDGE} {NIC} {TAP}; do ip link del $one; done; ip netns del lan
rm -rf {FOLDER}/*hypervisor-network* {FOLDER}/*nic* {FOLDER}/*trap* /etc/netplan/*trap* /etc/netplan/95*
rm -rf /run/systemd/network/*hypervisor-network* /run/systemd/network/*nic1*
netplan generate; networkctl reload
"""


class Cabled:
    """The machine with its second NIC, and what is done to it."""

    def __init__(self, lab: PoweredLab) -> None:
        self.lab = lab
        self.hv = lab.hv
        self.until = lab.until

    def fresh(self, said: str = STATIC, name: str = "20-nic1", lease: str = "1h") -> None:
        """The NIC is a host's again, by a file of networkd's; the LAN's server gives addresses for so long."""
        self.hv(f"{{ {GONE} }} 2> /dev/null; true")
        self.write(f"{FOLDER}/{name}.network", said)
        self.hv(f"set -e; {CABLE.format(lease=lease)}")
        self.rest(NIC)

    def write(self, path: str, text: str) -> None:
        """A file that netplan does not complain of, and that networkd may read."""
        own = f"chmod 600 {path} && chown systemd-network {path}"
        self.hv(f"mkdir -p $(dirname {path})\ncat > {path} <<'.'\n{text}\n.\n{own}")

    def rest(self, dev: str) -> None:
        self.hv("networkctl reload")
        self.until(f"networkctl list {dev} --no-legend | grep -w configured")

    def by_hand(self) -> None:
        self.hv(f"set -e; {BY_HAND}")

    def module(self, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        return self.lab.module(HOST, LIBRARY, name, args)

    def converted(self, **persisted: Any) -> None:
        wish = guarded_form("bridge_uplink", name=NIC, bridge=BRIDGE, guard_timeout=0)
        self.module("guarded_change", wish)
        files = {"bridges": [BRIDGE], "uplinks": [NIC], "backup": False}
        self.module("bridge_persist", {**files, **persisted})

    def refused(self) -> str:
        """What is said against a conversion."""
        wish = guarded_form("bridge_uplink", name=NIC, bridge=BRIDGE, guard_timeout=0)
        with pytest.raises(subprocess.CalledProcessError) as caught:
            self.module("guarded_change", wish)
        return str(json.loads(caught.value.stdout)["msg"])

    def given_back(self) -> None:
        """The NIC is the host's again, on disk too, and the bridge gone."""
        gone = {"state": "absent"}
        wish = guarded_form("bridge_uplink", name=NIC, bridge=BRIDGE, guard_timeout=0, **gone)
        self.module("guarded_change", wish)
        files = {"bridges": [BRIDGE], "uplinks": [NIC], "backup": False}
        self.module("bridge_persist", {**files, **gone})
        self.module("linux_bridge", {"name": BRIDGE, **gone})

    def leased(self, dev: str) -> list[str]:
        """The addresses of a device once it has one of each family, from the server."""
        shown = f"ip -o address show {dev} scope global"
        self.until(f"{shown} | grep 'inet ' && {shown} | grep 'inet6 fd78::1' | grep -v tentative")
        return self.hv(f"{shown} | awk '{{print $4}}' | grep -e ^10 -e ^fd78::1 | sort").split()

    def guarded(self, seconds: int) -> None:
        """Converted, and undone unless somebody confirms it in time."""
        wish = guarded_form("bridge_uplink", name=NIC, bridge=BRIDGE, guard_timeout=seconds)
        self.module("guarded_change", wish)

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """What the kernel says of the bridge's IPv4 addresses while the block runs: each with its prefix, or Deleted and that."""
        log = "/run/watch"
        self.hv(f"setsid ip -o -4 monitor address > {log} 2>&1 < /dev/null & echo $! > {log}.pid")
        told: list[str] = []
        try:
            yield told
        finally:
            said = self.hv(f"kill $(cat {log}.pid); grep -w {BRIDGE} {log} || true").splitlines()
            for line in said:
                gone = "Deleted " if line.startswith("Deleted") else ""
                told.append(gone + line.partition(" inet ")[2].split()[0])

    def again(self, dev: str) -> None:
        """networkd reads its files, and treats the device by them."""
        self.hv(f"networkctl reload && networkctl reconfigure {dev}")

    def booted(self) -> None:
        """What is below /run is gone with a boot, and so are devices."""
        ours = "/run/systemd/network/*hypervisor-network* /run/systemd/network/*.d/*hypervisor-network*"
        self.hv(f"rm -rf {ours}; ip link del {BRIDGE}; systemctl restart systemd-networkd")
        self.until(f"networkctl list {BRIDGE} --no-legend | grep -w configured")

    def has(self, dev: str) -> list[str]:
        (row,) = json.loads(self.hv(f"ip -j address show {dev}"))
        return [
            f"{one['local']}/{one['prefixlen']}"
            for one in row["addr_info"]
            if one["family"] == "inet"
        ]

    def master(self, dev: str) -> str | None:
        (row,) = json.loads(self.hv(f"ip -j link show {dev}"))
        return row.get("master")

    def loose(self, dev: str) -> None:
        """The device is no port any more."""
        self.until(f"! ip link show {dev} | grep 'master'")

    def client_ids(self) -> list[str]:
        """By what the DHCP server knows those who have an address."""
        return self.hv("awk 'NF == 5 && $3 !~ /:/ {print $5}' /run/lan.leases").split()

    def client_ids6(self) -> list[str]:
        """The same of DHCPv6: IAID and DUID."""
        rows = self.hv("awk 'NF == 5 && $3 ~ /:/ {print $2, $5}' /run/lan.leases")
        return rows.splitlines()
