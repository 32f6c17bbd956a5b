# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What keeps managers of networks from devices that are not theirs, whoever's files make these boot: a file for each device.

A broad C([Match]), such as C(Type=ether) or C(Name=*), has networkd take every port out of its bridge, and ask for an address on each. Seen with 257: a tap
of which C(Unmanaged=yes) is said stays in its bridge, while networkd reads that and when it begins anew, also where it had the tap before; one
of which C(Bridge=) names a bridge that networkd has no .netdev file of is taken out. Sources: systemd.network(5), NetworkManager.conf(5).
"""

from __future__ import annotations

from typing import Callable, Collection, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._managers import owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
    File,
    Wish,
)

# whose files are read by whom
_READERS: Mapping[str, str] = {NETPLAN: NETWORKD}
_UNMANAGED = "Unmanaged=yes"
_TOLD = "# hypervisor.network: {dev} is not {whose}, and left alone; bridge_persist with state absent removes this\n"


def of_networkd(dev: str) -> str:
    """The .network file of a device. It is the same whether networkd boots the device or leaves it alone, so there is never one of each."""
    return f"{owners.NETWORKD_LASTING}{dev}.network"


def of_networkmanager(dev: str) -> str:
    """The file of NetworkManager's configuration that is about a device."""
    return f"/etc/NetworkManager/conf.d/{owners.OURS}-hands-off-{dev}.conf"


def _networkds_text(dev: str) -> str:
    told = _TOLD.format(dev=dev, whose="networkd's")
    return f"{told}[Match]\nName={dev}\n\n[Link]\n{_UNMANAGED}\n"


def is_networkds(text: str) -> bool:
    """Whether the .network file of a device is one of these."""
    return _UNMANAGED in text.splitlines()


def _networkmanagers_text(dev: str) -> str:
    told = _TOLD.format(dev=dev, whose="NetworkManager's")
    return f"{told}[keyfile]\nunmanaged-devices+=interface-name:={dev}\n"


_Named = Callable[[str], str]
_FILES: Mapping[str, tuple[_Named, _Named]] = {
    NETWORKD: (of_networkd, _networkds_text),
    NETWORKMANAGER: (of_networkmanager, _networkmanagers_text),
}
# Where files of this kind are, as patterns
PATTERNS = tuple(path("*") for path, _text in _FILES.values())


def files(wish: Wish, there: Collection[str], own: str) -> list[File]:
    """The files of all devices of a wish, for each manager but the one that they are made to boot by; of one that is not C(there), there shall be none."""
    return [
        File(path(dev), text(dev) if wish.present and manager in there else None)
        for manager, (path, text) in _FILES.items()
        if manager != _READERS.get(own, own)
        for dev in wish.names
    ]
