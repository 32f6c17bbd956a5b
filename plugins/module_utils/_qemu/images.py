# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk images that are made where they are missing, by qemu-img as the guest's user."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import rights_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import paths, qcow2
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image

_CREATE_DEADLINE = 300.0


def exists(path: str) -> bool:
    """Whether there is something at this path, be it a broken link."""
    return os.path.lexists(path)


def program() -> str:
    """Where qemu-img is. Raises MissingDependency."""
    found = programs.path_of("qemu-img")
    if found is None:
        raise MissingDependency(
            "The program qemu-img is missing; install it with 'apt-get install qemu-utils'."
        )
    return found


def create(recipe: Mapping[str, Any], look: paths.Look, user: pwd.struct_passwd) -> None:
    """Make an image. C(recipe): path, format, size in bytes or None, backing_file and backing_format or None.

    The file itself is made here, since the directory may be root's alone; what is in it is written by qemu-img with the rights
    of C(user): were the file exchanged meanwhile, no other user's could be hit. Raises GuestError with what qemu-img says, Refused.
    """
    path = look.new(recipe["path"])
    words = [program(), "create", "-q", "-f", recipe["format"]]
    if recipe["backing_file"] is not None:
        base = look.base(recipe["backing_file"], recipe.get("backing_format"))
        words += ["-b", base.path, "-F", base.format]
    words.append(path)
    if recipe["size"] is not None:
        words.append(str(recipe["size"]))
    descriptor = _made(path)
    try:
        os.fchown(descriptor, user.pw_uid, user.pw_gid)
        done = programs.run(words, _CREATE_DEADLINE, rights=rights_of(user))
        if done.status:
            said = " ".join(done.errors.split()).rstrip(".") or "it gave no reason"
            raise GuestError(f"qemu-img cannot make {path}: {said}.")
        if not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            raise Refused(f"{path} was exchanged while it was made; look who did that.")
        paths.mark(descriptor, recipe["format"])
    except BaseException:
        remove(path)
        raise
    finally:
        os.close(descriptor)


def size(image: Image) -> int:
    """What a guest sees of an image, in bytes."""
    if image.format == "raw":
        return os.lstat(image.path).st_size
    with open(
        image.path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)
    ) as file:
        return qcow2.parse(file.read(qcow2.LONGEST)).size


def grow(image: Image, wanted: int, user: pwd.struct_passwd) -> None:
    """Make an image larger, by qemu-img with the rights of C(user). Raises GuestError."""
    words = [program(), "resize", "-q", "-f", image.format, image.path, str(wanted)]
    done = programs.run(words, _CREATE_DEADLINE, rights=rights_of(user))
    if done.status:
        said = " ".join(done.errors.split()).rstrip(".") or "it gave no reason"
        raise GuestError(f"qemu-img cannot grow {image.path}: {said}; nothing is lost.")


def _made(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def remove(path: str) -> None:
    """Remove an image that this run made."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
