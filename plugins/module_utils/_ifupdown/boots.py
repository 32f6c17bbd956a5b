# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What stands as stanzas of interfaces(5): bridges with the NIC that they get theirs from, and taps.

A host is read as the variables that would make it, and those become stanzas as the role writes them; so both ways give the same lines.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import listed
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    lines,
    stanzas,
    validate,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import words
from ansible_collections.hypervisor.network.plugins.module_utils._info import as_variables
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Standing,
    Wish,
)

_PERMANENT = 0x80  # IFA_F_PERMANENT


def wishes(
    now: Standing,
    wish: Wish,
    texts: Mapping[str, str],
    ifupdown2: bool = False,
    forwarding: Mapping[str, Mapping[str, str]] | None = None,
) -> list[validate.Wish]:
    """The stanzas that shall be, or that shall go; C(texts) are the files that ifupdown reads, or C(ifupdown2). Raises Refused for what no stanza says.

    C(forwarding) is what the kernel has by bridge and family, for C(ifupdown2): one with addresses it lets forward, whatever its stanza says.
    """
    found = (
        _present(now, wish, ifupdown2, forwarding or {}) if wish.present else _absent(wish, texts)
    )
    whole = {key: option.get("default") for key, option in validate.SPEC.items()}
    return [validate.checked({**whole, **one}) for one in found]


def described(texts: Mapping[str, str], dev: str) -> bool:
    """Whether a stanza is the device's."""
    return bool(lines.places({path: Document(text) for path, text in texts.items()}, dev))


def _present(
    now: Standing, wish: Wish, ifupdown2: bool, forwarding: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    if wish.ports:
        raise Refused(
            f"What makes {listed(wish.ports)} a port, and no uplink or tap, are words of the bridge's bridge_ports; write them with interfaces_stanza, and "
            "leave ports out here."
        )
    variables = as_variables.variables(now, {})
    bridges = {one["name"]: one for one in variables["bridge_host_bridges"]}
    taps = {one["name"]: one for one in variables["bridge_host_taps"]}
    found = []
    for name in wish.bridges:
        item = _bridge(now, wish, bridges[name])
        if ifupdown2 and item.get("uplink"):  # which knows no MAC by the name of a port
            item["mac"] = now.links[name].mac
        item["forwarding"] = forwarding.get(name)
        inside = [one for one in wish.taps if taps[one].get("bridge") == name]
        found += stanzas.bridge_stanzas(item, _carried(now, item), inside)
    for name in wish.taps:
        default = vlan_words.default_vlan(bridges.get(taps[name].get("bridge")))
        found.append(stanzas.tap_stanza(taps[name], default))
    return found


def _bridge(now: Standing, wish: Wish, item: Mapping[str, Any]) -> dict[str, Any]:
    """With the uplink that was named, or with the addresses that a bridge without one has."""
    own = {key: value for key, value in item.items() if key != "uplink"}
    nic = now.uplink_of(item["name"], wish)
    if nic is not None:
        return {**own, "uplink": nic}
    addresses = [one.text for one in now.addresses_of(item["name"]) if one.flags & _PERMANENT]
    return {**own, "method": "static", "address": addresses} if addresses else own


def _carried(now: Standing, item: Mapping[str, Any]) -> list[int]:
    """The VLANs that the uplink carries tagged, beside those of the host. Raises Refused where it has them otherwise."""
    nic = item.get("uplink")
    if nic is None or not item.get("vlan_filtering"):
        return []
    default = vlan_words.default_vlan(item)
    begins = {str(default): vlan_words.PVID} if default else {}
    given = item.get("self_vlans")
    own = begins if given is None else vlan_words.of_entries(given, "self_vlans")
    has = vlan_words.expanded(now.links[nic].vlans or {})
    hosts = vlan_words.expanded(own)
    carried = [vid for vid, how in has.items() if vid not in hosts and how == vlan_words.TAGGED]
    tagged = {str(vid): vlan_words.TAGGED for vid in carried}
    if has != vlan_words.expanded(vlan_words.merged(vlan_words.of_an_uplink(own, begins), tagged)):
        raise Refused(
            f"{nic} has the VLANs {', '.join(map(str, sorted(has)))} otherwise than its bridge {item['name']} and tagged, which no stanza of the bridge says; "
            "write them as up lines with interfaces_stanza, and leave that bridge out."
        )
    return carried


def _absent(wish: Wish, texts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    docs = {path: Document(text) for path, text in texts.items()}
    for name in (*wish.taps, *wish.bridges):
        ports = [
            word
            for _path, stanza in lines.places(docs, name)
            for value in stanza.values("bridge_ports")
            for word in words(value)
        ]
        nic = next((one for one in wish.uplinks if one in ports), None)
        yield {"name": name, "state": "absent", **({} if nic is None else {"hand_back": nic})}
