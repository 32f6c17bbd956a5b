# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the machine who owns a NIC; what the answers mean is told by owners.py. Nothing is written, and no program asked."""

from __future__ import annotations

import os

from ansible_collections.hypervisor.network.plugins.module_utils._host import ifupdown2
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    owners,
    state_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    IFUPDOWN,
    IFUPDOWN2,
    Owner,
)

_MOST_BYTES = 1 << 20


def owner(dev: str, index: int, root: str = "/") -> Owner | None:
    """Who manages a device, given with its number; None for nobody. Raises Refused where two say so."""
    said = {}
    for pattern in (state_files.LINK, state_files.DEVICE, owners.LET_GO, owners.IFSTATE):
        path = pattern.format(index=index, dev=dev)
        found = text(os.path.join(root, path))
        if found is not None:
            said[path] = found
    source = state_files.keys(said.get(state_files.LINK.format(index=index), "")).get(
        "NETWORK_FILE", ""
    )
    if owners.OURS in source:
        said[source.lstrip("/")] = text(os.path.join(root, source.lstrip("/"))) or ""
    return owners.owner(dev, index, said, dialect(root))


def dialect(root: str = "/") -> str:
    """Which of both ifupdowns reads interfaces(5) here, if one does."""
    return IFUPDOWN2 if ifupdown2.is_here(root) else IFUPDOWN


def is_the_hosts_network() -> bool:
    """Whether this is the network that the host's managers are in, and no namespace beside it."""
    try:
        return os.stat("/proc/self/ns/net").st_ino == os.stat("/proc/1/ns/net").st_ino
    except OSError:
        return False


def text(path: str) -> str | None:
    """What a file says; None where there is none, or it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_MOST_BYTES)
    except OSError:
        return None
