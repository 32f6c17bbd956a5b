# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with two managers of networks, ifupdown and systemd-networkd: a NIC of each, on a LAN of its own that leases it an address."""

from __future__ import annotations

from .ifupdown_host import IfupdownHost
from .networkd_host import NIC, NetworkdHost
from .shared_host import OTHER, SharedHost

FILES = {
    "/etc/network/interfaces": f"auto lo\niface lo inet loopback\n\nauto {NIC}\niface {NIC} inet dhcp\n",
    "/etc/systemd/network/20-wired.network": f"[Match]\nName={OTHER}\n[Network]\nDHCP=ipv4\n",
}


class MixedHost(SharedHost):
    """C(NIC) is ifupdown's, C(OTHER) networkd's."""

    network = IfupdownHost.network
    folders = f"{IfupdownHost.folders} {NetworkdHost.folders}"
    at_rest = f"{IfupdownHost.at_rest} && {NetworkdHost.at_rest}"
    upset = f"{NetworkdHost.upset}; ifquery --state > /dev/null"

    def __init__(self) -> None:
        super().__init__(FILES)

    def describe(self, files: dict[str, str], address: str | None) -> None:
        self._address = address
        for path, text in files.items():
            self.write(path, text)
        self.hv("systemctl restart networking; systemctl enable --now systemd-networkd")
        self.until_it_answers()
