# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a guest that runs, by its monitor."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor import (
    PREFIX,
    Done,
    Drive,
    Monitor,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import checks

Freeze = Callable[[], AbstractContextManager[Any]]


def drive_of(drives: Sequence[Drive], files: Sequence[str]) -> Drive | None:
    """The drive that has one of these images in its chain: a disk, whatever is on top of it by now."""
    return next((drive for drive in drives if set(files) & set(drive.files)), None)


def writable(drives: Sequence[Drive]) -> list[Drive]:
    return [drive for drive in drives if not drive.read_only]


def overlay(
    monitor: Monitor,
    overlays: Mapping[str, tuple[Drive, Mapping[str, Any]]],
    freeze: Freeze = nullcontext,
) -> str | None:
    """Put an overlay, by its path, on top of each of these drives, all at one moment, within C(freeze); opened as the image below it was said to be.

    Returns why the guest's file systems were not held still from begin to end, None where they were or nobody asked for it. Nothing is
    changed where one of them cannot have it.
    """
    nodes: dict[str, str] = {}
    done = False
    try:
        for path, (_drive, how) in overlays.items():
            node = f"snapshot-{secrets.token_hex(6)}"
            # without what is below: the transaction puts that there, and opened twice it would be locked
            monitor.ask(
                "blockdev-add",
                **{
                    "driver": "qcow2",
                    "node-name": node,
                    "discard": "unmap",
                    "backing": None,
                    **how,
                },
                file={"driver": "file", "filename": path, "locking": "auto"},
            )
            nodes[path] = node
        actions = [
            {"type": "blockdev-snapshot", "data": {"node": drive.node, "overlay": nodes[path]}}
            for path, (drive, _how) in overlays.items()
        ]
        with freeze() as held:
            monitor.ask("transaction", actions=actions)
            done = True
        return getattr(held, "note", None)
    finally:
        if not done:
            for node in nodes.values():
                monitor.ask("blockdev-del", **{"node-name": node})


def save(monitor: Monitor, name: str, drives: Sequence[Drive]) -> list[Done]:
    """An internal snapshot of the machine's memory and of every drive that it may write to: one left out would be of another moment."""
    nodes = [drive.node for drive in drives]
    return _job(monitor, "save", "snapshot-save", tag=name, vmstate=nodes[0], devices=nodes)


def load(monitor: Monitor, name: str, drives: Sequence[Drive]) -> list[Done]:
    """The machine and its drives as they were; it runs on if it ran."""
    for drive in drives:
        # what a bitmap says to be as it was is not so afterwards, and QEMU refuses while there is one: a backup is full again then
        for bitmap in drive.bitmaps:
            if str(bitmap.get("name", "")).startswith(PREFIX):
                monitor.ask("block-dirty-bitmap-remove", node=drive.node, name=bitmap["name"])
    nodes = [drive.node for drive in drives]
    return _job(monitor, "load", "snapshot-load", tag=name, vmstate=nodes[0], devices=nodes)


def forget(monitor: Monitor, name: str, drives: Sequence[Drive]) -> list[Done]:
    """Remove an internal snapshot from those drives that have it."""
    nodes = [drive.node for drive in drives if name in drive.snapshots]
    if not nodes:
        return []
    return _job(monitor, "forget", "snapshot-delete", tag=name, devices=nodes)


def _job(monitor: Monitor, word: str, command: str, **arguments: Any) -> list[Done]:
    ident = f"{PREFIX}{word}"
    if ident in monitor.jobs():  # of a run that was killed
        monitor.finish([ident])
    monitor.ask(command, **{"job-id": ident}, **arguments)
    return monitor.finish([ident])


def merge(
    monitor: Monitor,
    drive: Drive,
    image: Image,
    recorded: Callable[[], None],
    hold: Callable[[bool], None],
    moved_to: Callable[[int, int], None] = lambda _at, _total: None,
) -> list[Done]:
    """Write an overlay of a drive into the image below it while the guest runs.

    The overlay on top goes away in the moment in which the guest's next write goes below it. Were the host to stop right then, a start on
    the overlay would lose that write, and one below it what was not merged yet: so the guest is held still until C(recorded) has said which
    it is; C(hold(True)) and C(hold(False)) are told before and after. C(moved_to(bytes, of how many)) is told now and then.
    """
    below = checks.below(image.path, image.backing)
    base = checks.below(image.path, monitor.node_of(below.path))
    ident = f"{PREFIX}merge-{hashlib.sha256(image.path.encode()).hexdigest()[:12]}"
    top = drive.file == image.path
    started = ident in monitor.jobs()
    if not started:
        more = {} if top else {"top-node": monitor.node_of(image.path), "backing-file": below.path}  # fmt: skip
        monitor.ask("block-commit", **{"job-id": ident, "device": drive.node, "base-node": base, "auto-dismiss": False, **more})  # fmt: skip
    held = False

    def ready(job: str) -> None:
        nonlocal held
        if monitor.status == "running":
            hold(True)
            held = True
            monitor.ask("stop")
        monitor.ask("job-complete", id=job)

    try:
        done = monitor.finish([ident], ready, moved_to)
        if top:
            # asked of a machine that is held still already, it writes out what QEMU has not written of the image below
            monitor.ask("stop")
        recorded()
        return done
    finally:
        if held:
            monitor.ask("cont")
            hold(False)
