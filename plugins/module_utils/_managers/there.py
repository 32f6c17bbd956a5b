# SPDX-License-Identifier: GPL-3.0-or-later
"""Which managers of networks with a hand in any device run on this host, or will at its next boot: by what systemd tells in links. Nothing is started."""

from __future__ import annotations

import glob
import os
from typing import Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._managers import hands_off
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    NETWORKD,
    NETWORKMANAGER,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import (
    is_the_hosts_network,
)

# A manager's service, and what starts that beside it: networkd has a socket on which each change of a device is heard
_UNITS: Mapping[str, Sequence[str]] = {
    NETWORKD: ("systemd-networkd.service", "systemd-networkd.socket"),
    NETWORKMANAGER: ("NetworkManager.service",),
}
_FOLDERS = ("etc", "run", "usr/lib", "lib")
_RUNS = "run/systemd/units/invocation:{unit}"  # there while a unit is active


def there(root: str = "/") -> frozenset[str]:
    """The managers that run, or are enabled and not masked."""
    return frozenset(one for one in _UNITS if runs(one, root) or _boots(one, root))


def runs(manager: str, root: str = "/") -> bool:
    """Whether a manager runs by now."""
    return os.path.lexists(os.path.join(root, _RUNS.format(unit=_UNITS[manager][0])))


def counts(root: str = "/") -> bool:
    """Whether they are about this network at all: those of a host are in its own namespace."""
    return root != "/" or is_the_hosts_network()


def concerned(root: str = "/") -> bool:
    """Whether devices of this host are to be protected from somebody, or were."""
    if not counts(root):
        return False
    return bool(there(root)) or any(_found(root, one) for one in hands_off.PATTERNS)


def _boots(manager: str, root: str) -> bool:
    service = _UNITS[manager][0]
    masks = [os.path.join(root, one, "systemd/system", service) for one in ("etc", "run")]
    if any(os.path.islink(one) and os.readlink(one) == os.devnull for one in masks):
        return False
    return any(
        _found(root, f"{folder}/systemd/system/*.{word}/{unit}")
        for unit in _UNITS[manager]
        for folder in _FOLDERS
        for word in ("wants", "requires")
    )


def _found(root: str, pattern: str) -> list[str]:
    return glob.glob(os.path.join(glob.escape(root), pattern.lstrip("/")))
