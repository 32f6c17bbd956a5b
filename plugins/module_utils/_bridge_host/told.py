# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A host's plan for people: what would be done in which order, how risky each change is, and who would be cut off."""

from __future__ import annotations

from typing import Any, Collection, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.foresight import (
    UNKNOWN_MAC,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.steps import Step
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    MAY_CUT_SSH,
    Change,
    diff_of,
    listed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot

_MOST_CHARACTERS = 60  # of a value
_MOST_DEVICES = 6
_HIDDEN = ("sha256",)
_WORDS = {MAY_CUT_SSH: "may cut off", INTERRUPTS: "interrupts", "safe": "safe"}


def of_steps(steps: Sequence[Step], now: Snapshot, guard_timeout: float) -> dict[str, Any]:
    """C(steps) (those with changes), their lists by state in C(todo), C(changes), and C(lines) of plain text; C(now) is the host as it is."""
    busy = [one for one in steps if one.changes]
    return {
        "steps": [
            {
                "step": one.step,
                "list": one.list,
                "state": one.state,
                "changes": len(one.changes),
                "risk": one.risk,
            }
            for one in busy
        ],
        "todo": {
            state: [one.list for one in busy if one.state == state]
            for state in ("absent", "present")
        },
        "changes": [change for one in busy for change in shown(one)],
        "lines": _lines(busy, now, guard_timeout),
    }


def shown(step: Step) -> list[dict[str, Any]]:
    """The changes of a step, each with its C(step)."""
    return [{"step": step.step, **_shown(change)} for change in step.changes]


def of_some(found: Mapping[str, Any], only: Collection[str]) -> dict[str, Any]:
    """Of what C(of_steps) gave, that of some steps, and their changes as Ansible's C(diff)."""
    changes = [one for one in found["changes"] if one["step"] in only]
    plain = [Change(**{key: one[key] for key in one if key != "step"}) for one in changes]
    return {
        "steps": [one for one in found["steps"] if one["step"] in only],
        "changes": changes,
        "diff": diff_of(plain),
    }


def _shown(change: Change) -> dict[str, Any]:
    """A change as its module returns it; what nobody can know yet is null."""
    shown = change.as_dict()
    for side in ("before", "after"):
        values = shown[side]
        if values is not None and values.get("mac") == UNKNOWN_MAC:
            shown[side] = {**values, "mac": None}
    return shown


def _lines(steps: Sequence[Step], now: Snapshot, guard_timeout: float) -> list[str]:
    if not steps:
        return ["Nothing is to do: the host is as the variables say."]
    number, rows = 0, []
    for step in steps:
        for change in step.changes:
            number += 1
            rows.append(
                (f"{number}.", step.step, str(change), _WORDS[change.risk], _values(change))
            )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]).rstrip()
        for row in rows
    ]
    return [*lines, *_sentences(steps, now, guard_timeout)]


def _sentences(steps: Sequence[Step], now: Snapshot, guard_timeout: float) -> list[str]:
    cutting = [one for step in steps for one in step.changes if one.risk == MAY_CUT_SSH]
    muting = [one for step in steps for one in step.changes if one.risk == INTERRUPTS]
    found = []
    if cutting:
        devices = dict.fromkeys(_device_of(one) for one in cutting if one.kind != "route")
        by = [_reached(dev, now) for dev in devices if dev in now.links]
        who = f"whoever reaches this host by {listed(by, _MOST_DEVICES)}" if by else "whoever reaches this host"  # fmt: skip
        guarded = (
            f"guarded: a new connection confirms it within {guard_timeout:g} s, or the host goes back by itself"
            if guard_timeout
            else "and nothing guards it, since bridge_host_guard_timeout is 0"
        )
        found.append(f"Would cut off {who} for as long as it takes, {guarded}.")
    if muting:
        names = list(dict.fromkeys(_device_of(one) for one in muting))
        found.append(f"Would interrupt what runs over {listed(names, _MOST_DEVICES)}.")
    return found


def _device_of(change: Change) -> str:
    """The device that a change is about; of an address, a route or a sysctl the one that it is on."""
    for side in (change.before, change.after):
        dev = (side or {}).get("dev")
        if isinstance(dev, str):
            return dev
    if change.kind == "sysctl":
        return change.name.split("/")[-2]
    return change.name


def _reached(dev: str, now: Snapshot) -> str:
    own = [one.text.partition("/")[0] for one in now.addresses_of(dev)]
    return f"{dev} ({listed(own, 4)})" if own else dev


def _values(change: Change) -> str:
    before, after = change.before or {}, change.after or {}
    keys = [key for key in (after or before) if key not in _HIDDEN]
    return ", ".join(f"{key} {_value(key, before, after)}" for key in keys)


def _value(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    was, will = (_word(one.get(key)) for one in (before, after))
    if key not in before:
        return will
    return was if key not in after else f"{was} -> {will}"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    if isinstance(value, Mapping):
        text = " ".join(f"{key}={_word(one)}" for key, one in value.items())
    elif isinstance(value, (list, tuple)):
        text = "[" + " ".join(_word(one) for one in value) + "]"
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    text = "".join(one if one.isprintable() else "?" for one in text)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."
