# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest is given beside its disks when it starts: its firmware with the variables, its TPM, and the seed of cloud-init."""

from __future__ import annotations

import pwd
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    agent,
    machines,
    rundir,
    seed,
    tpm,
    uefi,
    unit_tpm,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import guest as guests
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import kept as keeping
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.companions import TPM
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Fittings
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import fingerprint
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervision import SYSTEMD


def check(name: str, spec: Mapping[str, Any], kept: keeping.Kept, program: str) -> None:
    """Raise where a start by this emulator would lack something, before anything is touched."""
    spec = {**spec, "machine": _machine(name, spec, kept, program)}
    if spec.get("firmware") == "uefi":
        uefi.check(spec, name, kept)
    if spec.get("tpm"):
        tpm.program()
        tpm.account()
    said = spec.get("cloud_init")
    if said is not None and fingerprint(said) not in kept.known(keeping.SEED):
        seed.check()


def ready(
    name: str,
    spec: Mapping[str, Any],
    kept: keeping.Kept,
    user: pwd.struct_passwd,
    directory: rundir.RunDirectory,
    program: str,
) -> Fittings:
    """Make what is missing of them, and hand all of it to C(user), but for its TPM. Raises Refused, GuestError."""
    public = directory.public
    paths, firmware = {}, None
    machine = _machine(name, spec, kept, program)
    machines.remember(program)
    kept.pin(spec["machine"], machine, user)
    spec = {**spec, "machine": machine}
    companions = []
    if spec.get("tpm") and spec.get("supervisor") == SYSTEMD:
        # that looks after its own state, which a guest that runs may still have
        paths[TPM] = unit_tpm.socket_of(directory.root, name)
    elif spec.get("tpm"):
        companions.append(tpm.companion(kept, public, user))
        paths[TPM] = companions[0].socket
    if spec.get("firmware") == "uefi":
        firmware = uefi.of(spec, name)
        paths["firmware"] = uefi.variables(spec, name, firmware, kept, user)
    if spec.get("agent"):
        paths["agent"] = agent.socket_of(public)
    if spec.get("console"):
        paths["console"] = guests.console_of(public)
    said = spec.get("cloud_init")
    if said is not None:
        found = kept.known(keeping.SEED).get(fingerprint(said))
        if found is None:
            raise Refused(
                f"{name} is not started: the seed of its cloud_init went away a moment ago; run the task again."
            )
        kept.give(found, user)
        paths["cloud_init"] = found
    return Fittings(paths, firmware, companions, machine)


def _machine(name: str, spec: Mapping[str, Any], kept: keeping.Kept, program: str) -> str:
    asked = spec["machine"]
    known = machines.known(program)
    return machines.version(name, asked, kept.pinned(asked), known, spec["emulator"])
