# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manager of networks would take a port out of its bridge, by what the managers keep of it below /run. Nothing is changed, and nobody asked."""

from __future__ import annotations

import glob
import os
import re
import shlex
from typing import Iterable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    owners,
    port,
    state_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    read as managers,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import keyfile
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import told

_SYSFS = "/sys/class/net"
# Where NetworkManager finds profiles; of one that stands twice the first counts
_PROFILES = tuple(f"{one}/NetworkManager/system-connections" for one in ("etc", "run", "usr/lib"))
_KEEPS = re.compile(
    r"^\s*(?:Bridge\s*=\s*\S|KeepMaster\s*=\s*(?:yes|true|on|1)\s*$)", re.MULTILINE | re.I
)


def of_links(links: Iterable[Link], root: str = "/", sysfs: str = _SYSFS) -> dict[str, str]:
    """By port the sentence, as C(takers) has it, of all of this network's; of another namespace's device the files of managers tell nothing."""
    kept = (state_files.LINK, state_files.DEVICE)
    folders = [os.path.join(root, os.path.dirname(one)) for one in kept]
    if not any(map(os.path.isdir, folders)):
        return {}
    return takers((one for one in links if one.port is not None and is_here(one, sysfs)), root)


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


def is_here(link: Link, sysfs: str = _SYSFS) -> bool:
    """Whether this sysfs, and with it what programs of the host tell of devices by their numbers, is of the link's own namespace."""
    return told(link, "ifindex", sysfs) is not None
