# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's TPM: swtpm, a process of its own beside QEMU, with a state that outlives both."""

from __future__ import annotations

import pwd

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.companions import (
    TPM,
    Companion,
    socket_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import Kept

_FOLDER = "tpm"


def program() -> str:
    """Where swtpm is. Raises MissingDependency."""
    found = programs.path_of("swtpm")
    if found is None:
        raise MissingDependency(
            "A guest with a TPM needs the program swtpm, which is missing; install it with 'apt-get install swtpm'."
        )
    return found


def companion(kept: Kept, public: str, user: pwd.struct_passwd) -> Companion:
    """What runs beside a guest with a TPM; C(public) is the guest's own run directory. The state is made where it is missing."""
    folder = kept.folder(_FOLDER, user)
    words = [program(), "socket", "--tpm2", "--tpmstate", f"dir={folder}"]
    # without --terminate it would wait for another QEMU after one that was killed
    words += ["--seccomp", "action=kill", "--terminate"]
    return Companion(TPM, words, socket_of(public, TPM), folder)
