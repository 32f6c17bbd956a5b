# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest needs of the host to be started: its user, QEMU's program, a look at its files, and the groups of its devices."""

from __future__ import annotations

import grp
import os
import pwd
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import chains, paths
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import USER
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import check_user

_PACKAGES = {"x86_64": "qemu-system-x86", "i386": "qemu-system-x86"}


def account(spec: Mapping[str, Any]) -> pwd.struct_passwd:
    """Whom a guest of this definition is to run as. Raises GuestError, and Refused where that is the collection's own user."""
    name = spec.get("user") or USER
    try:
        return processes.account(name)
    except GuestError:
        if name != USER:
            raise
        raise Refused(
            f"There is no user '{USER}' on this host, whom guests run as; make it with ansible.builtin.user (system: true), as the role bridge_host does, "
            "or name another in 'user'."
        ) from None


def user_of(name: str, spec: Mapping[str, Any]) -> pwd.struct_passwd:
    """Whom a guest runs as. Raises Refused where that is root and nobody asked for it."""
    user = account(spec)
    check_user(name, user.pw_uid, user.pw_name, spec.get("allow_root"))
    return user


def has_kvm_group() -> bool:
    """Whether there is the group that udev gives /dev/kvm and /dev/vhost-net to."""
    try:
        grp.getgrnam("kvm")
    except KeyError:
        return False
    return True


def look(
    name: str,
    spec: Mapping[str, Any],
    user: pwd.struct_passwd,
    refusing: str = "is not started",
) -> paths.Look:
    """A look at the files of a guest; C(refusing) says for a sentence what is not done."""
    return paths.Look(name, user, spec.get("allowed_roots"), chains.tops(name), refusing)


def program(emulator: str) -> str:
    """The path of an emulator. Raises MissingDependency."""
    found = programs.path_of(emulator)
    if found is None:
        package = _PACKAGES.get(emulator.rpartition("-")[2], "qemu-system")
        raise MissingDependency(
            f"The emulator {emulator} is missing; install it, such as with 'apt-get install {package}'."
        )
    return os.path.abspath(found)
