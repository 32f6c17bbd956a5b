# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that writes configuration.

A file is replaced whole or not at all: a new one is made beside it (O_EXCL, same mode, owner, ACL and label), written,
fsynced, renamed over it, and the directory fsynced. Several files are all staged before the first is renamed. A file that
is not what was read is never replaced. Ansible's C(atomic_move) does not fsync, and falls back to writing in place.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from dataclasses import dataclass, field
from typing import Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import atomic, places
from ansible_collections.hypervisor.network.plugins.module_utils._host.regular_file import explained

_GETFLAGS = 0x80086601 if struct.calcsize("l") == 8 else 0x80046601  # FS_IOC_GETFLAGS of linux/fs.h
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20


@dataclass(frozen=True)
class Edit:
    """A file's bytes as they were read (None: there is no file) and as they shall be (None: it shall go).

    C(meanwhile) are what it holds until the other files are as they shall be, so that a plug pulled between two renames finds no mix. C(mode) is
    that of a new file; an old one keeps its own.
    """

    path: str
    old: bytes | None
    new: bytes | None
    meanwhile: bytes | None = None
    mode: int = 0o644


@dataclass
class _Staged:
    edit: Edit
    directory: int
    name: str
    temporary: str | None = field(default=None)
    meanwhile: str | None = field(default=None)
    done: bool = False
    back: str | None = field(
        default=None
    )  # the old bytes, for a failure while C(meanwhile) stands there


def within(path: str, base: str) -> str:
    """Where C(path) really is. Refused where a symbolic link leads it out of C(base), or it is one outside of C(base)."""
    real, home = os.path.realpath(path), os.path.realpath(base)
    if _below(os.path.abspath(path), os.path.abspath(base)) and not _below(real, home):
        raise Refused(
            f"{path} leads to {real}, outside {base}, by a symbolic link; edit that file by its own path, or remove the link."
        )
    if not _below(os.path.abspath(path), os.path.abspath(base)) and os.path.islink(path):
        raise Refused(
            f"{path} is a symbolic link outside {base}; name the file it leads to, {real}."
        )
    return real


def _below(path: str, base: str) -> bool:
    return os.path.commonpath([path, base]) == base


def probe(edit: Edit) -> None:
    """Refuse now what would fail at the rename: for check mode, and before the network is touched. Writes nothing. Raises Refused."""
    directory = os.path.dirname(edit.path)
    with explained("write", edit.path):
        room = os.statvfs(directory)
        if room.f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, "")
        if not os.access(directory, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, "")
        if edit.new is not None and _full(room, len(edit.new)):
            raise OSError(errno.ENOSPC, "")
        for path in (directory, edit.path) if edit.old is not None else (directory,):
            if _flags(path) & (_IMMUTABLE | _APPEND_ONLY):
                raise OSError(errno.EPERM, "")
        if edit.old is None:
            return
        found = os.lstat(edit.path)
        if edit.path in _mount_points():
            raise OSError(errno.EBUSY, "")
    _refuse_owner_and_links(edit.path, found)


def _refuse_owner_and_links(path: str, found: os.stat_result) -> None:
    if found.st_nlink > 1:
        raise Refused(
            f"{path} has {found.st_nlink} names (hard links), which replacing it would part; give it one name first."
        )
    if found.st_uid not in (0, os.geteuid()):
        raise Refused(
            f"{path} belongs to user {found.st_uid}, not to root, so what is written there is not safe; chown it to root first."
        )


def _full(room: os.statvfs_result, size: int) -> bool:
    free = room.f_bfree if os.geteuid() == 0 else room.f_bavail
    return (
        bool(room.f_blocks)
        and free * room.f_frsize < max(size, 1)
        or bool(room.f_files)
        and room.f_ffree == 0
    )


def _flags(path: str) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return int(struct.unpack("i", fcntl.ioctl(descriptor, _GETFLAGS, b"\0" * 8)[:4])[0])
    except OSError:  # a file system without flags
        return 0
    finally:
        os.close(descriptor)


def _mount_points() -> set[str]:
    with open("/proc/self/mountinfo", "rb") as stream:
        # proc(5): the fifth field, with \040 for a blank and the like
        return {
            os.fsdecode(
                line.split(b" ")[4]
                .decode("latin-1")
                .encode()
                .decode("unicode_escape")
                .encode("latin-1")
            )
            for line in stream
        }


def replace(edits: Sequence[Edit], lock: str) -> None:
    """Carry out edits under a lock of the directory C(lock): all are staged first, then each is renamed into place.

    Raises Refused with nothing changed up to the first rename; an error later leaves those that were renamed before it.
    """
    with _locked(lock), contextlib.ExitStack() as stack:
        staged = []
        for edit in edits:
            with explained("write", edit.path):
                directory = os.open(
                    os.path.dirname(edit.path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                )
                stack.callback(os.close, directory)
                atomic.sweep(directory)
                staged.append(_Staged(edit, directory, os.path.basename(edit.path)))
        for one in staged:
            with explained("write", one.edit.path):
                stack.callback(_unstage, one)
                _stage(one)
        for one in staged:
            _refuse_changed(one)
        try:
            for one in staged:
                _put_meanwhile(one)
            for one in sorted(staged, key=lambda each: each.edit.meanwhile is not None):
                _put(one)
        except BaseException:
            for one in staged:
                _put_back(one)
            raise


def put(edits: Sequence[Edit], lock: str) -> None:
    """C(replace) with the folders that new files need; a folder of drop-ins to one file, NAME.network.d, that is empty afterwards goes with the last of them.

    A folder such as conf.d or cloud.cfg.d is a package's, and stays.
    """
    for edit in edits:
        if edit.new is not None:
            os.makedirs(os.path.dirname(edit.path), mode=0o755, exist_ok=True)
    replace(edits, lock)
    for folder in {os.path.dirname(edit.path) for edit in edits if edit.new is None}:
        if folder.endswith((".network.d", ".netdev.d")):
            with contextlib.suppress(OSError):  # there are others in it
                os.rmdir(folder)


def _put(one: _Staged) -> None:
    with explained("replace", one.edit.path):
        if one.temporary is None:
            os.unlink(one.name, dir_fd=one.directory)
            os.fsync(one.directory)
        else:
            atomic.put(one.temporary, one.name, one.directory)
            one.temporary = None
    one.done = True


def _put_meanwhile(one: _Staged) -> None:
    if one.meanwhile is not None:
        with explained("replace", one.edit.path):
            atomic.put(one.meanwhile, one.name, one.directory)
            one.meanwhile = None


def _put_back(one: _Staged) -> None:
    """Where it stopped while a text for meanwhile stood there: the old one."""
    if one.back is not None and one.meanwhile is None and not one.done:
        with contextlib.suppress(OSError):
            atomic.put(one.back, one.name, one.directory)
            one.back = None


@contextlib.contextmanager
def _locked(directory: str) -> Iterator[None]:
    with explained("lock", directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused(
            f"Another run is writing in {directory}; run this one again when it is done."
        ) from None
    finally:
        os.close(descriptor)


def _stage(one: _Staged) -> None:
    edit = one.edit

    def finish(descriptor: int) -> None:
        if edit.old is None:
            os.fchmod(descriptor, edit.mode)
        else:
            _alike(one, descriptor)

    if edit.meanwhile is not None and edit.old is not None:
        one.meanwhile = atomic.stage(one.directory, edit.meanwhile, finish)
        one.back = atomic.stage(one.directory, edit.old, finish)
    if edit.new is not None:
        one.temporary = atomic.stage(one.directory, edit.new, finish)


def _alike(one: _Staged, descriptor: int) -> None:
    """Give the new file the old one's owner, mode and extended attributes: ACLs, labels."""
    old = os.open(
        one.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=one.directory
    )
    try:
        found = os.fstat(old)
        _refuse_owner_and_links(one.edit.path, found)
        os.fchown(descriptor, found.st_uid, found.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
        for name in _attributes(old):
            value = os.getxattr(old, name)
            if name not in _attributes(descriptor) or os.getxattr(descriptor, name) != value:
                os.setxattr(descriptor, name, value)
    finally:
        os.close(old)


def _attributes(descriptor: int) -> list[str]:
    try:
        # IMA and EVM sign a file's content: a copied signature would be a wrong one.
        return [
            name
            for name in os.listxattr(descriptor)
            if name not in ("security.ima", "security.evm")
        ]
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENOSYS):
            return []
        raise


def _refuse_changed(one: _Staged) -> None:
    with explained("read", one.edit.path):
        try:
            old = os.open(
                one.name,
                os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK,
                dir_fd=one.directory,
            )
        except FileNotFoundError:
            now = None
        else:
            with os.fdopen(old, "rb") as stream:
                now = stream.read()
    if now != one.edit.old:
        raise Refused(
            f"{one.edit.path} was changed by somebody else since it was read; run this again, so that their change is seen."
        )


def _unstage(one: _Staged) -> None:
    for name in (one.temporary, one.meanwhile, one.back):
        if name is not None:
            atomic.discard(name, one.directory)


def probe_directory(directory: str) -> None:
    """Refuse a directory for backups that could not be written, or made; writes nothing."""
    while not os.path.lexists(directory):
        directory = os.path.dirname(directory)
    probe(Edit(os.path.join(directory, "probe"), None, b"0"))


def back_up(path: str, content: bytes) -> None:
    """Keep C(content) as the file C(path), where it is not kept already.

    Its directory is made 0700 where it is missing, and refused where others than its owner could write into it.
    """
    directory = os.path.dirname(path)
    with explained("keep a backup in", directory):
        os.makedirs(os.path.dirname(directory), mode=0o755, exist_ok=True)
        handle = places.opened(directory, 0o700)
        try:
            name = os.path.basename(path)
            if name not in os.listdir(
                handle
            ):  # or it is the very same content: the name holds its hash
                atomic.put(atomic.stage(handle, content, lambda _descriptor: None), name, handle)
        finally:
            os.close(handle)
