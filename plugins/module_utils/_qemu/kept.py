# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest has that must outlive its process and the host's boot: its seed, the variables of its firmware, the state of its TPM.

::

    /var/lib/hypervisor-network/guests/    root, 0711
    └── vm1/                               root, 0710, of the group of the guest's user: it comes through, and cannot make or rename anything
        ├── files.json                     root, 0600: which file is what
        ├── seed-1a2b3c4d.img              the guest's user, 0400
        ├── vars-5e6f7a8b.qcow2            the guest's user, 0600
        └── tpm/                           hypervisor-tpm, 0700, who is let through to it by 0711 above

The names are drawn by lot: on QEMU's command line, which everybody can read, they tell nothing of what is in them.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import stat
from typing import Callable, Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import places
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir

ROOT = f"{places.KEPT}/guests"
SEED, VARS = "seed", "vars"
_INDEX = "files.json"


class Kept:
    """The directory of one guest. Who only reads makes nothing."""

    def __init__(self, name: str, root: str = ROOT) -> None:
        self._root = root
        self.path = os.path.join(root, name)

    @property
    def exists(self) -> bool:
        return os.path.isdir(self.path)

    def known(self, kind: str) -> dict[str, str]:
        """The files of a kind that are there: C({what it is: path})."""
        index = rundir.load(os.path.join(self.path, _INDEX)) or {}
        found = {what: os.path.join(self.path, name) for what, name in index.get(kind, {}).items()}
        return {what: path for what, path in found.items() if os.path.lexists(path)}

    def pinned(self, word: str) -> str | None:
        """What a word for a machine meant at the first start, None before it."""
        index = rundir.load(os.path.join(self.path, _INDEX)) or {}
        return index.get("machine", {}).get(word)

    def pin(self, word: str, meaning: str, user: pwd.struct_passwd) -> None:
        """Remember what a word for a machine means to this guest."""
        if self.pinned(word) != meaning:
            self.make(user)
            path = os.path.join(self.path, _INDEX)
            index = rundir.load(path) or {}
            rundir.store(path, {**index, "machine": {**index.get("machine", {}), word: meaning}})

    def make(self, user: pwd.struct_passwd) -> None:
        """Make the directory, and let C(user) through it. Raises Refused."""
        places.own_directory(os.path.dirname(self._root), places.RUN_MODE)
        places.own_directory(self._root, places.RUN_MODE)
        places.own_directory(self.path, 0o710)
        os.chown(self.path, -1, user.pw_gid, follow_symlinks=False)

    @contextlib.contextmanager
    def new(
        self, kind: str, what: str, user: pwd.struct_passwd, mode: int, *keep: str
    ) -> Iterator[str]:
        """Make a file in the block, at the path that this gives: empty, of C(user), to be written by a program with the rights of that user.

        It counts once the block is left without an error. Others of the C(kind) go then, but those that C(keep) names.
        Raises Refused where somebody exchanged the file.
        """
        self.make(user)
        path = os.path.join(self.path, f"{kind}-{secrets.token_hex(4)}.img")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.fchown(descriptor, user.pw_uid, user.pw_gid)
            yield path
            if not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                raise Refused(f"{path} was exchanged while it was made; look who did that.")
            os.fchmod(descriptor, mode)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            raise
        finally:
            os.close(descriptor)
        before = self.known(kind)
        stay = {one: before[one] for one in keep if one in before and one != what}
        self._note(kind, {**stay, what: path})
        for left in set(before.values()) - {path, *stay.values()}:
            os.unlink(left)

    def forget(self, kind: str, what: str) -> None:
        """Remove a file, if it is there."""
        files = self.known(kind)
        path = files.pop(what, None)
        if path is not None:
            self._note(kind, files)
            os.unlink(path)

    def folder(self, name: str, user: pwd.struct_passwd, owner: pwd.struct_passwd) -> str:
        """A directory in it of C(owner), who is another than the guest's C(user), 0700, with all in it the owner's, too; made where it is missing."""
        self.make(user)
        os.chmod(self.path, 0o711)  # what is in it opens to its owners only
        path = os.path.join(self.path, name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        for directory, _folders, names in os.walk(path):
            _give(directory, owner, stat.S_ISDIR)
            for one in names:
                _give(os.path.join(directory, one), owner, stat.S_ISREG)
        return path

    def give(self, path: str, user: pwd.struct_passwd) -> None:
        """Make a file of the directory, and the way to it, the user's: a guest may get another user between two starts."""
        self.make(user)
        _give(path, user, stat.S_ISREG)

    def remove(self) -> None:
        """Remove everything of the guest here."""
        if self.exists:
            shutil.rmtree(self.path)

    def _note(self, kind: str, files: dict[str, str]) -> None:
        path = os.path.join(self.path, _INDEX)
        index = rundir.load(path) or {}
        index[kind] = {what: os.path.basename(file) for what, file in files.items()}
        rundir.store(path, index)


def _give(path: str, user: pwd.struct_passwd, kind: Callable[[int], bool]) -> None:
    """Give a file or directory to a user, but no link, and none that has another name elsewhere. Raises Refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not kind(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink != 1):
            raise Refused(
                f"{path} is not the plain file that was put there; look who exchanged it, and remove it."
            )
        if (found.st_uid, found.st_gid) != (user.pw_uid, user.pw_gid):
            os.fchown(descriptor, user.pw_uid, user.pw_gid)
    finally:
        os.close(descriptor)
