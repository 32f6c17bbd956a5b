# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Bridge ports: (snapshot, wishes) -> changes."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    differing,
    listed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import device, reach
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)

KIND = "port"
MOST_PORTS = 1023  # BR_MAX_PORTS - 1
SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "bridge": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "up": {"type": "bool"},
    **option_tables.spec_of(option_tables.PORT),
    **vlan_words.SPEC,
    "steal": {"type": "bool"},
    "force": {"type": "bool"},
}
_OWN = ("name", "bridge", "state", "steal", "force", "back", "vlans_mode")


def checked(item: Mapping[str, Any]) -> dict[str, Any]:
    """A wish in canonical form. Raises BadInput."""
    name = units.interface_name(item["name"])
    if item.get("bridge") is not None:
        units.interface_name(item["bridge"], "bridge")
        if item["bridge"] == name:
            raise BadInput(
                f"{name} cannot be a port of itself; name the device that the bridge {name} shall have as a port."
            )
    elif item["state"] == "present":
        raise BadInput(f"{name}: 'bridge' is missing; say which bridge it shall be a port of.")
    options = option_tables.checked(option_tables.PORT, item)
    if item.get("up") is not None:
        options["up"] = item["up"]
    vlans = vlan_words.wished(item)
    if vlans is not None:
        options.update(vlans=vlans, vlans_mode=item["vlans_mode"])
    return {
        "name": name,
        "bridge": item.get("bridge"),
        "state": item["state"],
        "steal": bool(item.get("steal")),
        "force": bool(item.get("force")),
        **options,
    }


def plan(
    now: Snapshot, wishes: Iterable[Mapping[str, Any]], made: Iterable[str] = ()
) -> list[Change]:
    """The changes that bring the ports to the wishes.

    C(made) names the bridges and devices that the same run makes before. What a wish of wish_back asks for has been before, and is not judged.
    Raises Refused and Unsupported.
    """
    made = set(made)
    wishes = list(wishes)
    changes: list[Change] = []
    joined: dict[str, int] = {}
    for wish in wishes:
        link = now.links.get(wish["name"])
        if wish["state"] == "absent":
            changes += [] if link is None else _leave(now, link, wish)
            continue
        if link is None and wish["name"] not in made:
            if wish.get("back"):
                continue  # somebody else has deleted it meanwhile
            raise Refused(
                f"There is no device {wish['name']} to make a port of {wish['bridge']}; create it first (a tap: tap_device)."
            )
        judged = not wish.get("back")
        if judged:
            _check_bridge(now, wish, made)
            _check_backup(now, wish, wishes)
        if link is None or link.master != wish["bridge"]:
            if link is not None and judged:
                _check_candidate(now, link, wish)
            joined[wish["bridge"]] = joined.get(wish["bridge"], 0) + judged
            given = vlan_words.of_a_new_port(now.links.get(wish["bridge"])) if judged else None
            after = {"bridge": wish["bridge"], **_options(wish), **_vlans(given or {}, wish)}
            before = {"bridge": link.master if link else None}
            if judged:
                _check_mab(wish["name"], {"learning": True, **after})
            changes.append(Change("attach", KIND, wish["name"], before, after, payload=given))
        else:
            changes += _update(link, wish)
    _check_room(now, joined, changes)
    return reach.judged(now, changes)


def wish_back(before: Snapshot, name: str) -> dict[str, Any]:
    """The wish for the device's membership as it was; its master may have been something else than a bridge."""
    link = before.links.get(name)
    wish = {
        "name": name,
        "bridge": None,
        "state": "absent",
        "steal": True,
        "force": True,
        "back": True,
    }
    if link is None:
        return wish
    if link.master is None:
        return {**wish, "up": link.up}
    settable = {one.option for one in option_tables.PORT}
    bridge = before.links.get(link.master)
    if bridge is None or bridge.options.get("stp_state") or not (link.up and link.running):
        settable.remove("port_state")  # it was not ours to set, and comes by itself
    options = {key: value for key, value in (link.port or {}).items() if key in settable}
    if link.vlans is not None and link.port is not None:
        options.update(vlans=dict(link.vlans), vlans_mode="exact")
    return {**wish, "bridge": link.master, "state": "present", "up": link.up, **options}


def membership(now: Snapshot, name: str) -> dict[str, Any]:
    """The bridge and the port options of a port, as an attach change of a new device carries them."""
    new = ("port_state", *_OWN)
    return {
        key: value
        for key, value in wish_back(now, name).items()
        if key == "bridge" or key not in new
    }


def describe(link: Link) -> dict[str, Any]:
    """The port as a module returns it."""
    bridge = link.master if link.port is not None else None
    vlans = None if bridge is None or link.vlans is None else vlan_words.as_list(link.vlans)
    return {
        "name": link.name,
        "state": "present" if bridge else "absent",
        "bridge": bridge,
        "up": link.up,
        **(link.port or {}),
        "vlans": vlans,
    }


def _options(wish: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in wish.items() if key not in _OWN and value is not None}


def _vlans(now: Mapping[str, str], wish: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """All VLANs that the port shall have, where the wish says something about them; C(now) are those it has."""
    if wish.get("vlans") is None:
        return {}
    return {
        "vlans": vlan_words.merged(now, wish["vlans"])
        if wish["vlans_mode"] == "merge"
        else wish["vlans"]
    }


def _leave(now: Snapshot, link: Link, wish: Mapping[str, Any]) -> list[Change]:
    """Out of the bridge, and up or down where that is asked too; a port of another bridge than the one named is left alone."""
    if link.port is not None and wish["bridge"] not in (None, link.master):
        return []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if wish.get("up") is not None and wish["up"] != link.up:
        before["up"], after["up"] = link.up, wish["up"]
    if link.port is not None or (link.master is not None and wish.get("back")):
        device.check_idle(
            now,
            link,
            wish,
            f"taking it out of {link.master} would leave that guest without a network",
        )
        return [
            Change(
                "detach",
                KIND,
                link.name,
                {"bridge": link.master, **before},
                {"bridge": None, **after},
            )
        ]
    return [Change("update", KIND, link.name, before, after)] if after else []


def _update(link: Link, wish: Mapping[str, Any]) -> list[Change]:
    asked = {
        one.option: wish[one.option]
        for one in option_tables.PORT
        if wish.get(one.option) is not None
    }
    lacking = sorted(set(asked) - set(link.port or {})) if asked else []
    if lacking:
        raise Unsupported(
            f"{link.name}: this kernel has no {', '.join(lacking)} for bridge ports; leave the option out, or boot a kernel that has it."
        )
    after = differing(link.port or {}, asked) if asked else {}
    before = {key: (link.port or {})[key] for key in after}
    if not wish.get("back"):
        _check_mab(link.name, {**(link.port or {}), **after})
    if wish.get("up") is not None and wish["up"] != link.up:
        before["up"], after["up"] = link.up, wish["up"]
    vlans = _vlans(link.vlans or {}, wish)
    if differing({"vlans": link.vlans or {}}, vlans):
        before["vlans"], after["vlans"] = dict(link.vlans or {}), vlans["vlans"]
    return [Change("update", KIND, link.name, before, after)] if after else []


def _check_mab(name: str, options: Mapping[str, Any]) -> None:
    """The kernel wants all three at once, and calls anything else an invalid value (net/bridge/br_netlink.c, br_setport)."""
    lacking = [key for key in ("locked", "learning") if not options.get(key)]
    if options.get("mab") and lacking:
        raise BadInput(
            f"{name}: mab is on and {' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not, but mab notes the MACs that a locked port keeps "
            f"out, as entries that it learns; say {' and '.join(f'{key}: true' for key in lacking)} too, or mab: false."
        )


def _check_bridge(now: Snapshot, wish: Mapping[str, Any], made: set[str]) -> None:
    bridge = now.links.get(wish["bridge"])
    if bridge is None:
        if wish["bridge"] not in made:
            raise Refused(
                f"There is no bridge {wish['bridge']} for the port {wish['name']}; create it first (linux_bridge)."
            )
    elif bridge.kind != "bridge":
        raise Refused(
            f"{bridge.name} is no bridge but a device of kind '{bridge.kind or 'hardware'}'; a port needs a bridge."
        )
    elif wish.get("vlans") is not None:
        vlan_words.check_filtering(bridge.name, bridge.options, f"the VLANs of {wish['name']}")


def _check_backup(
    now: Snapshot, wish: Mapping[str, Any], wishes: Iterable[Mapping[str, Any]]
) -> None:
    backup = wish.get("backup_port")
    if not backup:
        return
    link = now.links.get(backup)
    joins = any(
        one["name"] == backup and one["state"] == "present" and one["bridge"] == wish["bridge"]
        for one in wishes
    )
    if backup == wish["name"] or not (
        joins or (link is not None and link.master == wish["bridge"])
    ):
        raise Refused(
            f"{wish['name']}: {backup} can't be its backup_port, which is another port of {wish['bridge']}; make it one first, or list it too."
        )


def _check_candidate(now: Snapshot, link: Link, wish: Mapping[str, Any]) -> None:
    """Refuse what the kernel would refuse after it has taken the device from its old master, and what would cut off the host."""
    target = wish["bridge"]
    if link.kind == "bridge":
        raise Refused(
            f"{link.name} is a bridge itself, and the kernel makes no bridge a port of a bridge; join the two with a veth pair."
        )
    if link.loopback:
        raise Refused(f"{link.name} is the loopback device, which can't be a port of a bridge.")
    if link.wireless:
        raise Refused(
            f"{link.name} is wireless: an access point drops frames from other MACs than the station's own, so it can't be a port of {target}; "
            "use a wired NIC, route or masquerade the guests behind the host, or use WDS (4addr) where the access point offers it."
        )
    if link.kind == "tun" and link.options.get("mode") == "tun":
        raise Refused(
            f"{link.name} is a TUN, which carries packets without Ethernet headers; make it with mode: tap to bridge it."
        )
    if link.master is not None and not wish["steal"]:
        raise Refused(
            f"{link.name} already belongs to {link.master}; say steal: true to move it to {target}."
        )
    if link.master is not None:
        device.check_idle(
            now, link, wish, f"moving it to {target} would take that guest out of its network"
        )
    riders = sorted(
        one.name
        for one in now.links.values()
        if one.lower == link.name and one.kind in ("macvlan", "macvtap", "ipvlan", "ipvtap")
    )
    if riders:
        raise Refused(
            f"{link.name} carries {listed(riders)}, which would take its frames before a bridge could; delete that first."
        )
    addresses = [one.text for one in now.addresses_of(link.name)]
    if addresses:
        raise Refused(
            f"{link.name} has the addresses {listed(addresses)}, which stop working on a bridge port; use bridge_uplink, which moves them to {target}."
        )


def _check_room(now: Snapshot, joined: Mapping[str, int], changes: Iterable[Change]) -> None:
    for bridge, more in joined.items():
        leaving = sum(
            1
            for one in changes
            if one.action == "detach" and (one.before or {}).get("bridge") == bridge
        )
        has = len(now.ports_of(bridge)) - leaving
        if has + more > MOST_PORTS:
            raise Refused(
                f"{bridge} has {has} ports and would get {more} more; the kernel's limit is {MOST_PORTS}: use a second bridge."
            )
