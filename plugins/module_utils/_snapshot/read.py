# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest has of snapshots: by the record, by its images' own tables, and by what QEMU has open."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    chains,
    monitor,
    paths,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    ABSENT,
    DOWN,
    UNRESPONSIVE,
    USER,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import live
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.held import Held
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.model import (
    Disk,
    Layer,
    Now,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.offline import (
    Offline,
    layers_of,
    overlay_path,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.spec import Wish


class Images:
    """The images of a guest of this definition, with what its snapshots have put on top; looked at as its user."""

    def __init__(self, guest: str, definition: Mapping[str, Any]) -> None:
        self.user = processes.account(definition.get("user") or USER)
        self.chain = chains.load(guest)
        self.look = paths.Look(
            guest,
            self.user,
            definition.get("allowed_roots"),
            self.chain.tops(),
            "has no snapshot made, merged or gone back to",
        )
        self.offline = Offline(self.look, self.user)
        self.disks = {
            disk["path"]: disk for disk in definition.get("disks", ()) if not disk["read_only"]
        }

    def top(self, path: str) -> Image:
        """What is on top of a disk, with all below it; of one that the definition names no more too."""
        if path in self.disks:
            return self.look.disk(self.disks[path])
        return self.look.image(self.chain.tops()[path], "qcow2", False)

    def own(self, path: str) -> list[Image]:
        """The images of a disk from the top to the one that the definition names: what is below that is no snapshot's business."""
        base = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        layers = layers_of(self.top(path))
        known = [layer.path for layer in layers]
        return layers[: known.index(base) + 1] if base in known else layers

    def layer(self, image: Image) -> Layer:
        if image.format != "qcow2":
            return Layer(image.path, image.format)
        tables = self.offline.tables(image.path)
        return Layer(image.path, image.format, tables.snapshots, tables.empty)


def read(status: Status, wish: Wish, loaded: str | None = None) -> Now:
    """What the guest of a wish has of snapshots now; C(loaded) is what this run went back to."""
    guest, name = wish.guest, wish.name
    found = status.read(guest)
    if wish.netns is not None and found.spec.get("netns") != wish.netns:
        return Now(guest, ABSENT)
    if found.status in (ABSENT, UNRESPONSIVE):
        return Now(guest, found.status)
    images = Images(guest, found.spec)
    own = {path: images.own(path) for path in images.disks}
    files = {path: [layer.path for layer in layers] for path, layers in own.items()}
    tops, others = {}, {}
    if found.status not in DOWN:
        with monitor.opened(status.directory(guest).sockets) as asked:
            for drive in live.writable(asked.drives()):
                whose = [path for path, chain in files.items() if set(chain) & set(drive.files)]
                if whose:
                    tops[whose[0]] = drive.file
                else:
                    others[drive.node] = drive.format
    disks = []
    for path, layers in own.items():
        beside = overlay_path(layers[-1].path, name)
        disks.append(
            Disk(
                path,
                tuple(images.layer(layer) for layer in layers),
                tops.get(path),
                beside,
                os.path.lexists(beside),
            )
        )
    return Now(
        guest,
        found.status,
        images.chain,
        tuple(disks),
        others,
        Held(status.directory(guest)).words,
        loaded,
    )
