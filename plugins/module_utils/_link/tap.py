# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. TAP and TUN devices: (snapshot, wishes) -> changes."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
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
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner

KIND = "tap"
_SECRET = "stable_secret"
FLAGS = ("mode", "multi_queue", "vnet_hdr", "pi")
OWNERS = ("owner", "group")
_FIXED = ("mode", "multi_queue")  # the kernel changes these in no existing device
_DEFAULTS = {"mode": "tap", "multi_queue": False, "vnet_hdr": False, "pi": False}

SPEC: dict[str, dict[str, Any]] = {
    **device.SPEC,
    "mode": {"type": "str", "choices": ["tap", "tun"]},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "multi_queue": {"type": "bool"},
    "vnet_hdr": {"type": "bool"},
    "pi": {"type": "bool"},
    "force": {"type": "bool"},
}


def checked(item: Mapping[str, Any]) -> dict[str, Any]:
    """A wish in canonical form; owner and group are numbers already. Raises BadInput."""
    own = {key: item[key] for key in FLAGS + OWNERS if item.get(key) is not None}
    if own.get("mode") == "tun" and item.get("mac") is not None:
        raise BadInput(
            f"{item['name']}: mac is given, but a TUN carries no Ethernet frames and has none; leave it out, or say mode: tap."
        )
    return {
        "name": item["name"],
        "state": item["state"],
        "force": bool(item.get("force")),
        **device.checked(item),
        **own,
    }


def plan(now: Snapshot, wishes: Iterable[Mapping[str, Any]]) -> list[Change]:
    """The changes that bring the taps to the wishes. Raises Refused."""
    changes: list[Change] = []
    for wish in wishes:
        link = now.links.get(wish["name"])
        if link is not None and link.kind != "tun":
            raise Refused(
                f"{link.name} exists and is no TAP but a device of kind '{link.kind or 'hardware'}'; choose another name for the tap."
            )
        if wish["state"] == "absent":
            if link is not None:
                device.check_idle(
                    now,
                    link,
                    wish,
                    "deleting it would leave that guest without a network until it is restarted",
                )
                before = {"mode": link.options["mode"], "bridge": link.master}
                changes.append(Change("delete", KIND, link.name, before, None))
        elif link is None:
            changes.append(
                Change("create", KIND, wish["name"], None, {**_DEFAULTS, **_given(wish)})
            )
        else:
            changes += _update(now, link, wish)
    return reach.judged(now, changes)


def wish_back(before: Snapshot, name: str) -> dict[str, Any]:
    """The wish for the tap as it was."""
    link = before.links.get(name)
    if link is None:
        return {"name": name, "state": "absent", "force": True}
    own = {key: link.options[key] for key in FLAGS + OWNERS}
    return {"name": name, "state": "present", "force": True, **device.values(link), **own}


def describe(link: Link) -> dict[str, Any]:
    """The tap as a module returns it; C(owner) and C(group) are numbers, null for none."""
    own = {key: link.options[key] for key in FLAGS}
    owners = {key: None if link.options[key] < 0 else link.options[key] for key in OWNERS}
    return {
        "name": link.name,
        **device.values(link),
        **own,
        **owners,
        "bridge": link.master,
        "in_use": link.running,
    }


def _given(wish: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in wish.items()
        if key not in ("name", "state", "force") and value is not None
    }


def _update(now: Snapshot, link: Link, wish: Mapping[str, Any]) -> list[Change]:
    if wish.get("mac") is not None and (wish.get("mode") or link.options["mode"]) == "tun":
        raise BadInput(
            f"{link.name}: mac is given, but the device is a TUN, which has none; leave it out, or say mode: tap."
        )
    flags = differing(link.options, {key: wish.get(key) for key in FLAGS})
    if flags and device.held(now, link):
        # the process that holds the tap chose these when it attached; they are ours again when it lets go
        flags = {key: value for key, value in flags.items() if key in _FIXED}
    after = {
        **device.changed(link, wish),
        **flags,
        **differing(link.options, {key: wish.get(key) for key in OWNERS}),
    }
    if not after:
        return []
    old = {**device.values(link), **link.options}
    before = {key: old[key] for key in after}
    # an owner is given only by opening the device, which one process can; and never taken away
    fixed = [
        key
        for key, value in after.items()
        if key in _FIXED or (key in OWNERS and (value < 0 or device.held(now, link)))
    ]
    if fixed:
        device.check_idle(
            now, link, wish, f"its {' and '.join(fixed)} can only be changed by making it again"
        )
        return _make_again(now, link, wish, before, after)
    return [Change("update", KIND, link.name, before, after)]


def _make_again(
    now: Snapshot,
    link: Link,
    wish: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> list[Change]:
    """Delete and create, with everything the device had and nobody asked to change; back into its bridge."""
    _check_loss(now, link, wish, after)
    whole = {
        key: value
        for key, value in wish_back(now, link.name).items()
        if key not in ("name", "state", "force")
    }
    if after.get("mode") == "tun":
        del whole["mac"]
    if whole["addr_gen_mode"] == _SECRET:
        del whole["addr_gen_mode"]
    changes = [
        Change(
            "recreate",
            KIND,
            link.name,
            before,
            after,
            payload={**whole, **_given(wish)},
        )
    ]
    if link.port is not None and after.get("mode") != "tun":
        member = port_planner.membership(now, link.name)
        del member["up"]  # it is the tap's, and may be wished for
        changes.append(Change("attach", port_planner.KIND, link.name, {"bridge": None}, member))
    return changes


def _check_loss(
    now: Snapshot, link: Link, wish: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    lost = [f"the address {one.text}" for one in now.addresses_of(link.name)]
    lost += [f"the device {one.name} on it" for one in now.links.values() if one.lower == link.name]
    lost += ["the secret of its IPv6 addresses"] if link.addr_gen_mode == _SECRET else []
    if link.master is not None and (link.port is None or after.get("mode") == "tun"):
        lost.append(f"its place in {link.master}")
    if lost and not wish["force"]:
        raise Refused(
            f"{link.name} would have to be made again and would lose {listed(lost)}; take that away first, or say force: true."
        )
