# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Who owns a NIC, by what the managers themselves tell of it below /run. Never worked out from a name: C([Match] Name=en*) takes a NIC that is
called eth0, by its alternative name.

Sources: those of state_files.py, ifupdown's ifstate.
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import places
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    IFUPDOWN,
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
    Owner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.state_files import (
    DEVICE,
    LINK,
    is_networkds,
    is_networkmanagers,
    is_others,
    keys,
)

# Ours: what NetworkManager's file of a device said before it was asked to let go, until the device is its own again
LET_GO = f"{places.RUN[1:]}/networkmanager/{{dev}}"
IFSTATE = "run/network/ifstate"
# Files of networkd's until the next boot, and those of them that netplan makes
NETWORKD_RUN = "/run/systemd/network"
GENERATED = f"{NETWORKD_RUN}/10-netplan-"


OURS = "hypervisor-network"
# Where networkd's files that outlive a boot are, and what those of ours begin with
NETWORKD_KEPT = "/etc/systemd/network"
NETWORKD_LASTING = f"{NETWORKD_KEPT}/05-{OURS}-"
# Those until the next boot, netplan's, and NetworkManager's profiles
NETWORKD_HANDED = f"{NETWORKD_RUN}/04-{OURS}-"
NETPLANS = f"/etc/netplan/95-{OURS}-"
CONNECTIONS = "NetworkManager/system-connections"
PROFILE = "hv-{}"
_BEFORE = "# before: "


def before(text: str) -> str:
    """The path that a file of ours says was in force for its NIC; empty for another's."""
    found = [line for line in text.splitlines() if line.startswith(_BEFORE)]
    return found[0][len(_BEFORE) :].strip() if found else ""


def told(path: str) -> str:
    """The line by which a file of ours tells that, without the sign of a comment."""
    return f"{_BEFORE}{path}"[2:]


def owner(dev: str, index: int, files: Mapping[str, str], dialect: str = IFUPDOWN) -> Owner | None:
    """Who says that the device is theirs; None for nobody. Raises Refused where two do.

    C(files) are the texts by their paths below the root, C(dialect) is the host's ifupdown.
    """
    found = [
        _of_networkd(dev, index, keys(files.get(LINK.format(index=index), "")), files),
        _of_networkmanager(dev, index, files),
    ]
    if dev in keys(files.get(IFSTATE, "")):
        if is_others(keys(files.get(DEVICE.format(index=index), ""))):
            found.pop()  # until the next boot NetworkManager calls it connected (externally)
        found.append(Owner(dialect, dev, index))
    known = [one for one in found if one is not None]
    if len(known) > 1:
        both = " and ".join(one.manager for one in known)
        raise Refused(
            f"{dev} is managed by {both} at once, and what one of them does the other undoes; leave it to one of them first."
        )
    return known[0] if known else None


def _of_networkd(
    dev: str, index: int, facts: Mapping[str, str], files: Mapping[str, str]
) -> Owner | None:
    if not is_networkds(facts):
        return None
    source = facts.get("NETWORK_FILE", "")
    # one of ours stands before whoever's file it was
    mark = before(files.get(source.lstrip("/"), "")) or source
    name = NETPLAN if mark.startswith(GENERATED) else NETWORKD
    return Owner(name, dev, index, source, facts)


def _of_networkmanager(dev: str, index: int, files: Mapping[str, str]) -> Owner | None:
    facts = keys(files.get(DEVICE.format(index=index), ""))
    if not is_networkmanagers(facts):
        facts = keys(files.get(LET_GO.format(dev=dev), ""))
    if not is_networkmanagers(facts):
        return None
    return Owner(NETWORKMANAGER, dev, index, facts.get("connection-uuid", ""), facts)
