# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A guest as the host has it: its name, its states, what a definition says where nobody has, and how it is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Holder, Link
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import Seen, differing
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Forwarding

# The collection's own: a system user that owns nothing but guests, made by the role's packages step
USER = "hypervisor-guest"
# Whom their TPMs run as, so that a guest which breaks out of QEMU cannot touch what its TPM knows
TPM_USER = "hypervisor-tpm"
DEFAULTS: dict[str, Any] = {
    "user": USER,
    "emulator": "qemu-system-x86_64",
    "accel": "auto",
    "cpus": 1,
    "memory": 512,
    "disks": [],
    "nics": [],
}
ABSENT, STOPPED, CRASHED, UNRESPONSIVE = "absent", "stopped", "crashed", "unresponsive"
HELD = "io-error"  # QMP's word for a guest whose disk failed, which is held still until somebody lets it go on
DOWN = (ABSENT, STOPPED, CRASHED)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def console_of(public: str) -> str:
    """The socket of a guest's serial line in its own run directory C(public)."""
    return f"{public}/console.sock"


def guest_name(value: str) -> str:
    """A guest's name: it becomes a directory, a QEMU option and part of a unit's name. Raises BadInput."""
    if not _NAME.fullmatch(value):
        raise BadInput(
            f"name {value!r} is not a usable guest name; begin with a-z, then up to 30 of a-z, 0-9 and '-'."
        )
    return value


@dataclass(frozen=True)
class Guest:
    """A guest as the host has it.

    C(status) is absent, stopped, crashed, unresponsive or QMP's own word (running, paused, prelaunch ...). C(spec) is the
    definition it was last started with, C(since) seconds since the epoch, C(accel_reason) why that accelerator, C(machine) the versioned name
    of its machine, C(crash_reason) what is known of why it crashed. C(kept) tells whether it has files that outlive it, C(seeds) by fingerprint
    which of them are seeds. C(problems) are sentences on what a running guest lacks, and how that is cured.
    C(kept_by) is the supervisor of the process that runs, None where none does, C(unit) what systemd calls it,
    C(unit_state) systemd's words for that, and C(edited) are files of it that somebody changed. C(scope) is what systemd took its plain process over as,
    which gives it C(scope_seconds) to shut down.
    C(seen) is what QEMU says that it has, None where it does not run or does not say it.
    """

    name: str
    status: str = ABSENT
    spec: Mapping[str, Any] = field(default_factory=dict)
    pid: int | None = None
    # computed from two clocks, never twice the same
    since: float | None = field(default=None, compare=False)
    accel: str | None = None
    accel_reason: str | None = None
    machine: str | None = None
    crash_reason: str | None = field(default=None, compare=False)  # the kernel's log forgets
    kept: bool = False
    seeds: frozenset[str] = frozenset()
    kept_by: str | None = None
    unit: str | None = None
    unit_state: str | None = field(default=None, compare=False)
    edited: tuple[str, ...] = ()
    scope: str | None = None
    scope_seconds: float | None = None
    problems: tuple[str, ...] = field(default=(), compare=False)
    seen: Seen | None = field(default=None, compare=False)  # a balloon moves by itself

    def is_not(self, holder: Holder | None) -> bool:
        """Whether another has its tap open; a holder that can't be seen may be the guest."""
        return holder is not None and holder.pid != self.pid

    @property
    def real(self) -> dict[str, Any]:
        """The definition, and what of it is otherwise in truth as that."""
        return {**self.spec, **differing(self.seen, self.spec)}

    @property
    def down(self) -> bool:
        return self.status in DOWN


def unheard(guest: Guest) -> str:
    """Why nothing is done with one whose monitor does not answer."""
    if not guest.spec:
        return (
            f"{guest.name} runs as process {guest.pid} and its definition is gone, so nobody knows what it has; end it with state: stopped, "
            "and run the task again."
        )
    return (
        f"{guest.name} runs as process {guest.pid} and does not answer its monitor; look why (kill -CONT if it was stopped), "
        "or end it with state: stopped, which kills what does not answer."
    )


def describe(guest: Guest) -> dict[str, Any]:
    """The guest as a module returns it: what is known of the process, then its definition."""
    return {
        "name": guest.name,
        "status": guest.status,
        "crash_reason": guest.crash_reason,
        "problems": list(guest.problems),
        "pid": guest.pid,
        "unit": guest.unit,
        "accel_used": guest.accel,
        "accel_reason": guest.accel_reason,
        "machine_used": guest.machine,
        **guest.spec,
    }


def describe_with_wires(
    guest: Guest, links: Mapping[str, Link], fdb: Sequence[Forwarding], clock: float
) -> dict[str, Any]:
    """The guest, and of each of its NICs what the bridge knows; C(clock) is now in seconds since the epoch."""
    nics = []
    for nic in guest.spec.get("nics", ()):
        link = links.get(nic["tap"])
        entry = next(
            (
                one
                for one in fdb
                if one.mac == nic["mac"] and one.port == nic["tap"] and not one.local
            ),
            None,
        )
        bridge = link.master if link is not None and link.port is not None else None
        nics.append(
            {
                **nic,
                "bridge": bridge,
                "learned": entry is not None,
                "age": None if entry is None else entry.age,
            }
        )
    uptime = None if guest.since is None else round(max(0.0, clock - guest.since), 2)
    return {
        **describe(guest),
        "uptime": uptime,
        "nics": nics,
        "disks": list(guest.spec.get("disks", ())),
    }
