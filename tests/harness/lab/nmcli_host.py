# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of NetworkManager whose administrator made its bridge by nmcli(1)."""

from __future__ import annotations

from .networkmanager_host import NetworkManagerHost


class NmcliHost(NetworkManagerHost):
    """C(commands) are what was typed; C(address) is the one that shall answer then, None where a server gives it."""

    def __init__(self, commands: tuple[str, ...], address: str | None = None) -> None:
        self._commands = commands
        super().__init__({}, address)

    def describe(self, files: dict[str, str], address: str | None) -> None:
        # the profile that NetworkManager has for a NIC of which nobody said anything
        super().describe(files, None)
        for command in self._commands:
            self.hv(command)
        self._address = address
        self.until_it_answers()
