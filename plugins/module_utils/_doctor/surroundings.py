# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what is around a host's bridges: who else manages their ports, the host's own checks, and what is known of its wires. Nothing is changed."""

from __future__ import annotations

import array
import contextlib
import fcntl
import glob
import os
import re
import shlex
import socket
import struct
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Wire
from ansible_collections.hypervisor.network.plugins.module_utils._managers import owners, port
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    read as managers,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import keyfile
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import told

_SYSFS = "/sys/class/net"
_SIOCETHTOOL, _ETHTOOL_GFLAGS, _ETH_FLAG_LRO = 0x8946, 0x25, 1 << 15
_IFF_PROMISC = 0x100
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
# Where NetworkManager finds profiles; of one that stands twice the first counts
_PROFILES = tuple(f"{one}/NetworkManager/system-connections" for one in ("etc", "run", "usr/lib"))
_KEEPS = re.compile(
    r"^\s*(?:Bridge\s*=\s*\S|KeepMaster\s*=\s*(?:yes|true|on|1)\s*$)", re.MULTILINE | re.I
)


def takers(ports: Iterable[Link], root: str = "/") -> dict[str, str]:
    """By port the sentence about a manager that says the port is its own, and does not say that it keeps its bridge."""
    found = {}
    profiles = None
    for link in ports:
        try:
            owner = managers.owner(link.name, link.index, root)
        except Refused as error:
            found[link.name] = str(error).rstrip(".")
            continue
        if owner is None:
            continue
        if owner.manager in (port.NETWORKD, port.NETPLAN) and not _keeps(owner, root):
            found[link.name] = (
                f"{link.name} is managed by systemd-networkd by {owner.source}, which keeps it in no bridge and takes it out at the next reload"
            )
        elif owner.manager == port.NETWORKMANAGER:
            profiles = _profiles(root) if profiles is None else profiles
            sentence = _of_networkmanager(link, owner, profiles)
            found.update({} if sentence is None else {link.name: sentence})
    return found


def _profiles(root: str) -> list[keyfile.Groups]:
    base = glob.escape(root.rstrip("/"))
    paths = [path for one in _PROFILES for path in sorted(glob.glob(f"{base}/{one}/*"))]
    return [keyfile.parse(managers.text(path) or "") for path in paths]


def _of_networkmanager(
    link: Link, owner: port.Owner, profiles: Sequence[keyfile.Groups]
) -> str | None:
    """Why a port may not stay where it is; None where its own profile has it there. What has a profile is not to be let go: it may go with it."""
    bridge = link.master or ""
    hosts = [
        one for one in profiles if keyfile.value(one, "connection", "interface-name") == bridge
    ]
    own = [
        one
        for one in profiles
        if owner.source and keyfile.value(one, "connection", "uuid") == owner.source
    ]
    if not own:
        return f"{link.name} is managed by NetworkManager, which may take it out of its bridge; 'nmcli device set {link.name} managed no' has it let go"
    if any(keyfile.is_port(own[0], bridge, host) for host in hosts or [{}]):
        return None
    return (
        f"{link.name} is set up by a profile of NetworkManager, which makes it no port of {bridge} at its next start; "
        f"'nmcli connection modify {shlex.quote(owner.source)} master {shlex.quote(bridge)} slave-type bridge' does"
    )


def _keeps(owner: port.Owner, root: str) -> bool:
    """Whether the files in force for a link of networkd name a bridge, or say to keep the one that it has."""
    paths = [owner.source, *owner.facts.get("NETWORK_FILE_DROPINS", "").strip('"').split(":")]
    texts = [managers.text(os.path.join(root, path.lstrip("/"))) for path in paths if path]
    return owners.OURS in owner.source or any(_KEEPS.search(text or "") for text in texts)


def strict(devices: Iterable[str], folder: str = "/proc/sys/net/ipv4/conf") -> frozenset[str]:
    """The devices whose rp_filter is strict: the larger of theirs and that of all counts."""
    every = _number(os.path.join(folder, "all", "rp_filter"))
    own = {dev: _number(os.path.join(folder, dev, "rp_filter")) for dev in devices}
    return frozenset(dev for dev, number in own.items() if max(number, every) == _STRICT)


def wires(
    links: Iterable[Link],
    sysfs: str = _SYSFS,
    ioctl: Callable[..., Any] = fcntl.ioctl,
) -> dict[str, Wire]:
    """By uplink what sysfs and its driver tell."""
    return {
        link.name: Wire(
            _promiscuous(link, sysfs), _merges(link.name, ioctl), _part_of_a_card(link, sysfs)
        )
        for link in links
    }


def cloud(folder: str = "/sys/class/dmi/id") -> str | None:
    """Whose machine this is, where that is somebody who looks at MACs; None elsewhere."""
    vendor = (managers.text(os.path.join(folder, "sys_vendor")) or "").strip()
    product = (managers.text(os.path.join(folder, "product_name")) or "").strip()
    wanted = _CLOUDS.get(vendor)
    return vendor if wanted is not None and product.startswith(wanted) else None


def is_here(link: Link, sysfs: str = _SYSFS) -> bool:
    """Whether this sysfs, and with it what programs of the host tell of devices by their numbers, is of the link's own namespace."""
    return told(link, "ifindex", sysfs) is not None


def _promiscuous(link: Link, sysfs: str) -> bool | None:
    """Whether a device really takes frames for every MAC, which rtnetlink tells of nobody but its user; None where nothing can tell."""
    flags = told(link, "flags", sysfs)
    return None if flags is None else bool(int(flags, 16) & _IFF_PROMISC)


def _part_of_a_card(link: Link, sysfs: str) -> bool:
    return is_here(link, sysfs) and os.path.exists(
        os.path.join(sysfs, link.name, "device", "physfn")
    )


def _merges(name: str, ioctl: Callable[..., Any]) -> bool | None:
    """What ETHTOOL_GFLAGS says of LRO (linux/ethtool.h, struct ethtool_value); None where the driver has no such word."""
    value = array.array("I", [_ETHTOOL_GFLAGS, 0])
    address, _length = value.buffer_info()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control, contextlib.suppress(OSError):
        ioctl(control, _SIOCETHTOOL, struct.pack("16sP", os.fsencode(name), address))
        return bool(value[1] & _ETH_FLAG_LRO)
    return None


def _number(path: str) -> int:
    text = (managers.text(path) or "").strip()
    return int(text) if text.isdecimal() else 0
