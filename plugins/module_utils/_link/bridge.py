# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Bridges: (snapshot, wishes) -> changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Plan,
    differing,
    listed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    device,
    own_addresses,
    own_mtu,
    reach,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)

KIND = "bridge"
NEED_NO_VLANS = ("vlan_stats_per_port", "mst_enabled")  # EBUSY as long as a port has a VLAN
# every kernel shows these as off; one without VLAN filtering shows no vlan_protocol
_NEED_VLANS = ("vlan_filtering", "mst_enabled")
# with these the kernel takes another group_address, unless it was given one (recalculate_group_addr)
_MOVE_THE_GROUP = {"vlan_filtering", "vlan_protocol"}
# BR_MIN_FORWARD_DELAY: with STP on the kernel raises less to this without a word
STP_LEAST_DELAY = 2.0

SPEC: dict[str, dict[str, Any]] = {
    **device.SPEC,
    **option_tables.spec_of(option_tables.BRIDGE),
    "self_vlans": vlan_words.ITEM,
    **own_addresses.SPEC,
    **own_mtu.SPEC,
    "force": {"type": "bool"},
}


def checked(item: Mapping[str, Any]) -> dict[str, Any]:
    """A wish in canonical form: name, state, force, and the options that are given. Raises BadInput."""
    wish = {**device.checked(item), **option_tables.checked(option_tables.BRIDGE, item)}
    _check_stp(item["name"], wish)
    if item.get("self_vlans") is not None:
        wish["self_vlans"] = vlan_words.of_entries(
            item["self_vlans"], f"{item['name']}: self_vlans"
        )
    wish.update(own_addresses.checked(item))
    wish.update(own_mtu.checked(item))
    return {"name": item["name"], "state": item["state"], "force": bool(item.get("force")), **wish}


def plan(now: Snapshot, wishes: Iterable[Mapping[str, Any]]) -> list[Change]:
    """The changes that bring the bridges to the wishes. Raises BadInput, Refused, Unsupported."""
    changes: list[Change] = []
    wishes = list(wishes)
    pattern = next((link for link in now.links.values() if link.kind == KIND), None)
    for wish in wishes:
        link = now.links.get(wish["name"])
        if link is not None and link.kind != KIND:
            raise Refused(
                f"{link.name} exists and is no bridge but a device of kind '{link.kind or 'hardware'}'; choose another name for the bridge."
            )
        if wish["state"] == "absent":
            changes += [] if link is None else _delete(now, link, wish)
        elif link is None:
            # the kernel's bridges all have the same options; the first one shows them when it is there
            if pattern is not None:
                _check_known(wish["name"], pattern, wish)
            if wish.get("self_vlans") is not None:
                _check_filtering(
                    wish,
                    {"vlan_protocol": None} if pattern is None else pattern.options,
                    wish.get("vlan_filtering"),
                )
            own_addresses.check_free(now, wish)
            given = _options(wish)
            changes.append(Change("create", KIND, wish["name"], None, given, payload=given))
        else:
            changes += _update(now, link, wish, own_mtu.kept(now, link, wish, wishes))
    return reach.judged(now, changes)


def wish_back(before: Snapshot, name: str) -> dict[str, Any]:
    """The wish for the bridge as it was."""
    link = before.links.get(name)
    if link is None:
        return {"name": name, "state": "absent", "force": True, "back": True}
    settable = {one.option for one in option_tables.BRIDGE}
    options = {key: value for key, value in link.options.items() if key in settable}
    if link.vlans is not None:
        options["self_vlans"] = dict(link.vlans)
    return {
        "name": name,
        "state": "present",
        "force": True,
        "back": True,
        **device.values(link),
        **options,
    }


def joined(now: Snapshot, wish: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """On the way back: the bridges of this run that stay, because ports of somebody else have joined them, C({name: sentence}).

    C(wish) is C({"bridge": [...], "port": [...], "tap": [...]}), where what undoes this run has C(back).
    """
    own = {one["name"] for kind in ("port", "tap") for one in wish.get(kind, ())}
    kept = {}
    for one in wish.get(KIND, ()):
        ports = [port.name for port in now.ports_of(one["name"]) if port.name not in own]
        if one["state"] == "absent" and one.get("back") and ports:
            kept[one["name"]] = (
                f"The bridge {one['name']} stays, because {listed(ports)} joined it meanwhile."
            )
    return kept


def missing(link: Link, wish: Mapping[str, Any]) -> dict[str, Any]:
    """The bridge options of C(wish) that the link does not have yet. Raises Unsupported for one that this kernel lacks."""
    _check_known(link.name, link, wish)
    options = {one.option: wish.get(one.option) for one in option_tables.BRIDGE}
    found = differing(link.options, options)
    if _MOVE_THE_GROUP & found.keys() and options["group_address"] and not wish.get("back"):
        found["group_address"] = options["group_address"]  # given, it stays, though it is the same
    return found


def describe(link: Link) -> dict[str, Any]:
    """The bridge as a module returns it."""
    return {
        "name": link.name,
        **device.values(link),
        **link.options,
        "self_vlans": None if link.vlans is None else vlan_words.as_list(link.vlans),
    }


def _options(wish: Mapping[str, Any]) -> dict[str, Any]:
    left_out = ["name", "state", "force", "back", *own_addresses.HOW, *own_mtu.HOW]
    if wish.get("back"):  # it may have followed its ports, and does again once they are back
        left_out.append("mtu")
    return {key: value for key, value in wish.items() if key not in left_out and value is not None}


def _update(
    now: Snapshot, link: Link, wish: Mapping[str, Any], kept_mtu: Mapping[str, int]
) -> list[Change]:
    options = missing(link, wish)
    if "stp_state" in options or "forward_delay" in options:
        _check_stp(link.name, {**link.options, **options})
    has, addresses = own_addresses.planned(now, wish)
    after = {
        **device.changed(link, wish),
        **kept_mtu,
        **_kept_mac(link, wish),
        **options,
        **_self_vlans(link, wish, options),
        **addresses,
    }
    if not wish.get("back"):
        own_addresses.check_free(now, wish)
        _check_ports(now, link, options, wish["force"])
    if not after:
        return []
    old = {**device.values(link), **link.options, "self_vlans": dict(link.vlans or {}), **has}
    for key in ("mac", "mtu"):
        if after.get(key) == old[key]:
            old[key] = None  # nobody has given it
    return [Change("update", KIND, link.name, {key: old[key] for key in after}, after)]


def _kept_mac(link: Link, wish: Mapping[str, Any]) -> dict[str, Any]:
    """The wished MAC where the bridge has it of its ports, and would take another when a port with a lower one joins."""
    follows = link.mac_given is False and wish.get("mac") == link.mac and not wish.get("back")
    return {"mac": link.mac} if follows else {}


def _self_vlans(link: Link, wish: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The bridge's own VLANs where they have to be set: they differ, or would after the change of its C(options)."""
    vlans = wish.get("self_vlans")
    if vlans is None:
        return {}
    if not wish.get("back"):
        _check_filtering(
            wish, link.options, options.get("vlan_filtering", link.options.get("vlan_filtering"))
        )
    stays = default_moves(link, options, vlans) == vlans
    return {} if stays and (link.vlans or {}) == vlans else {"self_vlans": vlans}


def default_moves(
    link: Link, options: Mapping[str, Any], vlans: Mapping[str, str]
) -> Mapping[str, str]:
    """What becomes of the VLANs of the bridge or of a port of it, in canonical form, when C(options) are set: the default PVID moves."""
    old = link.options.get("vlan_default_pvid", 0)
    return vlan_words.rewritten(vlans, old, options.get("vlan_default_pvid", old))


def _check_filtering(
    wish: Mapping[str, Any], options: Mapping[str, Any], filtering: bool | None
) -> None:
    vlan_words.check_filtering(
        wish["name"], {**options, "vlan_filtering": filtering}, "its self_vlans"
    )


def _check_ports(now: Snapshot, link: Link, options: Mapping[str, Any], force: bool) -> None:
    """Refuse what the kernel refuses because of the ports' VLANs, and what would let ports into a VLAN that nobody gave them."""
    if not {"vlan_default_pvid", *NEED_NO_VLANS} & set(options):
        return
    moved = {
        port.name: (port.vlans or {}, default_moves(link, options, port.vlans or {}))
        for port in now.ports_of(link.name)
    }
    held = [name for name, (_vlans, after) in moved.items() if after]
    asked = [option for option in NEED_NO_VLANS if option in options]
    if held and asked:
        raise Refused(
            f"{link.name}: {' and '.join(asked)} can only be changed while no port has a VLAN, and {listed(held)} {'has' if len(held) == 1 else 'have'}; "
            "set it before the ports join, or take them out first."
        )
    taken = [
        name
        for name, (vlans, after) in moved.items()
        if not link.options.get("vlan_default_pvid")
        and vlan_words.pvids(vlans) - vlan_words.pvids(after)
    ]
    if taken and not force:
        raise Refused(
            f"{link.name}: with vlan_default_pvid {options['vlan_default_pvid']} the kernel would put the untagged frames of {listed(taken)} into that VLAN, "
            "out of the one they are in now; keep it 0, or say force: true and give the ports their VLANs again."
        )


def _check_known(name: str, link: Link, wish: Mapping[str, Any]) -> None:
    lacking = [
        one.option
        for one in option_tables.BRIDGE
        if wish.get(one.option) is not None
        and (
            one.option not in link.options
            or (
                one.option in _NEED_VLANS
                and wish[one.option]
                and "vlan_protocol" not in link.options
            )
        )
    ]
    if lacking:
        raise Unsupported(
            f"{name}: this kernel has no {', '.join(lacking)} for bridges: it is too old, or was built without it (VLANs need "
            "CONFIG_BRIDGE_VLAN_FILTERING, nf_call CONFIG_BRIDGE_NETFILTER); leave the option out, or boot a kernel that has it."
        )


def _check_stp(name: str, options: Mapping[str, Any]) -> None:
    delay = options.get("forward_delay")
    if options.get("stp_state") and delay is not None and delay < STP_LEAST_DELAY:
        raise BadInput(
            f"{name}: stp_state is on and forward_delay is {delay:g}, but with STP the kernel silently takes {STP_LEAST_DELAY:g} "
            "seconds at least; give a forward_delay of 2 to 30, or turn stp_state off."
        )


def _delete(now: Snapshot, link: Link, wish: Mapping[str, Any]) -> list[Change]:
    ports = [port.name for port in now.ports_of(link.name)]
    addresses = [address.text for address in now.addresses_of(link.name)]
    strange = [one for one in addresses if one not in (wish.get("addresses") or ())]
    if (ports or strange) and not wish["force"]:
        held = " and ".join(
            part
            for part in (
                ports and f"the ports {listed(ports)}",
                strange and f"the addresses {listed(strange)}",
            )
            if part
        )
        raise Refused(
            f"{link.name} still has {held}; take them away first (bridge_port, bridge_uplink with state: absent), or say force: true."
        )
    before: dict[str, Any] = {"up": link.up, "mac": link.mac}
    if ports:
        before["ports"] = ports
    if addresses:
        before["addresses"] = addresses
    return [Change("delete", KIND, link.name, before, None)]


def with_their_new_default(now: Snapshot, changes: Plan) -> dict[str, Link]:
    """The ports whose VLANs the kernel rewrites with a change of their bridge's vlan_default_pvid, as they are then."""
    ports = {}
    for change in changes:
        if (
            change.kind == KIND
            and change.action == "update"
            and "vlan_default_pvid" in (change.after or {})
        ):
            bridge = now.links[change.name]
            for port in now.ports_of(change.name):
                ports[port.name] = replace(
                    port,
                    vlans=default_moves(bridge, change.after or {}, port.vlans or {}),
                )
    return ports
