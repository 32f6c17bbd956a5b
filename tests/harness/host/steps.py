# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the role's steps in their order, run in one process: what a run does, without a controller."""

from __future__ import annotations

from typing import Any

from ..process.modules import Modules

LISTS = {
    "guests": "qemu_guest",
    "taps": "tap_device",
    "bridges": "linux_bridge",
    "ports": "bridge_port",
}
LEAVING = ("guests", "uplinks", "stanzas", "taps", "bridges")
COMING = ("bridges", "uplinks", "stanzas", "taps", "ports", "guests")


def look(modules: Modules, job: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What host_plan says to the role's variables; nobody guards, since nobody is there to confirm."""
    lists = {key.replace("bridge_host_", ""): value for key, value in job.items()}
    return modules.run("host_plan", guard_timeout=0, **lists, **more)


def carry_out(modules: Modules, plan: dict[str, Any], persist: bool = True) -> list[dict[str, Any]]:
    """Run every step of the role's plan, and return all changes in the order in which they were made."""
    changes: list[dict[str, Any]] = []
    for state, order in (("absent", LEAVING), ("present", COMING)):
        for name in order:
            if name == "stanzas" and not persist:
                continue
            changes += _step(modules, name, state, plan[state].get(name) or [])
    return changes


def _step(modules: Modules, name: str, state: str, items: list[Any]) -> list[dict[str, Any]]:
    if not items:
        return []
    if name == "uplinks":
        return [
            change
            for item in items
            for change in modules.done("bridge_uplink", **{**item, "guard_timeout": 0})["changes"]
        ]
    if name == "stanzas":
        names = list(dict.fromkeys(one["name"] for one in items))
        return [
            *modules.done("interfaces_stanza", stanzas=items, backup=True)["changes"],
            *modules.done(
                "ifupdown_state", interfaces=names, state="up" if state == "present" else "down"
            )["changes"],
        ]
    own = {"guard_mode": "never"} if name in ("bridges", "taps", "ports") else {}
    return modules.done(LISTS[name], **{name: items}, **own)["changes"]


def disagreements(foreseen: list[dict[str, Any]], done: list[dict[str, Any]]) -> list[str]:
    """Where a plan and what came of it differ. A MAC that the kernel chooses is foreseen as null, and what hangs on it may be judged worse.

    Whom a host has heard of comes and goes between the two, and is left out.
    """
    worse = {"safe": 0, "interrupts": 1, "may_cut_ssh": 2}
    foreseen, done = (
        [one for one in changes if one["kind"] != "neighbour"] for changes in (foreseen, done)
    )
    found = []
    for number in range(max(len(foreseen), len(done))):
        was = foreseen[number] if number < len(foreseen) else {}
        is_ = done[number] if number < len(done) else {}
        was = {key: value for key, value in was.items() if key != "step"}
        wanted = dict(was)
        for side in ("before", "after"):
            if was.get(side) and is_.get(side) and was[side].get("mac", "") is None:
                wanted[side] = {**was[side], "mac": is_[side].get("mac")}
        if is_ and was and worse[was["risk"]] > worse[is_["risk"]] and was["kind"] == "port":
            wanted["risk"] = is_["risk"]
        if wanted != is_:
            found.append(f"{number}: foreseen {was}, done {is_}")
    return found
