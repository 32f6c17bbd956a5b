# SPDX-License-Identifier: GPL-3.0-or-later
"""The UEFI firmware of the host, and the variable store that each guest has of its own."""

from __future__ import annotations

import glob
import json
import os
import pwd
from typing import Any, Callable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import rights_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import images, qcow2
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import (
    Firmware,
    check_store,
    choose,
    there,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import VARS, Kept

# Where packages, the administrator and nobody else describe firmware; the later ones win where names are alike
_FOLDERS = ("/usr/share/qemu/firmware", "/etc/qemu/firmware")
_DEADLINE = 60.0


def of(spec: Mapping[str, Any], name: str, folders: tuple[str, ...] = _FOLDERS) -> Firmware:
    """The firmware for a definition. Raises Refused where there is none."""
    return choose(there(_descriptions(folders), os.path.isfile), spec, name)


def _descriptions(folders: tuple[str, ...]) -> Iterator[Any]:
    paths = {
        os.path.basename(path): path
        for folder in folders
        for path in glob.glob(os.path.join(folder, "*.json"))
    }
    for name in sorted(paths):
        try:
            with open(paths[name], encoding="utf-8", errors="replace") as file:
                yield json.load(file)
        except (OSError, ValueError):
            continue


def check(
    spec: Mapping[str, Any], name: str, kept: Kept, folders: tuple[str, ...] = _FOLDERS
) -> None:
    """Raise where a guest cannot be given its firmware and its variables."""
    firmware = of(spec, name, folders)
    store = kept.known(VARS).get(_kind_of(spec))
    if store is None:
        images.program()
    else:
        _check_size(store, firmware, name)


def variables(
    spec: Mapping[str, Any],
    name: str,
    firmware: Firmware,
    kept: Kept,
    user: pwd.struct_passwd,
    run: Callable[..., programs.Done] = programs.run,
) -> str:
    """The guest's own store, made of the template where it has none. Raises Refused, GuestError.

    It is qcow2, since a writable raw disk would make every snapshot of the machine impossible. With and without Secure Boot are two
    stores: in the one, keys are enrolled.
    """
    kind = _kind_of(spec)
    found = kept.known(VARS)
    if kind in found:
        _check_size(found[kind], firmware, name)
        kept.give(found[kind], user)
        return found[kind]
    words = [images.program(), "convert", "-f", firmware.template_format, "-O", "qcow2"]
    with kept.new(VARS, kind, user, 0o600, *found) as path:
        done = run([*words, firmware.template, path], _DEADLINE, rights=rights_of(user))
        if done.status:
            complaint = " ".join(done.errors.split())[-300:]
            raise GuestError(
                f"The variable store {path} cannot be made of {firmware.template}: {complaint}."
            )
    return path


def _kind_of(spec: Mapping[str, Any]) -> str:
    return "secure" if spec.get("secure_boot") else "plain"


def _check_size(store: str, firmware: Firmware, name: str) -> None:
    if firmware.template_format == "raw":
        check_store(name, store, _size(store), firmware.code, os.path.getsize(firmware.template))


def _size(store: str) -> int:
    """The size that a guest sees of a qcow2 image; 0 where it is none any more."""
    try:
        with open(
            store, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW)
        ) as file:
            return qcow2.parse(file.read(qcow2.LONGEST)).size
    except (OSError, ValueError):
        return 0
