# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that NetworkManager manages, in a container of seconds, with a wire to a LAN whose other end pings it."""

from __future__ import annotations

from .networkd_host import NIC, NetworkdHost

# Where the profile of a NIC is, and what it begins with
WIRED_FILE = "/etc/NetworkManager/system-connections/wired.nmconnection"
WIRED = f"""\
[connection]
id=wired
uuid=3c2b6a0e-0000-4000-8000-000000000001
type=ethernet
interface-name={NIC}
"""
# Of a NIC with a static address; more lines of IPv4 may follow
STATIC_PROFILE = f"""\
{WIRED}
[ipv4]
method=manual
address1=10.77.0.20/24,10.77.0.1
"""
_RULES = "/etc/udev/rules.d/90-wired.rules"
# the end of a cable is somebody's container to NetworkManager, and left alone
_OURS = f'ENV{{INTERFACE}}=="{NIC}", ENV{{NM_UNMANAGED}}="0"'


class NetworkManagerHost(NetworkdHost):
    """See NetworkdHost; C(files) are profiles."""

    network = "networkmanager"
    mode = "600"
    at_rest = "nmcli -t -f STATE general | grep ^connected"
    upset = "nmcli connection reload && nmcli general reload && systemctl restart NetworkManager && nm-online --quiet --timeout=60"
    folders = "/etc/NetworkManager /etc/cloud"
    owned = "nmcli -g GENERAL.CONNECTION,GENERAL.STATE device show {dev}"

    def describe(self, files: dict[str, str], address: str | None) -> None:
        self._address = address
        self.hv(f"mkdir -p /etc/udev/rules.d; echo '{_OURS}' > {_RULES}; udevadm control --reload")
        self._tell_of_devices()
        self.hv("udevadm settle")
        for path, text in files.items():
            self.write(path, text)
        self.hv(
            "rm -f /etc/systemd/system/NetworkManager.service; systemctl daemon-reload; systemctl enable --now NetworkManager"
        )
        self.until_it_answers()
