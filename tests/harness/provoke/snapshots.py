# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of snapshots: what a guest has of them, in few words."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import Chain, Entry
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qcow2_tables import Saved
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import model, plan, spec

from .stage import Stage, scene

BASE, OTHER = "/d.qcow2", "/e.qcow2"


def layer(path: str, *tags: str, form: str = "qcow2", empty: bool = False, memory: bool = False, untouched: bool = False) -> model.Layer:  # fmt: skip
    saved = tuple(Saved(tag, 1, memory, untouched) for tag in tags)
    return model.Layer(path, form, saved, empty)


def disk(*layers: model.Layer, name: str = "a", live: str | None = None, taken: bool = False) -> model.Disk:  # fmt: skip
    """A disk whose lowest layer is what the definition names; C(name) is the snapshot that is asked for."""
    own = layers[-1].path
    return model.Disk(own, layers, live, own.replace(".qcow2", f".{name}.qcow2"), taken)


def external(name: str, phase: str = "present", *disks: str) -> Entry:
    """One whose overlays are beside these disks, the only one if none is named."""
    paths = {one: one.replace(".qcow2", f".{name}.qcow2") for one in disks or (BASE,)}
    return Entry(name, "external", phase, 1.0, disks=paths)


def checked(**options: Any) -> spec.Wish:
    given = {"guest": "vm1", "name": "a", "state": "present", "kind": None, "live": True, "quiesce": False}  # fmt: skip
    return spec.checked({**given, **options})


@scene
def snapshots(
    stage: Stage,
    typed: Mapping[str, Any],
    status: str = "stopped",
    layers: Sequence[Sequence[Mapping[str, Any]]] = (({},),),
    entries: Sequence[Mapping[str, Any]] = (),
    live: str | None = None,
    taken: bool = False,
    others: Mapping[str, str] | None = None,
) -> Any:
    """What qemu_snapshot says to what is C(typed). C(layers): of each disk, from the top, each a path, tags and what else a layer is."""
    wish = checked(**typed)
    disks = []
    for number, of_one in enumerate(layers):
        made = []
        for one in of_one:
            given = dict(one)
            path = given.pop("path", (BASE, OTHER)[number])
            made.append(layer(path, *given.pop("tags", ()), **given))
        disks.append(disk(*made, name=wish.name, live=live, taken=taken))
    chain = Chain(tuple(external(**one) for one in entries))
    return plan.plan(model.Now("vm1", status, chain, tuple(disks), others or {}), wish)
