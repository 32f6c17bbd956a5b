# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ifupdown starts dhclient, for each family."""

from __future__ import annotations

IFUPDOWN = (
    "dhclient", "-4", "-v", "-i", "-pf", "/run/dhclient.eth0.pid", "-lf", "/var/lib/dhcp/dhclient.eth0.leases", "-I", "-df",
    "/var/lib/dhcp/dhclient6.eth0.leases", "eth0",
)  # fmt: skip
IFUPDOWN6 = (
    "dhclient", "-6", "-v", "-pf", "/run/dhclient6.eth0.pid", "-lf", "/var/lib/dhcp/dhclient6.eth0.leases", "-I", "-P", "-N", "eth0",
)  # fmt: skip
