# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots of each guest as this collection made them, and which overlay is on top of each disk: kept over a boot.

::

    /var/lib/hypervisor-network/snapshots/    root, 0700
    └── vm1.json                              the guest's snapshots, the oldest first

A guest that is started on an image below its overlay writes there what makes the overlay worthless, and nobody would see it. So an
overlay is on record before QEMU begins to write to it, and every start looks here (C(tops)).
"""

from __future__ import annotations

import contextlib
import os

from ansible_collections.hypervisor.network.plugins.module_utils._host import places
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import (
    Chain,
    check_whole,
    parsed,
)

ROOT = os.path.join(places.KEPT, "snapshots")


def load(guest: str, root: str = ROOT) -> Chain:
    """What is on record of a guest's snapshots. Raises Refused where there is a record that cannot be read: nothing may be started on a guess."""
    path = _path(guest, root)
    found = rundir.load(path)
    return Chain() if found is None and not os.path.lexists(path) else parsed(guest, path, found)


def store(guest: str, chain: Chain, root: str = ROOT) -> None:
    """Write the record, for good when this returns; one that says nothing is removed.

    The guest's unit names the images as they were, so that systemd does not start it until it is written again.
    """
    if root == ROOT:
        rundir.hold(guest)
    if not chain.entries and not chain.garbage:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_path(guest, root))
        return
    places.own_directory(places.KEPT, 0o700)
    places.own_directory(root, 0o700)
    rundir.store(
        _path(guest, root),
        {
            "entries": [entry.as_dict() for entry in chain.entries],
            "garbage": list(chain.garbage),
        },
    )


def tops(guest: str, root: str = ROOT) -> dict[str, str]:
    """What a start of the guest opens in the place of its disks' images. Raises Refused while its disks are of two moments."""
    chain = load(guest, root)
    for entry in chain.entries:
        check_whole(guest, entry.name, entry.phase)
    return chain.tops()


def _path(guest: str, root: str) -> str:
    return os.path.join(root, f"{guest}.json")
