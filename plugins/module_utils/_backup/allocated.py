# SPDX-License-Identifier: GPL-3.0-or-later
"""A bitmap of what a disk holds, in the QEMU that has it open, so that a backup with a rate takes no time for what is empty.

QEMU counts zeros as data unless a bitmap leaves them out, and no command of it sets the bits of one. So a bitmap of what is written begins, QEMU tells by
NBD where there is something, in whatever layer, and a bitmap of that is made in a small image beside the backup: qemu-io discards there, which sets bits
and nothing else. Both are merged as the backup begins. Where one of these steps cannot be had, such as with an NBD server of somebody else's, all is read.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
from dataclasses import dataclass
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._backup import extents, files
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import PREFIX
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import rights_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor import (
    Drive,
    Monitor,
)

WHOLE = f"{PREFIX}whole"  # what the backup is written by
_SINCE = f"{PREFIX}since"
BITMAPS = (WHOLE, _SINCE)
_NAME = "allocated"
_SECONDS = 20.0
_AT_ONCE = 1000  # words of one command line
_LONGEST = 2**30  # bytes of one request


@dataclass(frozen=True)
class Place:
    """Where a guest's own sockets are, whom it runs as, and a folder of root's for what is needed meanwhile."""

    public: str
    user: pwd.struct_passwd
    folder: str


def actions(monitor: Monitor, drive: Drive, node: str, place: Place) -> list[dict[str, Any]]:
    """What a transaction has to do first for WHOLE to be the bitmap of all that the disk holds then; nothing where that cannot be had.

    C(node) is a name for the image of the bitmap, and for what tells of the disk: QEMU may take its time to end the one of the disk before. All that is
    left of it goes with C(clear) of live.py.
    """
    path = os.path.join(place.folder, f"{node}.map")
    try:
        monitor.ask("block-dirty-bitmap-add", **_of(drive, _SINCE), persistent=False)
        pieces = extents.found(_told(monitor, drive, node, place), drive.size)
        _draw(path, drive.size, pieces)
        _open(monitor, path, node)
    except (GuestError, OSError, ValueError):
        return []
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # QEMU has it open
    sources = [_SINCE, {"node": node, "name": _NAME}]
    return [
        {"type": "block-dirty-bitmap-add", "data": {**_of(drive, WHOLE), "disabled": True}},
        {
            "type": "block-dirty-bitmap-merge",
            "data": {"node": drive.node, "target": WHOLE, "bitmaps": sources},
        },
    ]


def clear(monitor: Monitor) -> None:
    """End what tells of disks in QEMU, whoever began it; the bitmaps and the images of them are for whoever removes and closes those."""
    for one in monitor.ask("query-block-exports"):
        if str(one["id"]).startswith(PREFIX):
            _end(monitor, one["id"])


def _of(drive: Drive, name: str) -> dict[str, Any]:
    return {"node": drive.node, "name": name, "granularity": extents.GRANULARITY}


def _told(monitor: Monitor, drive: Drive, export: str, place: Place) -> str:
    """What qemu-img says of the disk as QEMU has it, asked as the guest's user, who alone gets to it."""
    path = os.path.join(place.public, "map.sock")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    monitor.ask("nbd-server-start", addr={"type": "unix", "data": {"path": path}})
    try:
        monitor.ask("block-export-add", type="nbd", id=export, **{"node-name": drive.node}, name=_NAME)  # fmt: skip
        server = {"type": "unix", "path": path}
        asked = json.dumps({"driver": "nbd", "export": _NAME, "server": server})
        return _run("qemu-img", ["map", "--output=json", f"json:{asked}"], rights_of(place.user))
    finally:
        _end(monitor, export)


def _end(monitor: Monitor, export: str) -> None:
    with contextlib.suppress(GuestError):
        monitor.ask("block-export-del", id=export, mode="hard")
    with contextlib.suppress(GuestError):
        monitor.ask("nbd-server-stop")


def _draw(path: str, size: int, pieces: list[tuple[int, int]]) -> None:
    """Make an empty image with a bitmap of these pieces."""
    files.create(path, "qcow2", size, None, None)
    words = ["bitmap", "--add", "-g", str(extents.GRANULARITY), "-f", "qcow2", path, _NAME]
    _run("qemu-img", words)
    steps = [
        f"discard {at} {min(_LONGEST, begin + length - at)}"
        for begin, length in pieces
        for at in range(begin, begin + length, _LONGEST)
    ]
    for first in range(0, len(steps), _AT_ONCE):
        told = [word for step in steps[first : first + _AT_ONCE] for word in ("-c", step)]
        _run("qemu-io", ["-f", "qcow2", *told, path])


def _open(monitor: Monitor, path: str, node: str) -> None:
    handed = files.handed(monitor.hand, path, os.O_RDONLY, node)
    file = {"driver": "file", "filename": handed, "read-only": True}
    monitor.ask("blockdev-add", **{"driver": "qcow2", "node-name": node, "read-only": True}, file=file)  # fmt: skip


def _run(name: str, words: list[str], rights: dict[str, Any] | None = None) -> str:
    """What a program of QEMU's prints. Raises OSError where it cannot be had, or fails."""
    program = programs.path_of(name)
    if program is None:
        raise FileNotFoundError(name)
    done = programs.run([program, *words], _SECONDS, rights=rights)
    if done.status != 0:
        raise OSError(done.status, programs.last_words(done.errors), name)
    return done.output
