# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A bridge with its ports, for those whose tables are a bridge's: forwarding entries, multicast groups."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)


def of(host: Snapshot, name: str, why: str) -> Mapping[str, Link] | None:
    """The bridge and its ports by name, None where there is no such device. Raises Refused where it is no bridge, C(why) that matters."""
    bridge = host.links.get(name)
    if bridge is None:
        return None
    if bridge.kind != "bridge":
        raise Refused(
            f"{name} is no bridge but a device of kind '{bridge.kind or 'hardware'}'; {why}."
        )
    return {link.name: link for link in (bridge, *host.ports_of(name))}


def one(host: Snapshot, devices: Mapping[str, Link], bridge: Link, port: str, subject: str) -> Link:
    """One of the bridge's C(devices), for a sentence that begins with its C(subject). Raises Refused."""
    device = devices.get(port)
    if device is None:
        what = f"no port of {bridge.name}" if port in host.links else "no device here"
        raise Refused(f"{subject}: {port} is {what}; make it one first (bridge_port).")
    return device


def check_vlan(bridge: Link, vlan: int | None, subject: str) -> None:
    """Whether the bridge looks at VLANs, where one is named. Raises Refused, Unsupported."""
    if vlan is None:
        return
    if "vlan_protocol" not in bridge.options:
        raise Unsupported(
            f"{subject}: vlan {vlan} is given, but this kernel was built without VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING); "
            "leave the option out, or boot a kernel that has it."
        )
    if not bridge.options.get("vlan_filtering"):
        raise Refused(
            f"{subject}: vlan {vlan} is given, but {bridge.name} does not look at VLANs; switch its vlan_filtering on, or leave vlan out."
        )


def check_in_vlan(device: Link, vlan: int | None, subject: str) -> None:
    """Whether the device is a member of a VLAN, where one is named. Raises Refused."""
    if vlan is not None and not any(
        first <= vlan <= last for first, last, _how in vlan_words.ranges(device.vlans or {})
    ):
        raise Refused(
            f"{subject}: {device.name} is no member of VLAN {vlan}; make it one first (bridge_port)."
        )


def check_listed(
    wishes: Iterable[Mapping[str, Any]],
    key_of: Callable[[Mapping[str, Any]], Any],
    name_of: Callable[[Any], str],
) -> None:
    """An entry without a VLAN stands for one in each VLAN of its port, so one with a VLAN beside it would contradict it.

    C(key_of) is what makes an entry one of its own, C(name_of) a key in words. Raises BadInput.
    """
    seen: dict[Any, set[int | None]] = {}
    for wish in wishes:
        in_all = key_of({**wish, "vlan": None})
        vlans = seen.setdefault(in_all, set())
        if wish["vlan"] in vlans:
            raise BadInput(
                f"{name_of(key_of(wish))} is listed twice in 'entries': each entry may be described once."
            )
        vlans.add(wish["vlan"])
        if None in vlans and len(vlans) > 1:
            raise BadInput(
                f"{name_of(in_all)} is listed with a vlan and without one, which stands for all VLANs of the port; "
                "give it once without, or each time with one."
            )
