# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds for cloud-init, made by whichever program of Debian is there, with the rights of the guest's user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import tempfile
from typing import Callable, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import rights_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import SEED, Kept
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import Seed

_DEADLINE = 60.0
_LABEL = "CIDATA"
_PROGRAMS = ("xorriso", "genisoimage", "mkfs.vfat", "mcopy")
_SECTORS = (
    2048  # of a KiB: what mkfs.vfat makes a FAT12 of, and more than a seed of usual size needs
)
_ISO = ["-volid", _LABEL, "-joliet", "-rock", "-quiet"]
PathOf = Callable[[str], "str | None"]


def check(path_of: PathOf = programs.path_of) -> None:
    """Raise MissingDependency where no program is there that a seed can be made by."""
    words_for(_there(path_of), "", "", {})


def make(
    kept: Kept,
    what: str,
    seed: Seed,
    user: pwd.struct_passwd,
    *keep: str,
    path_of: PathOf = programs.path_of,
    run: Callable[..., programs.Done] = programs.run,
) -> str:
    """Make a seed that is known as C(what), and return its path; those that C(keep) names stay. Raises GuestError, MissingDependency."""
    with kept.new(SEED, what, user, 0o400, *keep) as path, _written(kept, seed, user) as folder:
        for words in words_for(_there(path_of), path, folder, seed.files):
            if words[0].endswith("mkfs.vfat"):
                os.truncate(path, _sectors(seed) * 1024)
            done = run(words, _DEADLINE, rights=rights_of(user))
            if done.status:
                complaint = " ".join(done.errors.split())[-300:]
                raise GuestError(f"The seed {path} cannot be made by {words[0]}: {complaint}.")
    return path


def _there(path_of: PathOf) -> dict[str, str]:
    found = {name: path_of(name) for name in _PROGRAMS}
    return {name: path for name, path in found.items() if path is not None}


def words_for(
    there: Mapping[str, str], image: str, folder: str, names: Iterable[str]
) -> list[Sequence[str]]:
    """The command lines that make an image of these files, by the programs that are C(there), with their paths. Raises MissingDependency."""
    if "xorriso" in there:
        return [[there["xorriso"], "-as", "genisofs", "-output", image, *_ISO, folder]]
    if "genisoimage" in there:
        return [[there["genisoimage"], "-output", image, *_ISO, folder]]
    if "mkfs.vfat" not in there or "mcopy" not in there:
        raise MissingDependency(
            "A seed for cloud_init needs a program that makes it, and none is there; install one with 'apt-get install xorriso'."
        )
    files = [os.path.join(folder, name) for name in names]
    return [
        [there["mkfs.vfat"], "-n", _LABEL, image],
        [there["mcopy"], "-i", image, *files, "::"],
    ]


def _sectors(seed: Seed) -> int:
    return (
        _SECTORS
        + 2 * sum(len(text.encode("utf-8", "replace")) for text in seed.files.values()) // 1024
    )


@contextlib.contextmanager
def _written(kept: Kept, seed: Seed, user: pwd.struct_passwd) -> Iterator[str]:
    """The files of the seed in a directory of root's that the user may read in: nobody can exchange them before they are in the image."""
    folder = tempfile.mkdtemp(prefix="seed-", dir=kept.path)
    try:
        for name, text in seed.files.items():
            path = os.path.join(folder, name)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "replace"))
                os.fchown(descriptor, user.pw_uid, user.pw_gid)
                os.fchmod(descriptor, 0o400)
        os.chown(folder, -1, user.pw_gid)
        os.chmod(folder, 0o750)
        yield folder
    finally:
        shutil.rmtree(folder)
