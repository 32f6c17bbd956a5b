# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a manager reads at boot depends on each option of a device: one that nobody thought of is neither written nor refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import Attribute

# What comes and goes by itself, with the carrier and with the spanning tree
PASSING = ["port_state"]


def values(attribute: Attribute) -> list[Any]:
    """Two that it can have, and so one at least that is not the kernel's own."""
    if attribute.words:
        return list(attribute.words)[:2]
    if attribute.wire == "mac":
        return [f"{attribute.prefix}{digit}" for digit in "45"]
    if attribute.wire == "dev":
        return ["", "tap9"]
    if attribute.type == "bool":
        return [False, True]
    kind = float if attribute.type == "float" else int
    return [kind(attribute.low), kind(attribute.high)]


def lost(table: Iterable[Attribute], written: Callable[[dict[str, Any]], Any]) -> list[str]:
    """The options of a table that make no difference to what is C(written), or refused."""

    def outcome(said: dict[str, Any]) -> str:
        try:
            return str(written(said))
        except Refused as error:
            return f"refused: {error}"

    return [
        one.option
        for one in table
        if len({outcome({one.option: value}) for value in values(one)}) == 1
    ]
