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
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervision import SYSTEMD

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


def devices(
    name: str, spec: Mapping[str, Any], user: pwd.struct_passwd, refusing: str, folder: str = "/dev"
) -> None:
    """Raise Refused where a device is missing or closed to it that a guest of this definition needs: QEMU 7.2 aborts then, and says little."""
    wanted = {
        "vhost": any(nic["vhost"] for nic in spec["nics"]),
        "vsock": spec.get("vsock") is not None,
    }
    for option, device in (("vhost", "vhost-net"), ("vsock", "vhost-vsock")):
        if not wanted[option]:
            continue
        path = os.path.join(folder, device)
        try:
            found = os.stat(path)
        except FileNotFoundError:
            raise Refused(
                f"{name} {refusing}: {option} needs {path}; load it with 'modprobe {device.replace('-', '_')}', or leave {option} out."
            ) from None
        if not processes.may_open(found, user) and not _in_unit(found, spec):
            raise Refused(
                f"{name} {refusing}: the user {user.pw_name} may not open {path}, which {option} needs; add it to the group of that, as with "
                f"'usermod -aG kvm {user.pw_name}', or leave {option} out."
            )


def _in_unit(found: os.stat_result, spec: Mapping[str, Any]) -> bool:
    """Whether a device is open to a unit, which gets the group kvm whoever its user is."""
    if spec.get("supervisor") != SYSTEMD or not has_kvm_group():
        return False
    return found.st_gid == grp.getgrnam("kvm").gr_gid and found.st_mode & 0o060 == 0o060


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
