# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The files of a guest as they are opened: resolved paths, and each image with all below it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import Firmware


@dataclass(frozen=True)
class Image:
    """An image as it is opened: C(backing) is the one below it, C(data_file) the path of a qcow2 image's data where they are apart."""

    path: str
    format: str
    backing: Image | None = None
    data_file: str | None = None


@dataclass(frozen=True)
class Files:
    """What a guest's definition names, resolved: C(images) by the path of a disk, C(paths) by option."""

    images: Mapping[str, Image] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)

    def every(self) -> list[str]:
        """All paths that QEMU opens, those below an image too."""
        found = list(self.paths.values())
        for image in self.images.values():
            below: Image | None = image
            while below is not None:
                found += [below.path, *([below.data_file] if below.data_file else [])]
                below = below.backing
        return found


@dataclass(frozen=True)
class Fittings:
    """What is made for a guest beside its disks: C(paths) by the option that wants them, and the firmware where it is UEFI.

    C(machine) is the versioned name of its machine, where that is known. C(companions) are processes that have to be there before QEMU
    (companions.Companion), and whose sockets are among the paths by their names.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    firmware: Firmware | None = None
    companions: Sequence[Any] = ()
    machine: str | None = None
