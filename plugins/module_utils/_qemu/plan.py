# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. QEMU guests: (guests now, wishes) -> changes.

A guest's definition stays on the host while its run directory does. An option that is not given keeps the value it was
started with; a guest that runs is only compared, and changed when C(on_change) allows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    SAFE,
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import hotplug, supervision
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    ABSENT,
    CRASHED,
    HELD,
    STOPPED,
    UNRESPONSIVE,
    Guest,
    unheard,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import differing
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    check_waits,
    with_defaults,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import (
    fingerprint,
    ignored,
)

KIND = "guest"
DISK = "disk"
SIZES = "disks.size"  # as a pending change
SEED = "seed"
_MADE = (("create", DISK), ("create", SEED))
FILES = "files"

_RUNS = ("running", "suspended")
# QEMU's words for a machine that no "cont" brings back
_BROKEN = ("guest-panicked", "internal-error", "shutdown")


@dataclass(frozen=True)
class Guests:
    """What was read: guests by name, of the disk images that wishes name, whether they exist, and whether systemd can keep guests here.

    C(sizes) are what guests see of those that exist and that wishes give a size, in bytes; None where that could not be looked at.
    """

    guests: Mapping[str, Guest]
    disks: Mapping[str, bool] = field(default_factory=dict)
    systemd: bool = False
    sizes: Mapping[str, int | None] = field(default_factory=dict)


def plan(now: Guests, wishes: Iterable[Wish]) -> list[Change]:
    """The changes that bring the guests to the wishes. Raises Refused."""
    changes: list[Change] = []
    for wish in wishes:
        guest = now.guests[wish.name]
        if wish.state in ("running", "paused"):
            changes += _up(now, guest, wish)
        else:
            changes += _down(now, guest, wish)
        changes += [
            Change("remove", DISK, path, {"path": path}, None)
            for path in wish.drop
            if now.disks.get(path)
        ]
        if wish.exact and (wish.state != ABSENT or not wish.forget):
            changes += _back(guest, wish)
    # first what takes nothing from anybody, so that all that starts can be made known to systemd at once
    return sorted(changes, key=lambda one: (one.action, one.kind) not in _MADE)


def differences(guest: Guest, wish: Wish, systemd: bool) -> dict[str, dict[str, Any]]:
    """What the wish says otherwise than what runs, and only a restart changes: C({option: {now, wanted}}).

    C(systemd) says whether that can keep guests here: one that is a plain process is a unit from its next start on.
    """
    wanted = wish.spec
    if wish.exact:
        wanted = {
            **{key: wish.spec.get(key) for key in {*guest.spec, *wish.spec}},
            **wish.drift,
        }
    real = guest.real
    found = {
        key: _three(real.get(key), guest.spec.get(key), value)
        for key, value in sorted(wanted.items())
        if (real.get(key), guest.spec.get(key)) != (value, value)
        and key not in (*supervision.LIVE, "supervisor")
    }
    keeper = wish.kept_by if wish.exact else supervision.supervisor(wish.supervisor, systemd)
    if None not in (guest.kept_by, keeper) and guest.kept_by != keeper:
        found["supervisor"] = {"now": guest.kept_by, "wanted": keeper}
    return found


def pending(now: Guests, wish: Wish) -> dict[str, dict[str, Any]]:
    """What the wish says otherwise than what runs, its disks' sizes too."""
    guest = now.guests[wish.name]
    if guest.down or wish.state in (STOPPED, ABSENT):
        return {}
    found = {
        # what somebody changed behind our back
        **{
            key: _three(value, guest.spec.get(key), guest.spec.get(key))
            for key, value in differing(guest.seen, guest.spec).items()
            if key not in wish.spec
        },
        **differences(guest, wish, now.systemd),
    }
    larger = growing(now, wish)
    if larger:
        found[SIZES] = {
            "now": {path: size for path, (size, _wanted) in larger.items()},
            "wanted": {path: wanted for path, (_size, wanted) in larger.items()},
        }
    return found


def growing(now: Guests, wish: Wish) -> dict[str, tuple[int, int]]:
    """The disks that are smaller than the wish: by path what they have and what they shall have, in bytes. Raises Refused where one is larger."""
    found = {}
    for path, recipe in wish.images.items():
        size, wanted = now.sizes.get(path), recipe["size"]
        if size is None or wanted is None:
            continue
        if wanted < size:
            raise Refused(
                f"{wish.name} is not given a smaller disk: {path} has {size} bytes and 'size' asks for {wanted}, which would cut off what is "
                "beyond; say at least what it has, or make another disk and copy what is in it."
            )
        if wanted > size:
            found[path] = size, wanted
    return found


def _grow(now: Guests, wish: Wish, spec: Mapping[str, Any]) -> list[Change]:
    return [
        Change(
            "grow",
            DISK,
            path,
            {"guest": wish.name, "size": size},
            {"guest": wish.name, "size": wanted},
            payload=spec,
        )
        for path, (size, wanted) in growing(now, wish).items()
    ]


def _three(real: Any, defined: Any, wanted: Any) -> dict[str, Any]:
    """What a running guest has, what it was defined with where that is something else, and what it shall have."""
    return {"now": real, **({} if defined == real else {"defined": defined}), "wanted": wanted}


def _settings(guest: Guest, wish: Wish, systemd: bool) -> list[Change]:
    """What of a unit is written again, for now and for the next boot; nothing happens to the guest in it. Raises Refused."""
    if wish.exact:
        wanted = dict(wish.spec)
        keys = [
            key
            for key in (*supervision.LIVE, "supervisor")
            if guest.spec.get(key) != wanted.get(key)
        ]
    else:
        if supervision.supervisor(wish.supervisor, systemd) != supervision.SYSTEMD:
            supervision.kept(guest.name, guest.spec, wish.spec, wish.supervisor, systemd)
            return []
        is_unit = guest.unit is not None
        given = [
            key
            for key in (supervision.LIVE if is_unit else supervision.NEEDS_UNIT)
            if key in wish.spec and wish.spec[key] != guest.spec.get(key)
        ]
        if not given and not guest.edited:
            return []
        spec = {**guest.spec, **{key: wish.spec[key] for key in given}}
        wanted = supervision.kept(guest.name, spec, wish.spec, wish.supervisor, systemd)
        keys = [key for key in supervision.LIVE if guest.spec.get(key) != wanted.get(key)]
    before: dict[str, Any] = {key: guest.spec.get(key) for key in keys}
    after: dict[str, Any] = {key: wanted.get(key) for key in keys}
    if guest.edited and not wish.exact:
        before["edited"], after["edited"] = list(guest.edited), []
    if not after:
        return []
    return [Change("update", KIND, guest.name, before, after, payload=wanted)]


def _up(now: Guests, guest: Guest, wish: Wish) -> list[Change]:
    spec = dict(wish.spec)
    if not wish.exact:
        whole = with_defaults({**guest.spec, **wish.spec}, wish.name)
        spec = supervision.kept(wish.name, whole, wish.spec, wish.supervisor, now.systemd)
    elif wish.kept_by == supervision.PROCESS:
        spec.pop("supervisor", None)  # a process that was to be a unit at its next start
    after = {"status": wish.state, **spec}
    check_waits(wish, spec)
    if guest.down:
        return [
            *_made(now, wish, spec),
            *_grow(now, wish, spec),
            *_seed(guest, spec, wish),
            Change("start", KIND, wish.name, _state(guest), after),
        ]
    grown = _grow(now, wish, spec)
    different = differences(guest, wish, now.systemd)
    if guest.status == UNRESPONSIVE and not wish.exact:
        raise Refused(unheard(guest))
    made = _made(now, wish, spec)
    # that it would be a unit now is no reason to end a guest, unless it was asked for
    asked = wish.exact or wish.supervisor != supervision.AUTO
    wanted = {**{key: spec.get(key) for key in different}, **wish.drift}
    sandbox = guest.spec if guest.kept_by == supervision.SYSTEMD else None
    goes_on = wish.state == "running" and guest.status not in _RUNS
    still = not goes_on and guest.status not in _RUNS and not wish.exact
    adjusted, steps = hotplug.taken_over(
        guest.real, {**guest.real, **wanted}, guest.seen, sandbox, still
    )
    # so in truth already: only the definition does not say it
    adjusted.update(
        {key: one["wanted"] for key, one in different.items() if one["now"] == one["wanted"]}
    )
    left = different.keys() - adjusted.keys()
    nothing_else = not left - (set() if asked else {"supervisor"})
    # where a guest may be restarted, it is not waited for
    alone = nothing_else and not hotplug.needs_the_guest(steps)
    if (
        wish.on_change == "hotplug"
        or (wish.exact and nothing_else)
        or (wish.on_change == "restart" and alone)
    ):
        different = {key: different[key] for key in left}
    else:
        adjusted = {}
    reasons = different.keys() - (set() if asked else {"supervisor"})
    lacks = guest.problems and guest.status != HELD  # what holds it still is over once it goes on
    if guest.status in (*_BROKEN, UNRESPONSIVE) or (
        (reasons or lacks) and (wish.exact or wish.on_change == "restart")
    ):
        before = {
            "status": guest.status,
            **{key: values["now"] for key, values in different.items()},
        }
        return [
            *made,
            *_seed(guest, spec, wish),
            Change("stop", KIND, wish.name, before, {"status": STOPPED}, INTERRUPTS),
            *grown,
            Change("start", KIND, wish.name, {"status": STOPPED}, after),
        ]
    changes = [*_adopted(guest, wish, now.systemd), *_settings(guest, wish, now.systemd)]
    resume = Change("resume", KIND, wish.name, {"status": guest.status}, {"status": "running"})
    if goes_on and adjusted and hotplug.needs_the_guest(steps):
        changes.append(
            resume
        )  # before its part of it; else after all, since it may be less open then
    if adjusted:
        before = {key: guest.real.get(key) for key in adjusted}
        options = {key: spec.get(key) for key in adjusted}
        changes += made if hotplug.plugged(steps, hotplug.PLUG_DISK) else []
        changes.append(Change("adjust", KIND, wish.name, before, options, payload=(options, steps)))
    if wish.on_change != "keep":
        changes += grown  # the last of what is done to it: a disk cannot be made smaller again
    if goes_on and resume not in changes:
        changes.append(resume)
    if wish.state == "paused" and guest.status in _RUNS:
        changes.append(
            Change(
                "pause", KIND, wish.name, {"status": guest.status}, {"status": "paused"}, INTERRUPTS
            )
        )
    return changes


def _adopted(guest: Guest, wish: Wish, systemd: bool) -> list[Change]:
    """The change that has systemd take over a plain process which runs, where it shall be a unit: nothing happens to the guest in it."""
    keeper = supervision.supervisor(wish.supervisor, systemd)
    if wish.exact or (guest.kept_by, keeper) != (supervision.PROCESS, supervision.SYSTEMD):
        return []
    before: dict[str, Any] = {"scope": guest.scope}
    after: dict[str, Any] = {"scope": supervision.scope_of(guest.name)}
    if None not in (guest.scope, wish.shutdown_timeout):
        before["shutdown_timeout"] = guest.scope_seconds
        after["shutdown_timeout"] = wish.shutdown_timeout
    return [] if before == after else [Change("adopt", KIND, guest.name, before, after)]


def _made(now: Guests, wish: Wish, spec: Mapping[str, Any]) -> list[Change]:
    """The changes that make the images which are missing."""
    return [
        Change("create", DISK, path, None, dict(image), payload=spec)
        for path, image in wish.images.items()
        if not now.disks.get(path)
    ]


def _seed(guest: Guest, spec: Mapping[str, Any], wish: Wish) -> list[Change]:
    """The change that makes the seed of this definition, where there is none. Raises Refused."""
    said = spec.get("cloud_init")
    if said is None or fingerprint(said) in guest.seeds:
        return []
    former = guest.spec.get("cloud_init")
    if wish.seed is None:
        raise Refused(
            f"{wish.name} is not started: the seed of its cloud_init is gone, and what was in it is kept nowhere else; give cloud_init again."
        )
    known = ignored(former, said)
    if known is not None:
        raise Refused(
            f"{wish.name} is given another cloud_init with the instance-id {known} that it had, by which the guest would pass over what is new; "
            "give it another instance-id in meta_data, or none."
        )
    return [
        Change(
            "create" if former is None else "update",
            SEED,
            wish.name,
            None if former is None else {"cloud_init": former},
            {"cloud_init": said},
            payload=(spec, wish.seed, [] if former is None else [fingerprint(former)]),
        )
    ]


def _back(guest: Guest, wish: Wish) -> list[Change]:
    """What a run that failed has put beside the disks goes again."""
    if guest.kept and wish.forget:
        return [Change("remove", FILES, wish.name, {"kept": True}, None)]
    more = sorted(guest.seeds - wish.seeds)
    return [Change("remove", FILES, wish.name, {"seeds": more}, None, payload=more)] if more else []


def _down(now: Guests, guest: Guest, wish: Wish) -> list[Change]:
    changes = []
    if guest.status not in (ABSENT, STOPPED):
        risk = SAFE if guest.status == CRASHED else INTERRUPTS
        changes.append(Change("stop", KIND, wish.name, _state(guest), {"status": STOPPED}, risk))
    if wish.state == ABSENT and (guest.status != ABSENT or (guest.kept and wish.forget)):
        changes.append(
            Change("delete", KIND, wish.name, {"status": STOPPED}, None, payload=wish.forget)
        )
    if wish.state == STOPPED and guest.status != ABSENT:
        changes += _grow(now, wish, {**guest.spec, **wish.spec})
    if wish.state == STOPPED and wish.exact and guest.status != ABSENT and guest.spec != wish.spec:
        changes.append(Change("update", KIND, wish.name, dict(guest.spec), dict(wish.spec)))
    elif wish.state == STOPPED and not wish.exact and guest.status != ABSENT:
        changes += _settings(guest, wish, now.systemd)
    return changes


def _state(guest: Guest) -> dict[str, Any]:
    return {
        "status": guest.status,
        **({} if guest.crash_reason is None else {"crash_reason": guest.crash_reason}),
    }


def wish_back(before: Guests, changes: Iterable[Change], begun: Iterable[str]) -> list[Wish]:
    """The wishes for the guests as they were, of those that were begun with; images made for them go again."""
    wishes = []
    made = [change for change in changes if (change.kind, change.action) == (DISK, "create")]
    for name in begun:
        guest = before.guests[name]
        if guest.status == CRASHED:
            state = STOPPED
        elif guest.down:
            state = guest.status
        else:
            state = "running" if guest.status in (*_RUNS, UNRESPONSIVE) else "paused"
        drop = tuple(one.name for one in made if one.after["guest"] == name)
        # no grace: what this run started has nothing to lose yet
        wishes.append(
            Wish(
                name,
                state,
                guest.spec,
                shutdown_timeout=0,
                drop=drop,
                exact=True,
                forget=not guest.kept,
                seeds=guest.seeds,
                kept_by=guest.kept_by,
                drift=differing(guest.seen, guest.spec),
            )
        )
    return wishes
