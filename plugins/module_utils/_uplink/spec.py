# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of an uplink."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight

SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "bridge": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "guard_timeout": {"type": "float", "default": 60},
    "force": {"type": "bool", "default": False},
    "allow_address_change": {"type": "bool", "default": False},
    "accept_outage": {"type": "bool", "default": False},
    "override": {
        "type": "list",
        "elements": "str",
        "choices": list(preflight.OVERRIDES),
        "default": [],
    },
    **{key: device.SPEC[key] for key in ("mac", "mtu")},
    "accept_ra": {"type": "bool"},
    **device.NETNS,
}


def of(item: Mapping[str, Any], own_network: bool) -> preflight.Spec:
    """An item with SPEC's options, all of them, as what preflight looks at. Raises BadInput."""
    given = device.checked(item)
    spec = preflight.Spec(
        item["name"],
        item["bridge"],
        item["state"] == "present",
        item["accept_outage"],
        item["allow_address_change"],
        frozenset(item["override"]),
        own_network=own_network,
        **{key: given.get(key) for key in ("mac", "mtu")},
        accept_ra=item["accept_ra"],
    )
    preflight.check_names(spec)
    return spec
