# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at every file that a guest gets, as the guest's own user.

What is handed to QEMU is the resolved path, below directories that nobody but root and the guest's user can change: so what
was looked at is what is opened. Links are followed in the middle of a path only, and not out of the allowed roots.
"""

from __future__ import annotations

import os
import pwd
import stat
from typing import Any, Collection, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import acting_as, may
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import qcow2
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Files, Image

# Where a Debian host keeps images, kernels, logs and sockets: not /etc, /root, /proc, /sys nor /dev
ROOTS = (
    "/boot", "/data", "/home", "/media", "/mnt", "/opt", "/run", "/srv", "/tmp", "/usr/lib", "/usr/share", "/var/cache", "/var/lib",
    "/var/log", "/var/tmp",
)  # fmt: skip
# Set on the images that this collection made. Only root can set it, it lasts as long as the file, and no copy has it
_MARK = "trusted.hypervisor-network.format"
_FORMATS = ("qcow2", "raw")
_DEEPEST = 64
_KINDS = {
    stat.S_ISREG: "no regular file; name an image file",
    stat.S_ISSOCK: "no socket; remove it, or name another path",
}


class Look:
    """The files of one guest. C(user) is who opens them, C(roots) are the directories that they may be below.

    C(tops) are the overlays that snapshots have put over a disk's image, by the path in the definition (chains.py): they are opened
    instead of it. C(refusing) says for a sentence what is not done.
    """

    def __init__(
        self,
        name: str,
        user: pwd.struct_passwd,
        roots: Sequence[str] | None = None,
        tops: Mapping[str, str] | None = None,
        refusing: str = "is not started",
    ) -> None:
        self._name, self._user, self._refusing = name, user, refusing
        self._tops = dict(tops or {})
        self._roots = [os.path.realpath(root) for root in (roots or ROOTS)]

    def files(self, spec: Mapping[str, Any], made: Collection[str] = ()) -> Files:
        """All that the definition names. C(made) are images that will be there by then. Raises Refused."""
        images = {}
        for disk in spec["disks"]:
            if disk["path"] not in made:
                images[disk["path"]] = self.disk(disk)
            elif disk["path"] in self._tops:
                raise self._refused(
                    f"the disk image {disk['path']} is missing, and the snapshot's overlay {self._tops[disk['path']]} is nothing without it; bring it "
                    "back from a backup, or name another path"
                )
        paths = {
            option: self.path(spec[option], f"the {option}")
            for option in ("cdrom", "kernel", "initrd")
            if spec.get(option) is not None
        }
        if spec.get("serial_log") is not None:
            paths["serial_log"] = self.path(spec["serial_log"], "the serial_log", "w", missing=True)
        if spec.get("vnc") is not None:
            paths["vnc"] = self.path(spec["vnc"], "vnc", "w", missing=True, kind=stat.S_ISSOCK)
        return Files(images, paths)

    def disk(self, disk: Mapping[str, Any]) -> Image:
        """The image of a disk of the definition: what it names, or the overlay that a snapshot has put over that."""
        top = self._tops.get(disk["path"])
        if top is None:
            return self.image(disk["path"], disk["format"], disk["read_only"])
        return self.image(top, "qcow2", disk["read_only"])

    def image(self, path: str, image_format: str | None, read_only: bool = True) -> Image:
        """An image with all below it. Without a format one is known only of what this collection made, or of what stands alone."""
        found = self.path(path, "the disk image", "r" if read_only else "rw")
        return self._opened(found, image_format or self._format_of(found), ())

    def base(self, path: str, image_format: str | None) -> Image:
        """An image that another one shall be an overlay on: it is never recognised by what is in it. Raises Refused."""
        found = self.path(path, "the backing file")
        known = image_format or marked(found)
        if known is None:
            raise self._refused(
                f"the backing file {path} has no backing_format, and was not made by this collection; say backing_format: qcow2 or raw, "
                "whichever it was made as"
            )
        return self._opened(found, known, ())

    def new(self, path: str) -> str:
        """Where an image can be made. Raises Refused."""
        return self.path(path, "the disk image", "", missing=True)

    def path(
        self,
        path: str,
        what: str,
        access: str = "r",
        missing: bool = False,
        kind: Any = stat.S_ISREG,
    ) -> str:
        """The resolved path of one file. C(access) is what the user must be able to do, C(missing) that it may be made. Raises Refused."""
        folder, name = os.path.split(path)
        if not name:
            raise self._refused(f"{what} {path} is a directory; name a file")
        found = os.path.join(os.path.realpath(folder), name)
        if not any(found.startswith(root.rstrip("/") + "/") for root in self._roots):
            led = f", which is {found}," if found != path else ""
            raise self._refused(
                f"{what} {path}{led} is outside of the directories that a guest's files may be in; move it to one such as /var/lib, or name "
                "its directory in allowed_roots"
            )
        self._check_folders(os.path.dirname(found), what, path)
        try:
            there = os.lstat(found)
        except FileNotFoundError:
            if not missing:
                raise self._refused(
                    f"{what} {found} cannot be used (No such file or directory); put it there first"
                ) from None
            if access and not self._may(os.path.dirname(found), os.W_OK | os.X_OK):
                raise self._refused(
                    f"the user {self._user.pw_name} may not write into {os.path.dirname(found)}, where {what} shall be; make the directory its own"
                ) from None
            return found
        except OSError as error:
            raise self._refused(
                f"{what} {path} cannot be used: {error.strerror}; name another file"
            ) from None
        self._check_file(there, found, what, access, kind)
        return found

    def _check_file(
        self, there: os.stat_result, found: str, what: str, access: str, kind: Any
    ) -> None:
        if stat.S_ISLNK(there.st_mode):
            raise self._refused(f"{what} {found} is a symbolic link; name the file itself")
        if not kind(there.st_mode):
            raise self._refused(f"{what} {found} is {_KINDS[kind]}")
        if self._is_sticky(os.path.dirname(found)) and there.st_uid not in (0, self._user.pw_uid):
            raise self._refused(
                f"{what} {found} belongs to the user {there.st_uid}, who can exchange it; put it into a directory of root or of {self._user.pw_name}"
            )
        wanted = (os.R_OK if "r" in access else 0) | (os.W_OK if "w" in access else 0)
        if not self._may(found, wanted):
            verb = {"r": "read", "w": "write", "rw": "read and write"}.get(access, "reach")
            raise self._refused(
                f"the user {self._user.pw_name} may not {verb} {found}, {what}; give the file to it, and let it enter the directories above"
            )

    def _check_folders(self, folder: str, what: str, path: str) -> None:
        """Whoever may write to a directory above may put another file into the place of the one that was looked at."""
        below = folder
        while True:
            try:
                found = os.lstat(below)
            except OSError as error:
                raise self._refused(
                    f"there is no directory {folder} for {what} {path} ({error.strerror}); make it first"
                ) from None
            if not stat.S_ISDIR(found.st_mode):
                raise self._refused(f"{below}, above {what} {path}, is no directory; make it one")
            shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if found.st_uid not in (0, self._user.pw_uid):
                raise self._refused(
                    f"{below}, above {what} {path}, belongs to the user {found.st_uid}, who can exchange what is in it; give it to root or to "
                    f"{self._user.pw_name}"
                )
            if (
                shared
                and not found.st_mode & stat.S_ISVTX
                and (found.st_gid != 0 or shared & stat.S_IWOTH)
            ):
                raise self._refused(
                    f"{below}, above {what} {path}, can be written to by others than root and {self._user.pw_name}; take that away with 'chmod go-w'"
                )
            if below == "/":
                return
            below = os.path.dirname(below)

    def _opened(self, path: str, image_format: str, above: tuple[str, ...]) -> Image:
        if image_format not in _FORMATS:
            raise self._refused(
                f"the image {path} is said to be {image_format!r}; only {' and '.join(_FORMATS)} are looked into; make it one of these with 'qemu-img convert'"
            )
        if path in above or len(above) > _DEEPEST:
            raise self._refused(
                f"the image {path} is below itself, or too deep; give it another backing file with 'qemu-img rebase'"
            )
        if image_format == "raw":
            return Image(path, image_format)
        header = self._header(path)
        backing = data = None
        if header.backing_file is not None:
            if header.backing_format is None:
                raise self._refused(
                    f"the image {path} does not say which format its backing file {header.backing_file} has, so QEMU would look into that; "
                    f"write it down with 'qemu-img rebase -u -b {header.backing_file} -F FORMAT {path}'"
                )
            below = self.path(
                self._beside(path, header.backing_file), f"the backing file of {path},"
            )
            backing = self._opened(below, header.backing_format, (*above, path))
        if header.data_file is not None:
            # the lowest of the chain may be read only; whether this one is, QEMU finds out as the user
            data = self.path(self._beside(path, header.data_file), f"the data file of {path},")
        return Image(path, image_format, backing, data)

    def _beside(self, path: str, name: str) -> str:
        if qcow2.names_protocol(name):
            raise self._refused(
                f"the image {path} names {name!r}, which is no file but a protocol of QEMU; use images that need plain files only"
            )
        return os.path.join(os.path.dirname(path), name)

    def _format_of(self, path: str) -> str:
        known = marked(path)
        if known is not None:
            return known
        if not qcow2.begins(self._head(path, 4)):
            raise self._refused(
                f"the disk image {path} has no qcow2 header, and raw is not guessed; if it is a raw image, say format: raw"
            )
        header = self._header(path)
        if header.backing_file is not None or header.data_file is not None:
            raise self._refused(
                f"the disk image {path} has a qcow2 header that names {header.backing_file or header.data_file}, and the guest of a raw disk could "
                "have written that; say format: qcow2 if it was made as that, else format: raw"
            )
        return "qcow2"

    def _header(self, path: str) -> qcow2.Header:
        try:
            return qcow2.parse(self._head(path, qcow2.LONGEST))
        except ValueError as error:
            raise self._refused(
                f"the image {path} cannot be used as qcow2: {error}; say its real format, or make it anew"
            ) from None

    def _head(self, path: str, length: int) -> bytes:
        try:
            with acting_as(self._user):
                descriptor = os.open(
                    path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                )
                with os.fdopen(descriptor, "rb") as file:
                    return file.read(length)
        except OSError as error:
            raise self._refused(
                f"the image {path} cannot be read: {error.strerror}; look at the file and at its disk"
            ) from None

    def _may(self, path: str, how: int) -> bool:
        return may(self._user, path, how)

    @staticmethod
    def _is_sticky(folder: str) -> bool:
        return bool(os.stat(folder).st_mode & stat.S_ISVTX)

    def _refused(self, why: str) -> Refused:
        return Refused(f"{self._name} {self._refusing}: {why}.")


def marked(path: str) -> str | None:
    """The format that this collection made an image in; None of what somebody else made, or where the file system keeps no such mark."""
    try:
        found = os.getxattr(path, _MARK, follow_symlinks=False).decode("ascii", "replace")
    except OSError:
        return None
    return found if found in _FORMATS else None


def mark(descriptor: int, image_format: str) -> None:
    """Remember the format of an image that was made. Where the file system cannot, the user has to say it again."""
    try:
        os.setxattr(descriptor, _MARK, image_format.encode("ascii"))
    except OSError:
        pass
