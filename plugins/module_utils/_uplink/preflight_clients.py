# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. When a DHCP client of a NIC can't be followed by one of its bridge, or by one of the NIC again: refused before the first change."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import configured
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet


def check_carrier(now: Inet, nic: Link, bridge: str) -> None:
    """One that binds a link-local address has none where there is no carrier: C(nic) is to become, or to be no longer, the uplink. Raises Refused."""
    if nic.running:
        return
    for client in now.clients:
        if client.dev in (nic.name, bridge) and client.binds_link_local:
            goal = bridge if client.dev == nic.name else nic.name
            raise Refused(
                f"{nic.name} has no carrier, and the '{client.program} -6' of {client.dev} would end at once on {goal}, which gets no link-local address "
                f"without one; plug {nic.name} in, or end that client."
            )


def check_files(now: Inet, nic: str, bridge: str, may_change: bool) -> None:
    """What files of clients say of one device alone; C(may_change) is whether the bridge may get another address. Raises Refused."""
    programs = {client.program for client in now.clients if client.dev == nic}
    files = now.traces.files
    if "dhclient" in programs:
        dev = configured.declared(files, (nic, bridge))
        if dev is not None:
            raise Refused(
                f'/{configured.DHCLIENT} declares interface "{dev}", and every dhclient serves what is declared there: that of one of {nic} and '
                f"{bridge} would give the other the lease as well; put the statements in front of the declaration, and remove it."
            )
    if "dhcpcd" in programs and not may_change:
        line = configured.lost(files, nic, bridge)
        if line is not None:
            raise Refused(
                f"/{configured.DHCPCD} has '{line}' for {nic} alone, so {bridge} would be another client to the DHCP server and could get "
                f"another address; say it there for {bridge} too, or say allow_address_change: true."
            )
