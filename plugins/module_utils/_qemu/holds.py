# SPDX-License-Identifier: GPL-3.0-or-later
"""Which taps a guest's process holds, by the names that they have by now: QEMU knows each by that which it opened it by. Source: proc(5), fdinfo."""

from __future__ import annotations

from typing import Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs


def taps(pid: int, proc: str = procfs.PROC) -> frozenset[str] | None:
    """Their names, without those that were deleted; None where the process is gone, or is not ours to see."""
    process, found = procfs.Process(pid, proc), set()
    files = process.open_files()
    for number in files:
        for line in procfs.text(process.read(f"fdinfo/{number}")).splitlines():
            key, _colon, value = line.partition(":")
            if key == "iff":
                found.add(value.strip())
    return frozenset(found - {""}) if files else None


def astray(wanted: Iterable[str], held: frozenset[str]) -> list[str]:
    """What is wrong with the taps C(wanted) of a guest that holds others than these, in sentences."""
    wanted = list(wanted)
    others = ", ".join(sorted(held.difference(wanted)))
    found = []
    for tap in wanted:
        if tap not in held and others:
            found.append(
                f"its tap {tap} is not called so any more, and it holds {others}; rename that back, or name it in nics"
            )
        elif tap not in held:
            found.append(
                f"its tap {tap} was deleted while it runs, so that card has no network; make it again with tap_device, then restart the guest"
            )
    return found
