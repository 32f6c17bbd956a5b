# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter bridge_host_refusals; its documentation is in bridge_host_refusals.yml."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as role_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import refusals
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
    sentence,
)


def bridge_host_refusals(
    wish: Mapping[str, Any],
    nics: Sequence[str] | None = None,
    info: Mapping[str, Any] | None = None,
) -> list[str]:
    """What stands in the way: of the variables alone, or of what was read of the NICs or the bridges."""
    return [sentence(one) for one in _refused(wish, nics, info)]


def _refused(
    wish: Mapping[str, Any], nics: Sequence[str] | None, info: Mapping[str, Any] | None
) -> list[str]:
    try:
        items = role_items.typed_all(wish)
    except HypervisorNetworkError as error:
        return [str(error)]
    if nics is not None:
        return refusals.of_nics(
            {
                item["uplink"]: item.get("override") or ()
                for item in items["bridges"]
                if item.get("uplink")
            },
            nics,
        )
    if info is not None:
        return refusals.of_host(**items, info=info)
    return refusals.of_variables(**items, guard_timeout=wish.get("guard_timeout"))


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"bridge_host_refusals": bridge_host_refusals}
