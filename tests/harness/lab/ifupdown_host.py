# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of ifupdown with its release's own DHCP client, in a container of seconds, with a wire to a LAN whose other end pings it."""

from __future__ import annotations

from .networkd_host import NIC, NetworkdHost

# A NIC with a static address, and nothing else
STATIC_INTERFACES = f"""\
auto lo
iface lo inet loopback

auto {NIC}
iface {NIC} inet static
    address 10.77.0.20/24
"""


class IfupdownHost(NetworkdHost):
    """See NetworkdHost; C(files) are those of interfaces(5)."""

    network = "ifupdown"
    # and its address of the LAN is looked for elsewhere no more: seen that it is for 2 s after ifup, and answers nobody meanwhile
    at_rest = (
        "systemctl is-active --quiet networking && ! ip -6 address show tentative | grep -q fd77:"
    )
    folders = "/etc/network"

    def describe(self, files: dict[str, str], address: str | None) -> None:
        self._address = address
        for path, text in files.items():
            self.write(path, text)
        self.hv("systemctl restart networking")
        self.until_it_answers()
