# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of multicast groups, and the wish in its canonical form. Limits: Linux' net/bridge/br_mdb.c, br_private.h."""

from __future__ import annotations

import ipaddress
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._link import members

TYPES = ("permanent", "temporary")
SAYS = ("type", "filter_mode", "source_list")
SPEC: dict[str, dict[str, Any]] = {
    "bridge": {"type": "str"},
    "port": {"type": "str"},
    "group": {"type": "str"},
    "vlan": {"type": "int"},
    "source": {"type": "str"},
    "filter_mode": {"type": "str", "choices": ["exclude", "include"]},
    "source_list": {"type": "list", "elements": "str"},
    "type": {"type": "str", "choices": list(TYPES)},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_MOST_SOURCES = 32  # PG_SRC_ENT_LIMIT
_FLOODED = ipaddress.ip_network("224.0.0.0/24")
_ALL_NODES = ipaddress.ip_address("ff02::1")
Key = tuple  # (bridge, port, group, vlan, source)


def checked(items: Iterable[Mapping[str, Any]], params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The wishes in canonical form. Raises BadInput."""
    if params["entries"] is not None and params["group"] is not None:
        raise BadInput(
            "Both 'group' and 'entries' are given: name one group directly, or many in the list."
        )
    if params["entries"] is None and params["group"] is None:
        raise BadInput("Nothing is named: give 'group', or a list in 'entries'.")
    wishes = [_checked(item) for item in items]
    members.check_listed(wishes, key_of_wish, name_of)
    return wishes


def _checked(item: Mapping[str, Any]) -> dict[str, Any]:
    if item["group"] is None:
        raise BadInput("An item of 'entries' has no group; give it one.")
    group = _group(item["group"])
    if item["bridge"] is None:
        raise BadInput(f"{group}: 'bridge' is missing; say whose group it is.")
    units.interface_name(item["bridge"], "bridge")
    if item["port"] is not None:
        units.interface_name(item["port"], "port")
    if item["vlan"] is not None and not vlan_words.FIRST <= item["vlan"] <= vlan_words.LAST:
        raise BadInput(
            f"{group}: vlan {item['vlan']} is no VLAN; give a number from {vlan_words.FIRST} to {vlan_words.LAST}."
        )
    wish = {**item, "group": group}
    if item["source"] is not None:
        wish["source"] = _source(group, item["source"], "source")
    if item["source_list"] is not None:
        listed = {_source(group, one, "source_list") for one in item["source_list"]}
        wish["source_list"] = sorted(listed)
    if wish["state"] == "present":
        if wish["port"] is None:
            raise BadInput(
                f"{group}: 'port' is missing; say behind which port of {wish['bridge']} somebody listens."
            )
        _check_sources(wish)
        wish["type"] = _type(wish)
    return wish


def _group(value: str) -> str:
    """An IPv4 or IPv6 address, or a MAC, in the kernel's notation."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return _mac(value)
    if not address.is_multicast or "%" in value:
        raise BadInput(
            f"group {value} is no multicast address; give one such as 239.1.1.1, ff0e::5 or 01:00:5e:00:00:55."
        )
    if address in _FLOODED or address == _ALL_NODES:
        raise BadInput(
            f"group {value} is one that every bridge sends to all ports, and of which the kernel takes no entry; leave it out."
        )
    return str(address)


def _mac(value: str) -> str:
    mac = units.hardware_address(value, "group")
    if not int(mac[:2], 16) & 1 or mac == "ff:ff:ff:ff:ff:ff":
        raise BadInput(
            f"group {value} is no multicast address; give one such as 239.1.1.1, ff0e::5 or 01:00:5e:00:00:55."
        )
    return mac


def is_mac(group: str) -> bool:
    """Whether a group is one of frames that are no IP."""
    return group.count(":") == 5 and "::" not in group


def _source(group: str, value: str, option: str) -> str:
    if is_mac(group):
        raise BadInput(
            f"{group}: {option} is given, but a group that is a MAC has no senders to choose from; leave it out."
        )
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        address = None
    if (
        address is None
        or address.version != ipaddress.ip_address(group).version
        or address.is_multicast
        or address.is_unspecified
        or "%" in value
    ):
        raise BadInput(
            f"{group}: {option} {value} is no sender's address of the group's family; give one such as "
            f"{'2001:db8::1' if ':' in group else '192.0.2.1'}."
        )
    return str(address)


def _check_sources(wish: Mapping[str, Any]) -> None:
    group, mode, listed = wish["group"], wish["filter_mode"], wish["source_list"]
    own = wish["port"] == wish["bridge"]
    if own and wish["source"] is not None:
        raise BadInput(
            f"{group}: source is given with the bridge {wish['bridge']} itself as port, for which the kernel takes no senders; leave it out, or name one of "
            "its ports."
        )
    if mode is None and listed is None:
        return
    if own or is_mac(group) or wish["source"] is not None:
        raise BadInput(
            f"{group}: filter_mode and source_list are for an IP group of any sender at a port, not for a MAC, nor with source, nor for the bridge itself; "
            "leave them out."
        )
    if mode is None:
        raise BadInput(
            f"{group}: source_list is given without filter_mode; say whether these senders are the only ones (include) or not wanted (exclude)."
        )
    if mode == "include" and not listed:
        raise BadInput(
            f"{group}: filter_mode include without a source_list would be a group of no sender; list some, or say state: absent."
        )
    if listed is not None and len(listed) > _MOST_SOURCES:
        raise BadInput(
            f"{group}: source_list has {len(listed)} senders, and the kernel takes {_MOST_SOURCES} at most; list fewer."
        )


def _type(wish: Mapping[str, Any]) -> str:
    own, mac = wish["port"] == wish["bridge"], is_mac(wish["group"])
    if mac and wish["type"] == "temporary":
        raise BadInput(
            f"{wish['group']}: the kernel takes a MAC as a group only for good; say type: permanent."
        )
    if own and not mac and wish["type"] == "permanent":
        raise BadInput(
            f"{wish['group']}: the kernel lets the bridge {wish['bridge']} itself listen to an IP group for a while only; say type: temporary."
        )
    return "permanent" if mac or not own and wish["type"] is None else wish["type"] or "temporary"


def key_of_wish(wish: Mapping[str, Any]) -> Key:
    return (wish["bridge"], wish["port"], wish["group"], wish["vlan"], wish["source"])


def name_of(key: Key) -> str:
    bridge, port, group, vlan, source = key
    return (
        group
        + ("" if source is None else f" from {source}")
        + ("" if port is None else f" at {port}")
        + f" of {bridge}"
        + ("" if vlan is None else f" vlan {vlan}")
    )
