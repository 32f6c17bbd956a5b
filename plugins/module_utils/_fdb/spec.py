# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of forwarding entries, and the wish in its canonical form."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import members

TYPES = ("static", "permanent", "dynamic")
SAYS = ("port", "type", "sticky", "extern_learn")
# told of an entry where they are on
NOTIFIES = ("activity_notify", "inactive")
SPEC: dict[str, dict[str, Any]] = {
    "bridge": {"type": "str"},
    "mac": {"type": "str"},
    "port": {"type": "str"},
    "vlan": {"type": "int"},
    "type": {"type": "str", "choices": list(TYPES)},
    "sticky": {"type": "bool"},
    "extern_learn": {"type": "bool"},
    "activity_notify": {"type": "bool"},
    "inactive": {"type": "bool"},
    "norefresh": {"type": "bool"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_FILTERS: dict[str, dict[str, Any]] = {
    "port": {"type": "str"},
    "vlan": {"type": "int"},
    "type": {"type": "str", "choices": list(TYPES), "default": "dynamic"},
    "sticky": {"type": "bool"},
    "extern_learn": {"type": "bool", "default": False},
}
FLUSH: dict[str, dict[str, Any]] = {"flush": {"type": "dict", "options": _FILTERS}}
Key = tuple  # (bridge, mac, vlan)


def checked(items: Iterable[Mapping[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """The wish C({"entries": [...], "flush": None or a filter}) in canonical form. Raises BadInput."""
    if params["entries"] is not None and params["mac"] is not None:
        raise BadInput(
            "Both 'mac' and 'entries' are given: name one entry directly, or many in the list."
        )
    flush = _checked_flush(params)
    if params["entries"] is None and params["mac"] is None:
        if flush is None:
            raise BadInput("Nothing is named: give 'mac', a list in 'entries', or 'flush'.")
        return {"entries": [], "flush": flush}
    wishes = [_checked(item) for item in items]
    members.check_listed(wishes, key_of_wish, name_of)
    return {"entries": wishes, "flush": flush}


def _checked_flush(params: Mapping[str, Any]) -> dict[str, Any] | None:
    if params["flush"] is None:
        return None
    if params["bridge"] is None:
        raise BadInput("'flush' is given without 'bridge'; say which bridge's entries.")
    given = {**params["flush"], "bridge": units.interface_name(params["bridge"], "bridge")}
    if given["port"] is not None:
        units.interface_name(given["port"], "port")
    _check_vlan("flush", given)
    return given


def _checked(item: Mapping[str, Any]) -> dict[str, Any]:
    if item["mac"] is None:
        raise BadInput("An item of 'entries' has no mac; give it one.")
    mac = _mac(item["mac"])
    if item["bridge"] is None:
        raise BadInput(f"{mac}: 'bridge' is missing; say whose entry it is.")
    units.interface_name(item["bridge"], "bridge")
    if item["port"] is not None:
        units.interface_name(item["port"], "port")
    _check_vlan(mac, item)
    wish = {**item, "mac": mac}
    if wish["state"] == "present":
        if wish["port"] is None:
            raise BadInput(
                f"{mac}: 'port' is missing; say through which port of {wish['bridge']} it is reached."
            )
        wish["type"] = wish["type"] or ("dynamic" if wish["extern_learn"] else "static")
        _check_flags(wish)
    return wish


def _mac(value: str) -> str:
    mac = units.hardware_address(value)
    if mac == "00:00:00:00:00:00":
        raise BadInput(
            f"mac {value} is all zero, which no device has; give a real address, such as 52:54:00:12:34:56."
        )
    if int(mac[:2], 16) & 1:
        raise BadInput(
            f"mac {value} is a multicast address, and a bridge sends groups where its multicast database says and looks up no forwarding entry "
            "for them; leave it out."
        )
    return mac


def _check_vlan(name: str, item: Mapping[str, Any]) -> None:
    if item["vlan"] is not None and not vlan_words.FIRST <= item["vlan"] <= vlan_words.LAST:
        raise BadInput(
            f"{name}: vlan {item['vlan']} is no VLAN; give a number from {vlan_words.FIRST} to {vlan_words.LAST}."
        )


def _check_flags(wish: Mapping[str, Any]) -> None:
    mac = wish["mac"]
    if wish["extern_learn"] and (wish["type"] != "dynamic" or wish["sticky"]):
        raise BadInput(
            f"{mac}: extern_learn is given with {'sticky' if wish['type'] == 'dynamic' else 'type ' + wish['type']}, which the kernel silently drops; "
            "leave one of them out."
        )
    if wish["sticky"] and wish["type"] == "permanent":
        raise BadInput(
            f"{mac}: a permanent entry is the host's own and never moves, the kernel makes it not sticky; leave sticky out."
        )
    if wish.get("inactive") and not wish.get("activity_notify"):
        raise BadInput(
            f"{mac}: inactive is given without activity_notify, and of an entry that nobody watches the kernel does not tell it; say activity_notify: true too."
        )
    if wish.get("activity_notify") and wish["extern_learn"]:
        raise BadInput(
            f"{mac}: activity_notify is given with extern_learn, which the kernel silently drops; leave one of them out."
        )
    if wish["port"] == wish["bridge"] and wish["type"] != "permanent":
        raise BadInput(
            f"{mac}: on the bridge {wish['bridge']} itself the kernel takes only permanent entries; say type: permanent, or name one of its ports."
        )


def key_of_wish(wish: Mapping[str, Any]) -> Key:
    return (wish["bridge"], wish["mac"], wish["vlan"])


def name_of(key: Key) -> str:
    return f"{key[1]} in {key[0]}" + ("" if key[2] is None else f" vlan {key[2]}")
