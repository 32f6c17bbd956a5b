# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What keeps a guest running: the options of its supervisor, their checks, and what they come to on this host.

Under systemd a guest is a unit, which is there again after a boot and has limits; a plain process is none of that. What is said here
is taken over at once, also by a guest that runs.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)

AUTO, SYSTEMD, PROCESS = "auto", "systemd", "process"
SPEC: dict[str, dict[str, Any]] = {
    "supervisor": {"type": "str", "choices": [AUTO, SYSTEMD, PROCESS], "default": AUTO},
    "autostart": {"type": "bool"},
    "start_order": {"type": "int"},
    "start_delay": {"type": "int"},
    "memory_max": {"type": "str"},
    "cpu_quota": {"type": "int"},
    "cpu_weight": {"type": "int"},
    "cpu_affinity": {"type": "list", "elements": "str"},
}
NEEDS_UNIT = tuple(option for option in SPEC if option != "supervisor")
# What a running unit takes over without a restart
LIVE = (*NEEDS_UNIT, "shutdown_timeout")
SHUTDOWN_TIMEOUT = 60.0
LAST_ORDER = 99  # each place in the order is a target, and a guest names all before its own
_LONGEST_DELAY = 3600
_CPUS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


def _within(least: int, most: int, what: str = "") -> Callable[[int, str], int]:
    def check(value: int, option: str) -> int:
        if not least <= value <= most:
            raise BadInput(
                f"{option} {value} is outside {least} to {most}{what}; give a number within."
            )
        return value

    return check


def _cpus(values: list[str], option: str) -> list[str]:
    """Processors as AllowedCPUs= takes them: numbers and ranges."""
    for value in values:
        found = _CPUS.fullmatch(value)
        if found is None or int(found.group(2) or found.group(1)) < int(found.group(1)):
            raise BadInput(
                f"{option} {value!r} is no processor and no range of them; write numbers such as 2, or 4-7."
            )
    if not values:
        raise BadInput(f"{option} names no processor; name those that the guest may run on.")
    return values


def checks(memory: Callable[[str, str], int]) -> dict[str, Callable[[Any, str], Any]]:
    """The check of each option; C(memory) is the one of sizes of memory, in MiB."""
    return {
        "autostart": lambda value, option: value,
        "start_order": _within(1, LAST_ORDER),
        "start_delay": _within(0, _LONGEST_DELAY, " seconds"),
        "memory_max": memory,
        "cpu_quota": _within(1, 100_000, " per cent of one processor"),
        "cpu_weight": _within(1, 10_000),
        "cpu_affinity": _cpus,
    }


def supervisor(asked: str, systemd: bool) -> str:
    """Which one C(asked) is, on a host where systemd runs and answers, or not."""
    if asked == AUTO:
        return SYSTEMD if systemd else PROCESS
    return asked


def kept(
    name: str, spec: Mapping[str, Any], given: Mapping[str, Any], asked: str, systemd: bool
) -> dict[str, Any]:
    """The definition C(spec) with its supervisor, and without what that has no use for.

    C(given) is what this run says of it. A new guest that is a unit begins with the host, unless its network namespace ends with that. Raises
    Refused where what was given cannot be had.
    """
    if supervisor(asked, systemd) == SYSTEMD:
        if not systemd:
            raise Refused(
                f"{name}: supervisor systemd cannot be had, since systemd does not run on this host, or does not answer; say process, or auto."
            )
        if spec.get("memory_max") is not None and spec["memory_max"] < spec["memory"]:
            raise Refused(
                f"{name}: memory_max {spec['memory_max']} MiB is less than its memory of {spec['memory']} MiB, so the kernel would end it; give it more."
            )
        return {"autostart": spec.get("netns") is None, **spec, "supervisor": SYSTEMD}
    for option in NEEDS_UNIT:
        if given.get(option) not in (None, False):
            why = (
                "supervisor process is asked for; leave one of the two out"
                if systemd
                else "systemd does not run on this host, or does not answer; leave it out"
            )
            raise Refused(f"{name}: {option} needs a unit of systemd, and {why}.")
    return {key: value for key, value in spec.items() if key not in ("supervisor", *LIVE)}


def scope_of(name: str) -> str:
    """The scope that systemd takes a guest over as which is a plain process (adoption.py)."""
    return f"hypervisor-network-guest-{name}.scope"


def stop_seconds(spec: Mapping[str, Any]) -> float:
    """How long a guest of this definition may take to shut down by itself."""
    return float(spec.get("shutdown_timeout", SHUTDOWN_TIMEOUT))
