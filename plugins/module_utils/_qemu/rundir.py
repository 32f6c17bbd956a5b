# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest has below /run/hypervisor-network, and who may touch it.

::

    /run/hypervisor-network/         root, 0711
    ├── .kvm.json                    whether KVM works, for this boot
    ├── .vm1/                        root, 0700: what must be believed
    │   ├── guest.json               the definition and the command line of the last start
    │   ├── process.json             who runs it; there while it runs, or after it crashed
    │   └── lock                     held by QEMU itself, so it goes when QEMU goes
    └── vm1/                         the guest's user, 0700: what QEMU makes and removes
        ├── qmp.sock, spare.sock     monitors, 0600: the first is ours, the second for when another client holds it
        ├── pid                      QEMU removes it on every clean end: there without a process means crashed
        └── stderr.log

A guest that breaks out of QEMU owns the second directory, and could write there what makes root kill or start anything: so
nothing in it is ever believed, and nothing is followed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
from typing import Any, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import atomic, places
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import USER

ROOT = places.RUN
SOCKETS = ("qmp.sock", "spare.sock")
_TAIL = 64 * 1024


class RunDirectory:
    """The two directories of one guest."""

    def __init__(self, name: str, root: str = ROOT) -> None:
        self.root = root
        self.trusted = os.path.join(root, f".{name}")
        self.public = os.path.join(root, name)
        self.pidfile = os.path.join(self.public, "pid")
        self.stderr = os.path.join(self.public, "stderr.log")
        self.sockets = tuple(os.path.join(self.public, socket) for socket in SOCKETS)

    @property
    def exists(self) -> bool:
        return os.path.isdir(self.trusted)

    def make_trusted(self) -> None:
        """Make the root and the trusted directory; refuse what somebody else put there first."""
        places.own_directory(self.root, places.RUN_MODE)
        places.own_directory(self.trusted, 0o700)

    def make_public(self, uid: int, gid: int) -> None:
        """Make the guest's own directory anew, so that nothing of an earlier run, or of an earlier user, is met."""
        self.remove_public()
        os.mkdir(self.public, 0o700)
        os.chown(self.public, uid, gid, follow_symlinks=False)

    def remove_public(self) -> None:
        if os.path.islink(self.public):
            os.unlink(self.public)
        elif os.path.isdir(self.public):
            shutil.rmtree(self.public)

    def remove(self) -> None:
        """Remove everything of the guest. Disks are elsewhere."""
        self.remove_public()
        if self.exists:
            shutil.rmtree(self.trusted)

    def load(self, name: str) -> dict[str, Any] | None:
        """A trusted JSON file, None where there is none."""
        return load(os.path.join(self.trusted, name))

    def store(self, name: str, value: Mapping[str, Any]) -> None:
        store(os.path.join(self.trusted, name), value)

    def drop(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.trusted, name))

    def open_lock(self) -> int:
        """The lock, held; for QEMU to inherit. Raises Refused while a process of this guest has it."""
        descriptor = os.open(
            os.path.join(self.trusted, "lock"),
            os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
            0o600,
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Refused(
                f"{os.path.basename(self.public)} has a process already, which holds {self.trusted}/lock; find it with "
                f"'fuser -v {self.trusted}/lock', and end it."
            ) from None
        return descriptor

    def stderr_tail(self) -> str:
        """The last of what QEMU complained about, in one line."""
        try:
            descriptor = os.open(self.stderr, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return ""
        with os.fdopen(descriptor, "rb") as file:
            file.seek(max(0, os.fstat(descriptor).st_size - _TAIL))
            return " ".join(file.read().decode("utf-8", "replace").split())

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """One run at a time works on a guest. Raises Refused while another one does."""
        self.make_trusted()
        descriptor = os.open(
            self.trusted, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise Refused(
                f"Another run works on the guest {os.path.basename(self.public)} right now; run the task again when it is done."
            ) from None
        finally:
            os.close(descriptor)
            if self.load("guest.json") is None:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.trusted, "lock"))
                with contextlib.suppress(OSError):
                    os.rmdir(self.trusted)


def names(root: str = ROOT) -> list[str]:
    """The guests that have a run directory."""
    try:
        entries = os.listdir(root)
    except FileNotFoundError:
        return []
    except PermissionError:
        raise Refused(f"Cannot look into {root}; run the task with become.") from None
    return sorted(
        entry[1:]
        for entry in entries
        if entry.startswith(".") and os.path.exists(os.path.join(root, entry, "guest.json"))
    )


def definitions(netns: str | None, root: str = ROOT) -> dict[str, tuple[dict[str, Any], bool]]:
    """The guests of a network namespace by name: how each was last defined, and whether it was running when it was last heard of."""
    found = {}
    for name in names(root):
        directory = RunDirectory(name, root)
        spec = (directory.load("guest.json") or {}).get("spec", {})
        if spec.get("netns") == netns:
            found[name] = (spec, os.path.exists(directory.pidfile))
    return found


def uids(guests: Mapping[str, tuple[Mapping[str, Any], bool]]) -> dict[str, int]:
    """The numbers of the users that guests of these definitions run as, of those that are there."""
    found = {}
    for user in {spec.get("user") or USER for spec, _runs in guests.values()}:
        with contextlib.suppress(KeyError):
            found[user] = (pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)).pw_uid
    return found


def load(path: str) -> dict[str, Any] | None:
    """A JSON object from a file that root wrote, None where there is none or it is not whole."""
    try:
        with open(
            path, encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)
        ) as file:
            value = json.load(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        forbidden = isinstance(error, PermissionError)
        cure = "run the task with become" if forbidden else "look who made it, and remove it"
        raise Refused(f"Cannot read {path}: {error.strerror}; {cure}.") from None
    return value if isinstance(value, dict) else None


def store(path: str, value: Mapping[str, Any]) -> None:
    """Write a JSON file, readable by root only; whoever reads sees the old or the new one."""
    atomic.write(path, json.dumps(value, sort_keys=True).encode())
