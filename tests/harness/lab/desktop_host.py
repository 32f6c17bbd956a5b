# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with ifupdown and NetworkManager, as Debian's desktop has both: NetworkManager leaves alone what interfaces(5) names."""

from __future__ import annotations

import subprocess

from ..host.ifup_boot import archive_of
from .ifupdown_host import IfupdownHost
from .networkmanager_host import NetworkManagerHost


class DesktopHost(NetworkManagerHost):
    """See NetworkdHost; C(files) are those of interfaces(5)."""

    at_rest = f"{IfupdownHost.at_rest} && systemctl is-active --quiet NetworkManager"
    folders = f"{IfupdownHost.folders} {NetworkManagerHost.folders}"
    mode = "644"

    def describe(self, files: dict[str, str], address: str | None) -> None:
        self.bring_package("ifupdown")
        for path, text in files.items():
            self.write(path, text)
        self.hv("systemctl restart networking")
        super().describe(files, address)

    def bring_package(self, name: str) -> None:
        """One that needs nothing which is not there."""
        command = "cat > /tmp/one.deb && dpkg --force-confold --force-depends -i /tmp/one.deb"
        with archive_of(name) as archive, archive.open("rb") as stream:
            subprocess.run([*self.ssh_words(""), command], stdin=stream, check=True, capture_output=True)  # fmt: skip
