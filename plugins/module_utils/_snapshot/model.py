# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a guest has of snapshots: its disks in layers, the record, and what QEMU has open."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import (
    EXTERNAL,
    Chain,
    Entry,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import DOWN
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qcow2_tables import Saved


@dataclass(frozen=True)
class Layer:
    """An image of a disk. C(snapshots): the internal ones in it; C(empty): it holds nothing but what is below it."""

    path: str
    format: str
    snapshots: tuple[Saved, ...] = ()
    empty: bool = False

    def saved(self, name: str) -> Saved | None:
        return next((one for one in self.snapshots if one.name == name), None)


@dataclass(frozen=True)
class Disk:
    """A writable disk of the definition. C(layers) from the top to the lowest, by the record; C(live): what QEMU has on top, None where it has
    none of it; C(beside): where an overlay of the wished name would be, and C(taken) that something is there.
    """

    path: str
    layers: tuple[Layer, ...]
    live: str | None = None
    beside: str = ""
    taken: bool = False

    @property
    def top(self) -> Layer:
        return self.layers[0]


@dataclass(frozen=True)
class Now:
    """What was read. C(others): drives that QEMU may write to and the definition does not name (UEFI's variables), with their formats;
    C(held): what a run that was killed may have left the guest in (frozen, paused); C(loaded): what this run went back to while the guest ran.
    """

    guest: str
    status: str
    chain: Chain = field(default_factory=Chain)
    disks: tuple[Disk, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    loaded: str | None = None

    @property
    def down(self) -> bool:
        return self.status in DOWN

    def without(self, entry: Entry) -> Now:
        """What there will be when an entry and its overlays are gone."""
        gone = set(entry.disks.values()) if entry.kind == EXTERNAL else set()
        disks = []
        for disk in self.disks:
            layers = tuple(
                layer if entry.kind == EXTERNAL else _without_saved(layer, entry.name)
                for layer in disk.layers
                if layer.path not in gone
            )
            live = layers[0].path if disk.live in gone else disk.live
            disks.append(
                replace(
                    disk, layers=layers, live=live, taken=disk.taken and disk.beside not in gone
                )
            )
        return replace(self, chain=self.chain.without(entry.name), disks=tuple(disks))


def _without_saved(layer: Layer, name: str) -> Layer:
    return replace(layer, snapshots=tuple(one for one in layer.snapshots if one.name != name))
