# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of systemd-networkd with two NICs by one file, each on a LAN of its own that leases it an address."""

from __future__ import annotations

from .networkd_host import DHCP, LAN, MAC, NIC, NetworkdHost

OTHER, OTHER_MAC = "enp2s0", "52:54:00:77:00:02"
_LAN_OF_THE_OTHER = """\
link add name sw2 type bridge forward_delay 0
link set sw2 up
address add 10.78.0.1/24 dev sw2
"""
_LINK = "/run/systemd/netif/links/$(cat /sys/class/net/{dev}/ifindex)"


class SharedHost(NetworkdHost):
    """See NetworkdHost; C(OTHER) is the NIC that stays as it is."""

    cables = {NIC: (MAC, "sw"), OTHER: (OTHER_MAC, "sw2")}
    lan_of_it = LAN + _LAN_OF_THE_OTHER
    server = (*DHCP, "--interface=sw2", "--dhcp-range=10.78.0.50,10.78.0.150,2m")
    at_rest = "test $(networkctl list --no-legend | grep -cE 'routable +configured') = 2"

    def in_force(self, dev: str) -> str:
        """The file by which networkd has a device."""
        return self.hv(f"grep ^NETWORK_FILE= {_LINK.format(dev=dev)}").strip()

    def leased(self, dev: str) -> list[str]:
        """What networkd says of the lease that it holds for a device, but for when it got it."""
        said = self.hv(f"cat /run/systemd/netif/leases/$(cat /sys/class/net/{dev}/ifindex)")
        wanted = ("ADDRESS=", "CLIENTID=", "ROUTER=", "SERVER_ADDRESS=")
        return sorted(line for line in said.splitlines() if line.startswith(wanted))
