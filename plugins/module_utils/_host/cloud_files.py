# SPDX-License-Identifier: GPL-3.0-or-later
"""What cloud-init has written of this host's network, and whether it would do so again."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    cloud_init,
    regular_file,
)

# Below the root: what it renders for netplan, networkd, NetworkManager and ifupdown (cloudinit/net, cloudinit/distros/debian.py)
_RENDERED = (
    "etc/netplan/50-cloud-init*.yaml",
    "etc/systemd/network/10-cloud-init-*",
    "etc/NetworkManager/system-connections/cloud-init-*",
    "etc/network/interfaces.d/50-cloud-init*",
)
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class CloudInit:
    """Whether it is C(there), whether its part for the network is C(on), and the files that it has C(rendered), by path."""

    there: bool = False
    on: bool = False
    rendered: Mapping[str, str] = field(default_factory=dict)


def read(root: str = "/") -> CloudInit:
    """cloud-init of a host; where it was never installed there is nothing of it."""
    folder = os.path.join(root, "etc/cloud")
    if not os.path.isdir(os.path.join(folder, "cloud.cfg.d")):
        return CloudInit()
    found = {}
    for pattern in _RENDERED:
        for path in sorted(glob.glob(os.path.join(glob.escape(root), pattern))):
            if regular_file.is_file(path):
                text = regular_file.read_bytes(path)[:_MOST_BYTES]
                found["/" + os.path.relpath(path, root)] = text.decode("utf-8", "replace")
    return CloudInit(True, not cloud_init.is_off(folder), found)
