# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest has below /run/hypervisor-network and /var/lib/hypervisor-network, and who may touch it.

::

    /run/hypervisor-network/         root, 0711
    ├── .kvm.json                    whether KVM works, for this boot
    ├── .vm1/                        root, 0700: what must be believed
    │   ├── process.json             who runs it; there while it runs as a plain process, or after that crashed
    │   ├── start.env                how the unit was started the last time
    │   └── lock                     held by QEMU itself, so it goes when QEMU goes
    └── vm1/                         the guest's user, 0700: what QEMU makes and removes
        ├── qmp.sock, spare.sock     monitors, 0600: the first is ours, the second for when another client holds it
        ├── pid                      QEMU removes it on every clean end: there without a process means crashed
        └── stderr.log               of a plain process; a unit complains to the journal

    /var/lib/hypervisor-network/definitions/    root, 0700
    └── vm1.json                     the definition and the command line of the last start, which a boot does not forget

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
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import USER

ROOT = places.RUN
SOCKETS = ("qmp.sock", "spare.sock")
_DEFINITION = "guest.json"
_TAIL = 64 * 1024


class RunDirectory:
    """The two directories of one guest."""

    def __init__(self, name: str, root: str = ROOT) -> None:
        self.root = root
        self.trusted = os.path.join(root, f".{name}")
        self.defined = os.path.join(definitions_of(root), f"{name}.json")
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
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.defined)

    def definition(self) -> dict[str, Any] | None:
        """What was last written of the guest, None where there is none. Earlier versions kept it until the next boot only."""
        return load(self.defined) or self.load(_DEFINITION)

    def define(self, value: Mapping[str, Any]) -> None:
        """Write it down where a boot keeps it, with the places of its devices where it says nothing of them (slots.py)."""
        make_kept(self.root)
        former = (self.definition() or {}).get("slots")
        value = {**({} if former is None else {"slots": former}), **value}
        places.own_directory(os.path.dirname(self.defined), 0o700)
        store(self.defined, value)
        self.drop(_DEFINITION)

    def load(self, name: str) -> dict[str, Any] | None:
        """A trusted JSON file of this boot, None where there is none."""
        return load(os.path.join(self.trusted, name))

    def store(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a trusted JSON file of this boot: below /run, so no disk is waited for, where that is on one."""
        store(os.path.join(self.trusted, name), value, lasting=False)

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
        descriptor = self._held()
        while descriptor is None:
            descriptor = self._held()
        try:
            yield
        finally:
            # by who holds it alone: another run, which was refused, would take it from the one that works
            if self.definition() is None:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.trusted, "lock"))
                with contextlib.suppress(OSError):
                    os.rmdir(self.trusted)
            os.close(descriptor)

    def _held(self) -> int | None:
        """The trusted directory, locked; None where who had it removed it meanwhile. Raises Refused while another run has it."""
        self.make_trusted()
        descriptor = places.opened(self.trusted, 0o700)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.lstat(self.trusted)):
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            os.close(descriptor)
            raise Refused(
                f"Another run works on the guest {os.path.basename(self.public)} right now; run the task again when it is done."
            ) from None
        os.close(descriptor)
        return None


def kept(root: str = ROOT) -> str:
    """What outlives a boot of the guests that run below C(root)."""
    return places.KEPT if root == ROOT else os.path.join(root, ".kept")


def definitions_of(root: str = ROOT) -> str:
    """Where the definitions of those guests are."""
    return os.path.join(kept(root), "definitions")


def programs(root: str = ROOT) -> str:
    """Where the programs are that the units of those guests run."""
    return os.path.join(kept(root), "units")


def hold(name: str, root: str = ROOT) -> None:
    """Have systemd not start a guest: its unit was written of images that are not the top ones any more. Until C(release)."""
    if os.path.isdir(programs(root)):
        atomic.write(_held(name, root), b"")


def release(name: str, root: str = ROOT) -> None:
    """What its unit says is right again."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_held(name, root))


def is_held(name: str, root: str = ROOT) -> bool:
    return os.path.lexists(_held(name, root))


def _held(name: str, root: str) -> str:
    return os.path.join(programs(root), f"{name}.hold")


def make_kept(root: str = ROOT) -> None:
    """Make the directory for what outlives a boot; refuse what somebody else put there first."""
    if root != ROOT:
        places.own_directory(root, places.RUN_MODE)
    places.own_directory(kept(root), places.RUN_MODE)


def names(root: str = ROOT) -> list[str]:
    """The guests that are defined."""
    now = {
        entry[1:]
        for entry in _entries(root)
        if entry.startswith(".") and os.path.exists(os.path.join(root, entry, _DEFINITION))
    }
    over_a_boot = {
        entry[: -len(".json")]
        for entry in _entries(definitions_of(root))
        if entry.endswith(".json") and not entry.startswith(".")
    }
    return sorted(now | over_a_boot)


def started(root: str = ROOT) -> set[str]:
    """The guests that were started since the host's boot and not removed, whether they run and are still defined or not."""
    hidden = [entry for entry in _entries(root) if entry.startswith(".")]
    return {entry[1:] for entry in hidden if os.path.isdir(os.path.join(root, entry))}


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
    except PermissionError:
        raise Refused(f"Cannot look into {folder}; run the task with become.") from None


def definitions(netns: str | None, root: str = ROOT) -> dict[str, tuple[dict[str, Any], bool]]:
    """The guests of a network namespace, None for the host's own, by name: C({name: (definition, whether it was running when it was last heard of)}).

    A definition is C({option: value}) of qemu_guest. Raises Refused where C(root) may not be read.
    """
    found = {}
    for name in names(root):
        directory = RunDirectory(name, root)
        spec = (directory.definition() or {}).get("spec", {})
        if spec.get("netns") == netns:
            found[name] = (spec, os.path.exists(directory.pidfile))
    return found


def uids(guests: Mapping[str, tuple[Mapping[str, Any], bool]]) -> dict[str, int]:
    """The numbers of the users that guests run as, by the names in their definitions; one that the host does not have is left out."""
    found = {}
    for user in {spec.get("user") or USER for spec, _runs in guests.values()}:
        with contextlib.suppress(KeyError):
            found[user] = (pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)).pw_uid
    return found


def load(path: str) -> dict[str, Any] | None:
    """A JSON object from a file that root wrote, None where there is none or it is not whole. Raises Refused."""
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


def store(path: str, value: Mapping[str, Any], lasting: bool = True) -> None:
    """Write a JSON file, readable by root only; whoever reads sees the old or the new one. Raises OSError, which names the file."""
    try:
        atomic.write(path, json.dumps(value, sort_keys=True).encode(), lasting=lasting)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
