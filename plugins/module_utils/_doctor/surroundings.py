# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what is around a host's bridges: the host's own checks, and what is known of its wires. Nothing is changed."""

from __future__ import annotations

import os
from typing import Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Wire
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.takers import is_here
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    read as managers,
)

_SYSFS = "/sys/class/net"
_STRICT = 1
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
    sysfs: str = _SYSFS,
) -> dict[str, Wire]:
    """What is behind each uplink. C(passed_through) names the macvlans that take all frames, and is asked only where there is a macvlan."""
    links = list(links)
    other = {link.name for link in links if link.kind == "macvlan"}
    if other:
        other -= passed_through()
    return {link.name: Wire(_part_of_a_card(link, sysfs), link.name in other) for link in links}


def cloud(folder: str = "/sys/class/dmi/id") -> str | None:
    """Whose machine this is, where that is somebody who looks at MACs; None elsewhere."""
    vendor = (managers.text(os.path.join(folder, "sys_vendor")) or "").strip()
    product = (managers.text(os.path.join(folder, "product_name")) or "").strip()
    wanted = _CLOUDS.get(vendor)
    return vendor if wanted is not None and product.startswith(wanted) else None


def _part_of_a_card(link: Link, sysfs: str) -> bool:
    return is_here(link, sysfs) and os.path.exists(
        os.path.join(sysfs, link.name, "device", "physfn")
    )


def _number(path: str) -> int:
    text = (managers.text(path) or "").strip()
    return int(text) if text.isdecimal() else 0
