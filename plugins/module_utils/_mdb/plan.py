# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Multicast groups of bridges: (table, wishes) -> changes.

An entry is known by its bridge, port, group, VLAN and source; how long it stays and whose frames it is about are what it says. The kernel makes entries
of its own, for what it hears ports and the host ask for, and for the senders of a list: those are planned only where they are named.
Sources: Linux' net/bridge/br_mdb.c, br_multicast.c.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, NamedTuple

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Outcome,
    differing,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import members, reach
from ansible_collections.hypervisor.network.plugins.module_utils._mdb.spec import (
    SAYS,
    Key,
    is_mac,
    key_of_wish,
    name_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.mdb import Group

KIND = "group"
_TICK = 0.02  # the kernel tells times in hundredths of a second


@dataclass(frozen=True)
class Table:
    """What is there: the devices, and the groups of all bridges.

    C(groups) is None where the kernel has none; C(since) are the seconds since this run began to write, None before it did.
    """

    host: Snapshot
    groups: tuple[Group, ...] | None = ()
    since: float | None = None


class Step(NamedTuple):
    """What an adapter needs of a change: which entry, and what it shall be (None: gone). C(others): others listen to the group too."""

    bridge: str
    port: str
    group: str
    vlan: int | None
    source: str | None
    after: Mapping[str, Any] | None
    others: bool


def plan(now: Table, wishes: Iterable[Mapping[str, Any]]) -> list[Change]:
    """The changes that bring the tables to the wishes, in the order of the list. Raises Refused, Unsupported."""
    if now.groups is None:
        raise Unsupported(
            "This kernel was built without multicast snooping (CONFIG_BRIDGE_IGMP_SNOOPING), so its bridges have no groups; boot a kernel that has it."
        )
    found = {key_of(one): one for one in now.groups}
    changes: list[Change] = []
    for wish in wishes:
        devices = members.of(now.host, wish["bridge"], "multicast groups belong to a bridge")
        if wish.get("back"):
            if devices is not None and wish["port"] in devices:  # else it went with its port
                changes += _back(now, found, wish)
            continue
        if wish["state"] == "absent":
            changes += _absent(now, wish)
            continue
        changes += [
            change
            for vlan in _vlans(now, devices, wish)
            for change in _present(now, found, {**wish, "vlan": vlan})
        ]
    _check_awake(now, changes)
    _check_room(now, changes)
    return reach.judged(now.host, changes)


def wish_back(before: Table, changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The wish for the entries as they were, a list as C(plan) takes it. A temporary one comes back as if its port had just asked for it."""
    found = {key_of(one): one for one in before.groups}
    back = []
    for change in changes:
        entry = found.get(key_of(change.payload))
        which = {key: getattr(change.payload, key) for key in _WHICH}
        says = dict.fromkeys(SAYS) if entry is None else values(entry)
        state = "absent" if entry is None else "present"
        back.append({**which, **says, "state": state, "back": True})
    return back


def values(entry: Group) -> dict[str, Any]:
    """What an entry says, in the words of the options."""
    # a MAC that the bridge itself listens to stays, whatever the kernel calls it
    stays = entry.permanent or is_mac(entry.group)
    return {
        "type": "permanent" if stays else "temporary",
        "filter_mode": entry.filter_mode,
        "source_list": sorted(entry.source_list),
    }


_WHICH = ("bridge", "port", "group", "vlan", "source")


def describe(outcome: Outcome, wishes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The entries after an outcome, in the order of the wishes; in check mode as the plan predicts them.

    Each has C(bridge), C(port), C(group), C(vlan), C(source) and C(state), and where it is present C(type), C(filter_mode) and C(source_list).
    """
    found: dict[Key, Any] = {key_of(one): values(one) for one in outcome.after.groups}
    if outcome.after is outcome.before:
        for change in outcome.changes:
            found[key_of(change.payload)] = change.payload.after
    return [_described(found, wish) for wish in wishes]


def _described(found: Mapping[Key, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
    says = next(
        (says for key, says in found.items() if says is not None and _meant(key, wish)), None
    )
    which = {key: wish[key] for key in _WHICH}
    if says is None:
        return {**which, "state": "absent"}
    return {**which, "state": "present", **says}


def _meant(key: Key, wish: Mapping[str, Any]) -> bool:
    """Without a port: at whichever, without a VLAN: in whichever. Without a source it is the entry of any sender."""
    bridge, port, group, vlan, source = key
    return (
        (bridge, group, source) == (wish["bridge"], wish["group"], wish["source"])
        and wish["port"] in (None, port)
        and wish["vlan"] in (None, vlan)
    )


def _vlans(
    now: Table, devices: Mapping[str, Link] | None, wish: Mapping[str, Any]
) -> list[int | None]:
    """Where the kernel puts the entry, which is in each VLAN of the port where none is named; looks at the way there first. Raises Refused, Unsupported."""
    name, port = wish["group"], wish["port"]
    if devices is None:
        raise Refused(
            f"There is no bridge {wish['bridge']} for the group {name}; create it first (linux_bridge)."
        )
    bridge = devices[wish["bridge"]]
    device = members.one(now.host, devices, bridge, port, name)
    members.check_vlan(bridge, wish["vlan"], name)
    members.check_in_vlan(device, wish["vlan"], name)
    _check_snooping(bridge, name)
    _check_version(bridge, wish)
    if wish["type"] == "temporary" and (device.port or {}).get("port_state") == "disabled":
        raise Refused(
            f"{name}: {port} is disabled, and such a port takes no temporary group; bring it up, or say type: permanent."
        )
    if wish["vlan"] is not None or not bridge.options.get("vlan_filtering"):
        return [wish["vlan"]]
    vids: list[int | None] = list(vlan_words.expanded(device.vlans or {}))
    if not vids:
        raise Refused(
            f"{name}: {port} is a member of no VLAN, and {bridge.name} looks at VLANs; make it one first (bridge_port)."
        )
    return vids


def _check_snooping(bridge: Link, name: str) -> None:
    if bridge.options.get("mcast_snooping") is False:
        raise Refused(
            f"{name}: {bridge.name} has mcast_snooping off; then it sends every group to all ports, and the kernel neither takes nor deletes an entry: "
            "switch it on first (linux_bridge)."
        )


def _check_awake(now: Table, changes: Iterable[Change]) -> None:
    """Whether the bridges take changes of their groups. Raises Refused."""
    for change in changes:
        bridge = now.host.links[change.payload.bridge]
        _check_snooping(bridge, change.payload.group)
        if not bridge.up:
            raise Refused(
                f"{change.payload.group}: {bridge.name} is down, and then the kernel neither takes nor deletes a group; set it up first (linux_bridge)."
            )


def _check_room(now: Table, changes: Iterable[Change]) -> None:
    """Whether the groups fit: for one too many the kernel switches the snooping of the whole bridge off. Raises Refused."""
    there = {(one.bridge, one.group, one.vlan, one.source) for one in now.groups}
    new = {
        (*key, source)
        for change in changes
        if change.payload.after is not None
        for key in [(change.payload.bridge, change.payload.group, change.payload.vlan)]
        for source in (change.payload.source, *change.payload.after["source_list"])
    } - there
    for bridge in dict.fromkeys(one[0] for one in sorted(new, key=str)):
        count = sum(one[0] == bridge for one in there | new)
        most = now.host.links[bridge].options.get("mcast_hash_max", count)
        if count > most:
            raise Refused(
                f"{bridge} would have {count} groups, and its mcast_hash_max is {most}: for one too many the kernel switches mcast_snooping off for the whole "
                "bridge; give it a larger mcast_hash_max first (linux_bridge)."
            )


def _check_version(bridge: Link, wish: Mapping[str, Any]) -> None:
    """Only of the protocols that know senders does the kernel tell them, and heed them. Raises Refused."""
    if wish["filter_mode"] is None or _knows_senders(bridge, wish["group"]):
        return
    option, least = _versions(wish["group"])
    raise Refused(
        f"{wish['group']}: filter_mode is given, and {bridge.name} has {option} {bridge.options[option]}, which knows no senders; give it {option} {least} "
        "(linux_bridge)."
    )


def _versions(group: str) -> tuple[str, int]:
    """The protocol by which ports ask for a group, as an option of the bridge, and its least version that knows senders."""
    return ("mcast_mld_version", 2) if ":" in group else ("mcast_igmp_version", 3)


def _knows_senders(bridge: Link, group: str) -> bool:
    option, least = _versions(group)
    return bridge.options.get(option, least) == least


def check_lists(answer: int) -> None:
    """What the errno means by which the kernel answers to a list of senders for a port that does not exist. Raises Unsupported.

    Who knows lists looks for the port; those before Linux 6.2 do not get so far.
    """
    if answer != errno.ENODEV:
        raise Unsupported(
            "filter_mode and source_list are given, which this kernel does not take (they came with Linux 6.2); leave them out, or boot a newer one."
        )


def _new(now: Table, key: Key) -> dict[str, Any]:
    """What the kernel will tell of an entry of which nothing is said."""
    bridge, port, group, _vlan, source = key
    says = {**dict.fromkeys(SAYS), "source_list": []}
    if port != bridge and not is_mac(group) and _knows_senders(now.host.links[bridge], group):
        says["filter_mode"] = "exclude" if source is None else "include"
    return says


def _present(now: Table, found: Mapping[Key, Group], wish: Mapping[str, Any]) -> list[Change]:
    key = key_of_wish(wish)
    entry = found.get(key)
    asked = {one: wish[one] for one in SAYS if wish[one] is not None}
    others = _others(now, key)
    if entry is None:
        step = Step(*key, {**_new(now, key), **asked}, others)
        return [Change("create", KIND, name_of(key), None, asked, payload=step)]
    old = values(entry)
    after = differing(old, asked)
    if not after:
        return []
    step = Step(*key, {**old, **after}, others)
    return [
        Change("update", KIND, name_of(key), {one: old[one] for one in after}, after, payload=step)
    ]


def _absent(now: Table, wish: Mapping[str, Any]) -> list[Change]:
    return [
        _delete(now, one)
        for one in now.groups
        if _meant(key_of(one), wish)
        and wish["type"] in (None, values(one)["type"])
        and not _again(now, one)
    ]


def _back(now: Table, found: Mapping[Key, Group], wish: Mapping[str, Any]) -> list[Change]:
    """Exactly as it was; what has been asked for by its port meanwhile is newer."""
    if wish["state"] == "present":
        return _present(now, found, wish)
    entry = found.get(key_of_wish(wish))
    return [] if entry is None or _again(now, entry) else [_delete(now, entry)]


def _delete(now: Table, entry: Group) -> Change:
    key = key_of(entry)
    step = Step(*key, None, _others(now, key))
    return Change("delete", KIND, name_of(key), values(entry), None, payload=step)


def _others(now: Table, key: Key) -> bool:
    """Whether others than this entry's port listen to its group."""
    bridge, port, group, vlan, _source = key
    return any(
        (one.bridge, one.group, one.vlan) == (bridge, group, vlan) and one.port != port
        for one in now.groups
    )


def _again(now: Table, entry: Group) -> bool:
    """Whether the kernel heard of it after this run began to write: somebody behind the port has asked again, and it is no leftover."""
    if now.since is None or entry.permanent:
        return False
    interval = now.host.links[entry.bridge].options.get("mcast_membership_interval", 0.0)
    return (entry.learned or entry.port == entry.bridge) and (
        interval - entry.seconds_left <= now.since + _TICK
    )


def key_of(one: Group | Step) -> Key:
    return (one.bridge, one.port, one.group, one.vlan, one.source)
