# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of images that no QEMU has open: qemu-img, as the guest's user. It takes QEMU's own locks, so an image in use is refused by it."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import (
    acting_as,
    rights_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    images,
    paths,
    qcow2,
    qcow2_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor import PREFIX
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import checks

_LONGEST = 24 * 3600.0  # seconds for what moves a whole disk


class Offline:
    """The images of one guest, through C(look), as C(user)."""

    def __init__(self, look: paths.Look, user: pwd.struct_passwd) -> None:
        self._look, self._user = look, user

    def tables(self, path: str) -> qcow2_tables.Tables:
        """What is in an image, read as the guest's user. Raises GuestError."""
        with self._open(path) as read:
            return qcow2_tables.parse(read)

    def header(self, path: str) -> qcow2.Header:
        """What the header of a qcow2 image says. Raises GuestError."""
        with self._open(path) as read:
            return qcow2.parse(read(0, qcow2.LONGEST))

    @contextlib.contextmanager
    def _open(self, path: str) -> Iterator[qcow2_tables.Read]:
        try:
            with acting_as(self._user):
                descriptor = os.open(
                    path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                )
            try:
                yield lambda at, size: os.pread(descriptor, size, at)
            finally:
                os.close(descriptor)
        except (OSError, ValueError, OverflowError) as error:
            checks.unreadable(path, str(error))

    def save(self, path: str, name: str) -> None:
        self._image("snapshot", "-q", "-c", name, path)

    def forget(self, path: str, name: str) -> None:
        self._image("snapshot", "-q", "-d", name, path)

    def go_back(self, path: str, name: str) -> None:
        # what a bitmap says to be as it was is not so afterwards, and qemu-img refuses while there is one: a backup is full again then
        for bitmap in self.bitmaps(path):
            if bitmap.startswith(PREFIX):
                self._image("bitmap", "--remove", path, bitmap)
        self._image("snapshot", "-q", "-a", name, path)

    def bitmaps(self, path: str) -> list[str]:
        """The names of the dirty bitmaps that are kept in an image."""
        said = self._image("info", "-f", "qcow2", "--output=json", path)
        about = json.loads(said).get("format-specific", {}).get("data", {})
        return [str(one["name"]) for one in about.get("bitmaps", ())]

    def overlay(self, path: str, below: Image) -> None:
        """An empty image over another one, on the disk for good."""
        recipe = {
            "path": path,
            "format": "qcow2",
            "size": None,
            "backing_file": below.path,
            "backing_format": below.format,
        }
        images.create(recipe, self._look, self._user)
        keep(path)

    def overlay_anew(self, path: str, below: Image, beside: str) -> None:
        """Put an empty overlay in the place of one that holds something."""
        self.remove(beside)
        self.overlay(beside, below)
        os.rename(beside, path)
        keep(path)

    def merge(self, overlay: Image, above: Image | None) -> None:
        """Write an overlay into the image below it, and have the one above it read that. The overlay stays as it is, and right."""
        below = checks.below(overlay.path, overlay.backing)
        self._image("commit", "-q", "-d", "-f", overlay.format, overlay.path)
        keep(below.path)
        if above is not None:
            self._image("rebase", "-u", "-q", "-f", above.format, "-b", below.path, "-F", below.format, above.path)  # fmt: skip
            keep(above.path)

    def remove(self, path: str) -> None:
        """Remove a file of a snapshot."""
        found = self._look.path(path, "the overlay", "", missing=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(found)

    def _image(self, *words: str) -> str:
        program = checks.program(programs.path_of("qemu-img"))
        done = programs.run([program, *words], _LONGEST, rights=rights_of(self._user))
        checks.done(words, done.status, done.errors)
        return done.output


def keep(path: str) -> None:
    """What is in a file, and its name, are on the disk when this returns."""
    for one, more in ((path, 0), (os.path.dirname(path), os.O_DIRECTORY)):
        descriptor = os.open(one, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | more)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def layers_of(image: Image) -> list[Image]:
    """An image and all below it, the top first."""
    found = [image]
    while found[-1].backing is not None:
        found.append(found[-1].backing)
    return found


def overlay_path(image: str, name: str) -> str:
    """Where the overlay of a snapshot is: beside the disk's own image, with the snapshot's name in its own."""
    return f"{os.path.splitext(image)[0]}.{name}.qcow2"
