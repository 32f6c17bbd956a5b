# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter guest_mac; its documentation is in guest_mac.yml."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_nics


def guest_mac(name: str, nic: int = 0) -> str:
    """The MAC that qemu_guest gives the NIC number C(nic) (from 0) of a guest. Raises AnsibleFilterError."""
    if not isinstance(name, str) or not name:
        raise AnsibleFilterError(f"guest_mac wants a guest's name as its input, and got {name!r}.")
    if not isinstance(nic, int) or isinstance(nic, bool) or nic < 0:
        raise AnsibleFilterError(
            f"guest_mac wants the number of a NIC, counted from 0, and got {nic!r}."
        )
    return spec_nics.guest_mac(name, nic)


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"guest_mac": guest_mac}
