# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of ifupdown2, as Proxmox has it, in a container of seconds, with a wire to a LAN whose other end pings it."""

from __future__ import annotations

from .ifupdown_host import IfupdownHost
from .networkd_host import NIC

# A NIC with two addresses, IPv6, a route and a rule, which what is run at each reload adds once
INTERFACES = f"""\
auto lo
iface lo inet loopback

auto {NIC}
iface {NIC} inet static
    address 10.77.0.20/24
    gateway 10.77.0.1
    up ip route replace 10.9.0.0/24 via 10.77.0.1 dev {NIC}
    up ip rule del pref 1000 2> /dev/null; ip rule add pref 1000 from 10.77.0.21 table 100

iface {NIC} inet static
    address 10.77.0.21/24

iface {NIC} inet6 static
    address fd77::20/64
"""


class Ifupdown2Host(IfupdownHost):
    """See NetworkdHost; C(files) are those of interfaces(5)."""

    network = "ifupdown2"
    upset = "ifreload -a"
    folders = "/etc/network/interfaces /etc/network/interfaces.d /etc/network/if-up.d /etc/systemd/network"
    owned = "ifquery --check {dev} 2>&1 || true"
