# SPDX-License-Identifier: GPL-3.0-or-later
"""The files at a target: root's alone, made and looked at by root, and never opened by what their own headers say.

QEMU writes them through a descriptor, and a guest that breaks out of it could write there what it likes: a header that names another
file, for whoever restores it as root. So each header is looked at when the backup is done, and its digest is in the manifest.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
from typing import Callable

from ansible_collections.hypervisor.network.plugins.module_utils._backup import checks
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import (
    Manifest,
    parsed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import places, programs
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import rights_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import qcow2, rundir
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import (
    checks as image_checks,
)

_MANIFEST = "manifest.json"
_SECONDS = 60.0
_LONGEST = 7 * 24 * 3600.0  # of a whole disk at a low rate
_CHUNK = 1024 * 1024


class Folder:
    """The folder of one guest's backups at a target."""

    def __init__(self, target: str, guest: str) -> None:
        self.target = target
        self.path = os.path.join(target, guest)

    def there(self) -> bool:
        """Whether the target is a directory."""
        return os.path.isdir(self.target)

    def make(self, name: str) -> None:
        """The folder, and one in it for a backup. Raises Refused where others could put anything there."""
        places.own_directory(self.path, 0o700)
        places.own_directory(os.path.join(self.path, name), 0o700)

    def load(self) -> Manifest:
        path = os.path.join(self.path, _MANIFEST)
        found = rundir.load(path)
        return Manifest() if found is None and not os.path.lexists(path) else parsed(path, found)

    def store(self, manifest: Manifest, guest: str) -> None:
        rundir.store(os.path.join(self.path, _MANIFEST), manifest.as_dict(guest))

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def missing(self, manifest: Manifest) -> frozenset[str]:
        """The files that the manifest names and that are not there, or are of another size."""
        return frozenset(
            one.file
            for backup in manifest.backups
            if backup.complete
            for one in backup.files.values()
            if _size(self.file(one.file)) != one.bytes
        )

    def remove(self, name: str) -> None:
        """Remove a backup's files."""
        path = self.file(name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)


def create(path: str, form: str, size: int, base: str | None, base_format: str | None) -> None:
    """Make an empty image for a disk, or one that reads from C(base), a path relative to its own, what is not written to it."""
    program = image_checks.program(programs.path_of("qemu-img"))
    below = [] if base is None else ["-u", "-b", base, "-F", base_format or "qcow2"]
    words = ["create", "-q", "-f", form, *below, path, str(size)]
    # qemu-img would make it for everybody to read
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))  # fmt: skip
    done = programs.run([program, *words], _SECONDS)
    image_checks.done([words[0], path], done.status, done.errors)


def handed(hand: Callable[[int, str], str], path: str, mode: int, name: str) -> str:
    """The path by which a QEMU opens a file of root's, which it gets by C(hand), a monitor's, under that name. Raises OSError, GuestError."""
    descriptor = os.open(path, mode | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return hand(descriptor, name)
    finally:
        os.close(descriptor)


def convert(source: Image, path: str, form: str, rate: int | None, user: pwd.struct_passwd) -> None:
    """Write all of a disk that no QEMU has open to a file made by C(create), as the guest's user, who is given it for so long and no way to it."""
    program = image_checks.program(programs.path_of("qemu-img"))
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(descriptor, user.pw_uid, -1)
        bound = [] if rate is None else ["-r", str(rate)]
        words = ["convert", "-n", *bound, "-f", source.format, "-O", form, source.path, f"/dev/fd/{descriptor}"]  # fmt: skip
        done = programs.run([program, *words], _LONGEST, rights=rights_of(user), descriptors=[descriptor])  # fmt: skip
        image_checks.done(["convert", source.path], done.status, done.errors)
    finally:
        os.fchown(descriptor, os.geteuid(), -1)
        os.close(descriptor)


def sealed(path: str, form: str, base: str | None, base_format: str | None) -> tuple[int, str]:
    """The size and the SHA-256 of a file that is whole, and on the disk for good. Raises GuestError where its header is not as it was made."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        os.fsync(descriptor)
        if form == "qcow2":
            checks.header(path, _header(file.read(qcow2.LONGEST)), base, base_format)
            file.seek(0)
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return os.fstat(descriptor).st_size, digest.hexdigest()


def _header(head: bytes) -> qcow2.Header | None:
    try:
        return qcow2.parse(head)
    except ValueError:
        return None


def _size(path: str) -> int | None:
    try:
        return os.lstat(path).st_size
    except OSError:
        return None
