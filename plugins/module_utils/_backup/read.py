# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a guest's backups: at the target by its manifest, and of bitmaps in what QEMU has open."""

from __future__ import annotations

import os
from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._backup import plan
from ansible_collections.hypervisor.network.plugins.module_utils._backup.files import Folder
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import (
    PREFIX,
)
from ansible_collections.hypervisor.network.plugins.module_utils._backup.plan import Disk, Now
from ansible_collections.hypervisor.network.plugins.module_utils._backup.spec import (
    ABSENT as GONE,
)
from ansible_collections.hypervisor.network.plugins.module_utils._backup.spec import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import monitor
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    ABSENT,
    UNRESPONSIVE,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import live
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.held import FROZEN, Held
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.read import Images


def read(status: Status, wish: Wish) -> Now:
    """What the guest of a wish has of backups now."""
    folder = Folder(wish.target, wish.guest)
    if not folder.there():
        return Now(wish.guest, ABSENT, there=False)
    manifest = folder.load()
    found = status.read(wish.guest)
    if wish.netns is not None and found.spec.get("netns") != wish.netns:
        return Now(wish.guest, ABSENT, (), manifest)
    # a guest whose processors are held has a merge that is not on record yet: that is for qemu_snapshot to finish
    frozen = tuple(word for word in Held(status.directory(wish.guest)).words if word == FROZEN)
    missing = folder.missing(manifest)
    disks: tuple[Disk, ...] = ()
    if found.status not in (ABSENT, UNRESPONSIVE) and wish.state != GONE:
        images = Images(wish.guest, found.spec)
        disks = _stopped(images) if found.down else _running(status, wish.guest, images)
    return Now(
        wish.guest, found.status, disks, manifest, missing, True, frozen,
    )  # fmt: skip


def _stopped(images: Images) -> tuple[Disk, ...]:
    found = []
    for path in images.disks:
        top = images.top(path)
        found.append(Disk(path, top.path, top.format, size_of(images, top.path, top.format)))
    return tuple(found)


def size_of(images: Images, path: str, form: str) -> int:
    """What the guest sees of an image, in bytes."""
    return images.offline.header(path).size if form == "qcow2" else os.lstat(path).st_size


def _running(status: Status, guest: str, images: Images) -> tuple[Disk, ...]:
    files = {path: {layer.path for layer in images.own(path)} for path in images.disks}
    found = []
    with monitor.opened(status.directory(guest).sockets) as asked:
        for drive in live.writable(asked.drives()):
            # what the definition does not name, as the variables of UEFI, goes by its own file
            path = path_of(drive, files)
            found.append(Disk(path, drive.file, drive.format, drive.size, bitmaps_of(drive)))
    return tuple(found)


def path_of(drive: monitor.Drive, files: Mapping[str, set[str]]) -> str:
    return next((path for path, chain in files.items() if chain & set(drive.files)), drive.file)


def bitmaps_of(drive: monitor.Drive) -> dict[str, str]:
    return {
        str(one["name"]): plan.GOOD
        if one.get("recording") and not one.get("inconsistent")
        else plan.INCONSISTENT
        for one in drive.bitmaps
        if str(one.get("name", "")).startswith(PREFIX)
    }
