# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What of a changed definition a running guest can take over, as steps for its monitor; the rest waits for its next start.

A link that is down can be seen nowhere from outside, neither at the tap nor by QMP. So the definition is the record of it, and every start
sets it again.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

# A command of QMP with its arguments
Step = tuple[str, Mapping[str, Any]]


def taken_over(
    now: Mapping[str, Any], wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Step]]:
    """The options of C(wanted) that a guest of the definition C(now) can take over whole, with their values, and the steps for it."""
    before, after = now.get("nics") or [], wanted.get("nics") or []
    if before == after or [_without_link(nic) for nic in before] != [
        _without_link(nic) for nic in after
    ]:
        return {}, []
    steps = [
        _link(number, nic)
        for number, nic in enumerate(after)
        if _is_up(nic) != _is_up(before[number])
    ]
    return {"nics": list(after)}, steps


def at_start(spec: Mapping[str, Any]) -> Sequence[Step]:
    """What has to be set before the first instruction of a guest, since no command line says it."""
    return [
        _link(number, nic) for number, nic in enumerate(spec.get("nics") or ()) if not _is_up(nic)
    ]


def _link(number: int, nic: Mapping[str, Any]) -> Step:
    return "set_link", {"name": f"nic{number}", "up": _is_up(nic)}


def _is_up(nic: Mapping[str, Any]) -> bool:
    return nic.get("link") != "down"


def _without_link(nic: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in nic.items() if key != "link"}
