# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's TPM: swtpm, a process of its own and of a user of its own beside QEMU, with a state that outlives both. As a unit it is in unit_tpm.py."""

from __future__ import annotations

import pwd

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.companions import (
    TPM,
    Companion,
    socket_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import TPM_USER
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


def account() -> pwd.struct_passwd:
    """Whom TPMs run as. Raises Refused."""
    try:
        return processes.account(TPM_USER)
    except GuestError:
        raise Refused(
            f"There is no user '{TPM_USER}' on this host, whom the TPMs of guests run as; make it with ansible.builtin.user (system: true), "
            "as the role bridge_host does."
        ) from None


def companion(kept: Kept, public: str, user: pwd.struct_passwd) -> Companion:
    """What runs beside a guest of C(user) with a TPM, where that is a plain process; C(public) is the guest's own run directory.

    The state is made where it is missing, and the TPM's user's from here on. Raises Refused.
    """
    own = account()
    folder = kept.folder(_FOLDER, user, own)
    words = [program(), "socket", "--tpm2", "--tpmstate", f"dir={folder}"]
    # without --terminate it would wait for another QEMU after one that was killed
    words += ["--seccomp", "action=kill", "--terminate"]
    return Companion(TPM, words, socket_of(public, TPM), own)
