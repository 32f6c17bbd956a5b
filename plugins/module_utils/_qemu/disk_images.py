# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk images of a definition: made where they are missing, and made larger."""

from __future__ import annotations

import contextlib
import pwd
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import images, needs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.commands import Commands
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image


class DiskImages(Commands):
    """Looks after the images of the guests below one run directory."""

    def create_image(self, recipe: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        user = needs.user_of(recipe["guest"], spec)
        images.create(recipe, needs.look(recipe["guest"], spec, user), user)

    def remove_image(self, path: str) -> None:
        images.remove(path)

    def image_size(self, name: str, spec: Mapping[str, Any], path: str) -> int | None:
        """What a guest sees of a disk that nobody has open, in bytes; None where that cannot be looked at, which a start refuses."""
        with contextlib.suppress(HypervisorNetworkError):
            return images.size(self._image(name, spec, path)[0])
        return None

    def check_growth(self, name: str, spec: Mapping[str, Any], path: str) -> None:
        """Raise where that disk cannot be made larger."""
        self._image(name, spec, path)
        images.program()

    def grow_image(self, name: str, spec: Mapping[str, Any], path: str, size: int) -> None:
        """Make a disk larger that nobody has open."""
        image, user = self._image(name, spec, path)
        images.grow(image, size, user)

    def _image(
        self, name: str, spec: Mapping[str, Any], path: str
    ) -> tuple[Image, pwd.struct_passwd]:
        user = needs.user_of(name, spec)
        disk = next(disk for disk in spec["disks"] if disk["path"] == path)
        return needs.look(name, spec, user, "has no disk grown").disk(disk), user
