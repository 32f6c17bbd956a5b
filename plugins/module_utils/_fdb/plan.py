# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Forwarding entries of bridges: (table, wishes) -> changes.

An entry is known by its bridge, MAC and VLAN; port, type and flags are what it says. What a bridge learned by itself is deleted only
where that is asked for, and the entries that the kernel keeps for the MACs of a bridge and its ports are nobody's to plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, NamedTuple

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Outcome,
    differing,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._fdb.spec import (
    NOTIFIES,
    SAYS,
    Key,
    key_of_wish,
    name_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import members, reach
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Forwarding

KIND = "entry"
# of the permanent ones the kernel's bulk deletion takes its own along
_BULK = ("static", "dynamic")
_BLIND = ("disabled", "listening", "blocking")
_NEW = {"sticky": False, "extern_learn": False, **dict.fromkeys(NOTIFIES, False)}
_TICK = 0.02  # the kernel tells ages in hundredths of a second


@dataclass(frozen=True)
class Table:
    """What is there: the devices, and the entries of all bridges.

    C(since) are the seconds since this run began to write, None before it did.
    """

    host: Snapshot
    entries: tuple[Forwarding, ...] = ()
    since: float | None = None


class Step(NamedTuple):
    """What an adapter needs of a change: which entry, on which port it is now, what it shall be (None: gone), the flush that takes it, and what it was."""

    bridge: str
    mac: str
    vlan: int | None
    port: str | None
    after: Mapping[str, Any] | None = None
    flush: Mapping[str, Any] | None = None
    norefresh: bool = False
    was: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Place:
    """A bridge; C(devices) are itself and its ports, C(own) gives the device of each MAC that is one of theirs.

    C(vids) remembers, of a port that was asked for, where the kernel puts an entry without a VLAN: outside all of them and in each one of the port.
    """

    bridge: Link
    devices: Mapping[str, Link]
    own: Mapping[str | None, str]
    vids: dict[str, list[int | None]] = field(default_factory=dict)


def plan(now: Table, wish: Mapping[str, Any]) -> list[Change]:
    """The changes that bring the tables to the wish: the flush first, then the entries in the order of the list. Raises Refused, Unsupported."""
    found: dict[tuple[str, str], dict[int | None, Forwarding]] = {}
    for entry in now.entries:
        found.setdefault((entry.bridge, entry.mac), {})[entry.vlan] = entry
    places: dict[str, _Place | None] = {}
    changes: list[Change] = []
    kept: set[Key] = set()
    for one in wish["entries"]:
        bridge = one["bridge"]
        if bridge not in places:
            places[bridge] = _place(now, bridge)
        place = places[bridge]
        there = found.get((bridge, one["mac"]), {})
        if one.get("back"):
            if place is not None and one["port"] in place.devices:  # else it went with its port
                changes += _back(now, there.get(one["vlan"]), one)
            continue
        _check_own(place, one)
        if one["state"] == "absent":
            changes += _absent(now, there, one)
            continue
        _check(now, place, one)
        for vlan in _vlans(place, one):
            key = (bridge, one["mac"], vlan)
            kept.add(key)
            changes += _present(key, there.get(vlan), one)
    if wish.get("flush") is not None:
        gone = {_key_of(change.payload) for change in changes if change.action == "delete"}
        changes = _flush(now, wish["flush"], kept, gone) + changes
    return reach.judged(now.host, changes)


def wish_back(before: Table, changes: Iterable[Change]) -> dict[str, Any]:
    """The wish for the entries as they were, C({"entries": [...]}), as C(plan) takes it. A learned one comes back as if it were just seen."""
    found = {_key_of(one): one for one in before.entries}
    back = []
    for change in changes:
        step = change.payload
        entry = found.get(_key_of(step))
        which = {"bridge": step.bridge, "mac": step.mac, "vlan": step.vlan, "back": True}
        says = (
            _whole(entry)
            if entry is not None
            else {
                **dict.fromkeys((*SAYS, *NOTIFIES)),
                "port": step.after["port"],
                "type": step.after["type"],
            }
        )
        back.append({**which, **says, "state": "present" if entry is not None else "absent"})
    return {"entries": back}


def values(entry: Forwarding) -> dict[str, Any]:
    """What an entry says, in the words of the options."""
    return _shown(_whole(entry))


def _whole(entry: Forwarding) -> dict[str, Any]:
    return {key: getattr(entry, key) for key in (*SAYS, *NOTIFIES)}


def _shown(says: Mapping[str, Any]) -> dict[str, Any]:
    """What few entries have is told of those that have it."""
    return {key: value for key, value in says.items() if key not in NOTIFIES or value}


def describe(outcome: Outcome, wishes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The entries after an outcome, in the order of the wishes; in check mode as the plan predicts them.

    Each has C(bridge), C(mac), C(vlan) and C(state), and where it is present what it says: C(port), C(type) and the flags.
    """
    found: dict[Key, Any] = {_key_of(one): values(one) for one in outcome.after.entries}
    if outcome.after is outcome.before:
        for change in outcome.changes:
            after = change.payload.after
            found[_key_of(change.payload)] = None if after is None else _shown(after)
    entries = []
    for wish in wishes:
        says = found.get(key_of_wish(wish))
        which = {"bridge": wish["bridge"], "mac": wish["mac"], "vlan": wish["vlan"]}
        entries.append(
            {**which, "state": "absent"} if says is None else {**which, "state": "present", **says}
        )
    return entries


def _place(now: Table, name: str) -> _Place | None:
    """None where there is no such device. Raises Refused where it is no bridge."""
    devices = members.of(now.host, name, "forwarding entries belong to a bridge")
    if devices is None:
        return None
    return _Place(devices[name], devices, {link.mac: link.name for link in devices.values()})


def _check_own(place: _Place | None, wish: Mapping[str, Any]) -> None:
    if place is not None and wish["mac"] in place.own:
        raise Refused(
            f"{wish['mac']} is the MAC of {place.own[wish['mac']]} itself, whose entry the kernel keeps, and without which the host would not get its "
            "own frames; leave it out."
        )


def _check(now: Table, place: _Place | None, wish: Mapping[str, Any]) -> None:
    name, port = wish["mac"], wish["port"]
    if place is None:
        raise Refused(
            f"There is no bridge {wish['bridge']} for the entry {name}; create it first (linux_bridge)."
        )
    device = members.one(now.host, place.devices, place.bridge, port, name)
    members.check_vlan(place.bridge, wish["vlan"], name)
    members.check_in_vlan(device, wish["vlan"], name)
    learning = wish["type"] == "dynamic" and not wish["extern_learn"]
    state = (device.port or {}).get("port_state") if learning else None
    if state in _BLIND:
        raise Refused(
            f"{name}: {port} is {state}, and such a port takes no dynamic entry; bring it up, or say type: static."
        )
    if learning and place.bridge.options.get("ageing_time") == 0:
        raise Refused(
            f"{name}: {place.bridge.name} has ageing_time 0 and forgets dynamic entries at once; say type: static."
        )


def _vlans(place: _Place, wish: Mapping[str, Any]) -> list[int | None]:
    if wish["vlan"] is not None:
        return [wish["vlan"]]
    port = wish["port"]
    if port not in place.vids:
        place.vids[port] = [None, *vlan_words.expanded(place.devices[port].vlans or {})]
    return place.vids[port]


def _present(key: Key, entry: Forwarding | None, wish: Mapping[str, Any]) -> list[Change]:
    if entry is not None and _fits(entry, wish):  # most of a list, in a second run
        return []
    asked = {one: wish[one] for one in (*SAYS, *NOTIFIES) if wish.get(one) is not None}
    if asked.get("activity_notify") is False:
        asked["inactive"] = False
    if entry is None:
        step = Step(*key, None, {**_NEW, **asked})
        return [Change("create", KIND, name_of(key), None, asked, payload=step)]
    old = _whole(entry)
    after = differing(old, asked)
    external = asked.get(
        "extern_learn", old["extern_learn"] and not {"type", "sticky"} & set(after)
    )
    # the kernel never takes this mark from an entry, and what has it keeps its type
    again = external != old["extern_learn"] or (external and "type" in after)
    step = Step(
        *key,
        entry.port,
        {
            **old,
            **after,
            "extern_learn": external,
            "sticky": asked.get("sticky", old["sticky"] and not external),
        },
        norefresh=bool(wish.get("norefresh")),
        was=old,
    )
    action = "recreate" if again else "update"
    return [
        Change(
            action,
            KIND,
            name_of(key),
            {one: old[one] for one in after},
            after,
            payload=step,
        )
    ]


def _absent(
    now: Table, there: Mapping[int | None, Forwarding], wish: Mapping[str, Any]
) -> list[Change]:
    """Without a VLAN: in whichever."""
    fitting = [
        one
        for one in there.values()
        if _fits(one, wish) and (wish["type"] == "dynamic" or not _learned(one))
    ]
    return [_delete(one) for one in fitting if not _again(now, one)]


def _back(now: Table, entry: Forwarding | None, wish: Mapping[str, Any]) -> list[Change]:
    """Exactly as it was; what has been learned meanwhile is newer than what was learned before."""
    if wish["state"] == "absent":
        return (
            [_delete(entry)] if entry is not None and _fits(entry, {"type": wish["type"]}) else []
        )
    if (
        wish["type"] == "dynamic"
        and entry is not None
        and _learned(entry)
        and not (wish["sticky"] or wish["extern_learn"])
    ):
        return []
    return _present(key_of_wish(wish), entry, wish)


def _flush(now: Table, flush: Mapping[str, Any], kept: set[Key], gone: set[str]) -> list[Change]:
    place = _place(now, flush["bridge"])
    if place is None:
        raise Refused(f"There is no bridge {flush['bridge']} to flush; name one that exists.")
    if flush["port"] is not None and flush["port"] not in place.devices:
        raise Refused(
            f"flush: {flush['port']} is no port of {place.bridge.name}; name one of its ports, or leave port out for all."
        )
    members.check_vlan(place.bridge, flush["vlan"], "flush")
    hit = [
        one
        for one in now.entries
        if one.bridge == flush["bridge"]
        and one.mac not in place.own
        and _fits(one, flush)
        and not _again(now, one)
    ]
    left = [one for one in hit if _key_of(one) not in kept]
    at_once = flush if len(hit) == len(left) and flush["type"] in _BULK else None
    return [_delete(one, at_once) for one in left if _key_of(one) not in gone]


def _delete(entry: Forwarding, flush: Mapping[str, Any] | None = None) -> Change:
    key = _key_of(entry)
    return Change(
        "delete",
        KIND,
        name_of(key),
        values(entry),
        None,
        payload=Step(*key, entry.port, None, flush, was=_whole(entry)),
    )


def _fits(entry: Forwarding, wish: Mapping[str, Any]) -> bool:
    for key in (*SAYS, *NOTIFIES, "vlan"):
        asked = wish.get(key)
        if asked is not None and asked != getattr(entry, key):
            return False
    return True


def _learned(entry: Forwarding) -> bool:
    """Whether it is one that comes and goes by itself, and not what somebody put there."""
    return entry.type == "dynamic" and not entry.sticky and not entry.extern_learn


def _again(now: Table, entry: Forwarding) -> bool:
    """Whether it was learned after this run began to write: its device has sent again, and it is no leftover."""
    return now.since is not None and _learned(entry) and entry.age <= now.since + _TICK


def _key_of(one: Forwarding | Step) -> Key:
    return (one.bridge, one.mac, one.vlan)
