# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose bridge its administrator made by hand, adopted: its variables, and what the role would do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.hypervisor.network.plugins.plugin_utils import _adopted

from .powered import PoweredLab

_LISTS = ("bridges", "taps", "guests")
_NOT_TRIED = {"_ansible_check_mode": True, "_ansible_diff": True}


@dataclass(frozen=True)
class Adopted:
    """C(text) is the file of variables that adopt writes, and C(told) what is in it. C(changes) are those of the role's steps, in check mode, and of the
    files that boot; C(managers) is what bridge_persist is told of each manager.
    """

    text: str
    told: dict[str, Any]
    changes: list[Any]
    managers: list[dict[str, Any]]


def adopted(host: PoweredLab) -> Adopted:
    info = host.run("bridge_info")
    assert not info.get("failed"), info["msg"]
    told = info["as_variables"]
    plan = host.run("host_plan", **{name: told[f"bridge_host_{name}"] for name in _LISTS})
    assert not plan.get("failed"), plan["msg"]
    assert plan["whole"] and not plan["missing"], plan["missing"]
    changes = list(plan["changes"])
    for one in plan["managers"]["present"]:
        predicted = host.run("bridge_persist", **one, **_NOT_TRIED)
        assert not predicted.get("failed"), predicted["msg"]
        changes += predicted["diff"] if predicted["changed"] else []
    return Adopted(_adopted.written(told), told, changes, plan["managers"]["present"])


def persisted(host: PoweredLab, found: Adopted) -> list[str]:
    """Have the manager boot what runs: the paths of what was written."""
    written = []
    for one in found.managers:
        done = host.run("bridge_persist", **one)
        assert not done.get("failed"), done["msg"]
        written += [change["name"] for change in done["changes"]]
    return written
