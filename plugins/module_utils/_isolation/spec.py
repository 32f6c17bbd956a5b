# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of a proof of isolation, and the wish in its canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
)

HOST = "the host"
_MOST_COUNT, _MOST_TIMEOUT = 100, 120
SPEC: dict[str, dict[str, Any]] = {
    "tenants": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "vlan": {"type": "int"},
            "ports": {"type": "list", "elements": "str", "required": True},
            "dhcp": {"type": "bool", "default": False},
        },
    },
    "uplinks": {"type": "list", "elements": "str", "default": []},
    "trunks": {"type": "list", "elements": "str", "default": []},
    "count": {"type": "int", "default": 3},
    "timeout": {"type": "float", "default": 10},
}


@dataclass(frozen=True)
class Tenant:
    """C(vlan) is None where something else than VLANs keeps the tenants apart."""

    name: str
    vlan: int | None
    ports: tuple[str, ...]
    dhcp: bool


@dataclass(frozen=True)
class Wish:
    tenants: tuple[Tenant, ...]
    uplinks: tuple[str, ...]
    trunks: tuple[str, ...]
    count: int
    timeout: float

    def owner(self, port: str) -> Tenant | None:
        return next((tenant for tenant in self.tenants if port in tenant.ports), None)


def checked(params: Mapping[str, Any]) -> Wish:
    """The module's options as a wish. Raises BadInput."""
    tenants = tuple(
        Tenant(one["name"], one["vlan"], tuple(dict.fromkeys(one["ports"])), one["dhcp"])
        for one in params["tenants"]
    )
    seen: dict[str, str] = {}
    for tenant in tenants:
        if [one.name for one in tenants].count(tenant.name) > 1 or tenant.name == HOST:
            raise BadInput(
                f"The tenant '{tenant.name}' is listed twice, or has the name that this module has for the host itself; name each once."
            )
        if tenant.vlan is not None:
            units.whole(tenant.vlan, f"{tenant.name}: vlan", vlan_words.FIRST, vlan_words.LAST)
        if not tenant.ports:
            raise BadInput(
                f"The tenant {tenant.name} has no ports, so there is nothing that it could be seen from; name its ports, or leave it out."
            )
        for port in tenant.ports:
            if port in seen:
                raise BadInput(
                    f"{port} is a port of {seen[port]} and of {tenant.name}; a port belongs to one tenant, so list it once."
                )
            seen[port] = tenant.name
    both = [port for port in (*params["uplinks"], *params["trunks"]) if port in seen]
    if both:
        raise BadInput(
            f"{both[0]} is listed as a port of {seen[both[0]]} and as an uplink or trunk, which carries every tenant; list it once."
        )
    units.whole(params["count"], "count", 1, _MOST_COUNT, "this module's range")
    timeout = units.seconds(params["timeout"], "timeout", 0, _MOST_TIMEOUT, "this module's range")
    return Wish(
        tenants, tuple(params["uplinks"]), tuple(params["trunks"]), params["count"], timeout
    )
