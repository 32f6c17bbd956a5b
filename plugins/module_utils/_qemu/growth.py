# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes disks of guests larger, by QEMU where one runs, and tells what no undo takes back."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Protocol

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.hotplug import Step


class Grower(Protocol):
    """What is needed of whatever keeps guests (see C(apply.Supervisor))."""

    def read_all(self, names: Iterable[str]) -> Mapping[str, Guest]:
        """What the host has of these guests."""

    def tell(self, name: str, steps: Iterable[Step]) -> None:
        """Have a guest that runs take over something."""

    def check_growth(self, name: str, spec: Mapping[str, Any], path: str) -> None:
        """Raise where that disk cannot be made larger."""

    def grow_image(self, name: str, spec: Mapping[str, Any], path: str, size: int) -> None:
        """Make an image larger that nobody has open."""


class Growth:
    """The disks that one run makes larger."""

    def __init__(self, grower: Grower) -> None:
        self._grower = grower
        self._sizes: dict[str, int] = {}

    def check(self, changes: Iterable[Change]) -> None:
        """Raise where one cannot be, before the first change of the run."""
        for change in changes:
            if change.action == "grow":
                self._grower.check_growth(change.after["guest"], change.payload, change.name)

    def carry_out(self, change: Change) -> None:
        name, size = change.after["guest"], change.after["size"]
        seen = self._grower.read_all([name])[name].seen
        drive = seen.drive(change.name) if seen is not None else None
        if drive is None:
            self._grower.grow_image(name, change.payload, change.name, size)
        else:
            self._grower.tell(name, [("block_resize", {"node-name": drive.node, "size": size})])
        self._sizes[change.name] = size

    def remarks(self) -> list[str]:
        """What stays of it after an undo, in sentences."""
        return [
            f"The disk {path} keeps its {size} bytes: made smaller, it would lose what a guest has written there meanwhile."
            for path, size in self._sizes.items()
        ]
