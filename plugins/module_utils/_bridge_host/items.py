# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What an item of the role bridge_host's lists may say: the options of its modules, and a few of the role's own.

Held against the specs here and not in the role's C(meta/argument_specs.yml): where an item is wrong there, Ansible prints every
option of every module, and the sentence that matters is lost in it.
"""

from __future__ import annotations

import difflib
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import arguments
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec as guest_spec
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight

Spec = Mapping[str, Mapping[str, Any]]

# What an item of bridge_host_bridges may say to bridge_uplink, beside the two names.
UPLINK_OPTIONS = ("mac", "mtu", "accept_ra", "allow_address_change", "accept_outage", "override")

_BRIDGE_EXTRAS: dict[str, dict[str, Any]] = {
    "uplink": {"type": "str"},
    "method": {"type": "str", "choices": ["dhcp", "static", "manual"]},
    "address": {"type": "list", "elements": "str"},
    "gateway": {"type": "list", "elements": "str"},
    "maxwait": {"type": "float"},
    "allow_address_change": {"type": "bool"},
    "accept_outage": {"type": "bool"},
    "accept_ra": {"type": "bool"},
    "override": {"type": "list", "elements": "str", "choices": list(preflight.OVERRIDES)},
}

TENANT: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "vlan": {"type": "int", "required": True},
    "guests": {"type": "list", "elements": "str"},
    "taps": {"type": "list", "elements": "str"},
    "dhcp": {"type": "bool"},
}


def _item(*specs: Spec) -> dict[str, dict[str, Any]]:
    """One spec out of several. An item has no defaults here: what it does not say, the module decides."""
    merged = {
        key: {word: setting for word, setting in value.items() if word != "default"}
        for spec in specs
        for key, value in spec.items()
    }
    merged.pop("netns", None)  # the role works in the host's own network
    merged["name"]["required"] = True
    return merged


BRIDGE = _item(bridge_planner.SPEC, _BRIDGE_EXTRAS)
del BRIDGE["addresses"]  # the role's word is address, for the file and for what runs
del BRIDGE["port_mtus"]  # the role knows its taps
TAP = _item(port_planner.SPEC, tap_planner.SPEC)
GUEST = _item(guest_spec.SPEC)


def plain(value: Any) -> Any:
    """The same data in plain dicts and lists, all the way down, without what is omitted.

    Since ansible-core 2.19 a filter gets containers that are rendered as they are read and know their templar; whatever
    copies one of those deeply, as the validator of arguments does, copies the templar with it, for each item.
    """
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items() if not _is_omitted(one)}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value if not _is_omitted(one)]
    return value


def _is_omitted(value: Any) -> bool:
    """Whether a value is Ansible's C(omit): core takes it out of what a module gets, and leaves it in what a filter gets.

    It is a text of this beginning before ansible-core 2.19, and since then an object of a class that core shows to nobody.
    """
    if isinstance(value, str):
        return value.startswith("__omit_place_holder__")
    return type(value).__name__ == "_OmitType"


def typed(items: Iterable[Mapping[str, Any]], spec: Spec) -> list[dict[str, Any]]:
    """The items with the types of their options, and without options that are null.

    Templates and INI inventories give "no" and "1500" where a bool and an int are meant. Raises BadInput.
    """
    found = []
    for item in plain(list(items)):
        if not isinstance(item, Mapping):
            raise BadInput(
                f"{item!r} is no item: give each as a dictionary, such as {{name: br0}}."
            )
        _known(item, spec, str(item.get("name", "An item without a name")))
        one, wrong = arguments.typed(item, spec)
        if wrong:
            raise BadInput(f"{item.get('name', 'An item without a name')}: {'; '.join(wrong)}.")
        found.append({key: value for key, value in one.items() if value is not None})
    return found


def _known(item: Mapping[str, Any], spec: Spec, whose: str) -> None:
    for key, value in item.items():
        if key not in spec:
            near = difflib.get_close_matches(str(key), spec, 1)
            cure = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(sorted(spec))}."
            raise BadInput(f"{whose} has no option '{key}'; {cure}")
        if "options" in spec[key]:
            several = isinstance(value, list)
            for one in value if several else [value]:
                if isinstance(one, Mapping):
                    where = f"an item of {key}" if several else key
                    _known(one, spec[key]["options"], f"{whose}: {where}")


def typed_all(wish: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The lists of the role, C(bridges), C(taps), C(guests) and C(tenants), each typed. Raises BadInput."""
    specs = {"bridges": BRIDGE, "taps": TAP, "guests": GUEST, "tenants": TENANT}
    given = {key: items or () for key, items in wish.items() if not _is_omitted(items)}
    return {key: typed(given.get(key, ()), spec) for key, spec in specs.items()}


def kept(item: Mapping[str, Any]) -> bool:
    """Whether an item is to be there."""
    return item.get("state") != "absent"


def dropped(items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The items that have to go: those of C(state: absent)."""
    return [item for item in items if not kept(item)]


def taps_of(guest: Mapping[str, Any]) -> list[str]:
    """The taps that a guest's NICs are plugged into."""
    return [nic.get("tap") for nic in guest.get("nics") or ()]
