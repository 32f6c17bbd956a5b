# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Why a NIC of networkd's can't be held, or handed over with its bridge: sentences without their ends."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from ansible_collections.hypervisor.network.plugins.module_utils._managers import owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Owner
from ansible_collections.hypervisor.network.plugins.module_utils._managers.state_files import FAILED
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.plan import Known

_OLDEST = 252  # no older one was tried


@dataclass(frozen=True)
class PortsFile:
    """The file of ours that makes a NIC a port at boot. C(ours) begins the path of each of that kind, C(tells) is the one in which the file stands that was in
    force before, and C(renamed) what to do where the administrator's comes first in the order of names."""

    path: str
    ours: str
    tells: str
    renamed: str


def is_ours(source: str, ours: str) -> bool:
    """Whether a .network file is of our making, or made by netplan of YAML of ours."""
    return owners.OURS in posixpath.basename(source) or source.startswith(ours)


def objection(
    nic: Owner, known: Known, version: int | None, is_there: bool, port: PortsFile
) -> str | None:
    """C(is_there): whether the file that was in force for the NIC as a host's is."""
    if version is not None and version < _OLDEST:
        return (
            f"systemd-networkd {version}, which manages {nic.dev}, was not seen to take a bridge over with nothing lost, as {_OLDEST} was; "
            "upgrade systemd, or describe the NIC in /etc/network/interfaces"
        )
    if nic.facts.get("ADMIN_STATE") == FAILED:
        return f"systemd-networkd failed to configure {nic.dev}; see 'networkctl status {nic.dev}' for why, and mend that first"
    if not known.source:
        return f"systemd-networkd manages {nic.dev}, and tells no file that it does so by; see 'networkctl status {nic.dev}'"
    if is_ours(known.source, port.ours):
        # all that it says is that the NIC is a port: the bridge would get that, and be no host of any network at the next boot
        return (
            f"{known.source}, by which {nic.dev} is a port, is gone or was changed, and what the bridge shall have of {nic.dev} is known from there alone; "
            f"put {port.tells} back as it was, with its line '# {owners.told('PATH')}', and have it read with 'networkctl reload'"
        )
    if not is_there:
        return (
            f"{known.source}, by which {nic.dev} was configured as a host's NIC, is gone; write it again, or have what is there read with "
            "'networkctl reload'"
        )
    if known.theirs:
        return None
    if posixpath.basename(known.source) < posixpath.basename(port.path):
        return (
            f"{nic.dev} is configured by {known.source}, whose name comes before that of ours, so it would boot as a host's NIC and not as a port; "
            f"{port.renamed}"
        )
    if any(unit.value(known.config, "Network", word) for word in ("Bond", "VRF")):
        return f"{known.source} makes {nic.dev} part of a bond or a VRF; take that line out first"
    return None
