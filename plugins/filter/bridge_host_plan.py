# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter bridge_host_plan; its documentation is in bridge_host_plan.yml."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as role_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    plan as role_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)


def bridge_host_plan(
    wish: Mapping[str, Any], info: Mapping[str, Any] | None = None, user_to_come: bool = False
) -> dict[str, Any]:
    """The lists of every step, from the role's variables and what bridge_info found. Raises AnsibleFilterError with the sentence of what is refused."""
    try:
        found = info or {}
        return role_plan.plan(
            **role_items.typed_all(wish),
            now=found.get("bridges") or (),
            user_to_come=user_to_come,
            addresses=found.get("addresses") or (),
        )
    except HypervisorNetworkError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"bridge_host_plan": bridge_host_plan}
