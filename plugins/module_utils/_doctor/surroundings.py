# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what is around a host's bridges: the host's own checks, and what is known of its wires. Nothing is changed."""

from __future__ import annotations

import functools
import os
from typing import Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Part, Wire
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.takers import is_here
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    read as managers,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.virtual_functions import (
    Settings,
)

_SYSFS = "/sys/class/net"
_STRICT = 1
_FUNCTION = "virtfn"
# DMI's sys_vendor of machines whose network lets nobody but the NIC's own MAC speak, unless it is told otherwise; and the product where that tells
_CLOUDS: Mapping[str, str] = {
    "Akamai": "",
    "Alibaba Cloud": "",
    "Amazon EC2": "",
    "DigitalOcean": "",
    "Exoscale": "",
    "Google": "Google Compute Engine",
    "Hetzner": "vServer",
    "Linode": "",
    "Microsoft Corporation": "Virtual Machine",
    "OpenStack Foundation": "",
    "Scaleway": "",
    "Tencent Cloud": "",
    "UpCloud": "",
    "VMware, Inc.": "",
    "Vultr": "",
}


def strict(devices: Iterable[str], folder: str = "/proc/sys/net/ipv4/conf") -> frozenset[str]:
    """The devices whose rp_filter is strict: the larger of theirs and that of all counts."""
    every = _number(os.path.join(folder, "all", "rp_filter"))
    own = {dev: _number(os.path.join(folder, dev, "rp_filter")) for dev in devices}
    return frozenset(dev for dev, number in own.items() if max(number, every) == _STRICT)


def wires(
    links: Iterable[Link],
    passed_through: Callable[[], frozenset[str]],
    parts: Callable[[], Mapping[str, Mapping[int, Settings]]],
    sysfs: str = _SYSFS,
) -> dict[str, Wire]:
    """What is behind each uplink. C(passed_through) names the macvlans that take all frames, C(parts) says what cards let their parts do; either is asked
    only where there is such an uplink.
    """
    links = list(links)
    other = {link.name for link in links if link.kind == "macvlan"}
    if other:
        other -= passed_through()
    parts = functools.cache(parts)
    return {link.name: Wire(_part(link, parts, sysfs), link.name in other) for link in links}


def cloud(folder: str = "/sys/class/dmi/id") -> str | None:
    """Whose machine this is, where that is somebody who looks at MACs; None elsewhere."""
    vendor = (managers.text(os.path.join(folder, "sys_vendor")) or "").strip()
    product = (managers.text(os.path.join(folder, "product_name")) or "").strip()
    wanted = _CLOUDS.get(vendor)
    return vendor if wanted is not None and product.startswith(wanted) else None


def _part(
    link: Link, parts: Callable[[], Mapping[str, Mapping[int, Settings]]], sysfs: str
) -> Part | None:
    """Source: Linux' Documentation/ABI/testing/sysfs-bus-pci (physfn, virtfnN)."""
    device = os.path.join(sysfs, link.name, "device")
    card = os.path.join(device, "physfn")
    if not is_here(link, sysfs) or not os.path.exists(card):
        return None
    names = _listed(os.path.join(card, "net"))
    numbers = [
        int(one[len(_FUNCTION) :])
        for one in _listed(card)
        if one.startswith(_FUNCTION)
        and os.path.realpath(os.path.join(card, one)) == os.path.realpath(device)
    ]
    driver = os.path.basename(os.path.realpath(os.path.join(device, "driver")))
    if not names or not numbers:
        return Part(driver=driver)
    told = parts().get(names[0], {}).get(numbers[0], Settings(None, None))
    return Part(names[0], numbers[0], told.spoofchk, told.trust, driver)


def _listed(folder: str) -> list[str]:
    """What is in a folder; nothing where it is not there, or went meanwhile."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _number(path: str) -> int:
    text = (managers.text(path) or "").strip()
    return int(text) if text.isdecimal() else 0
