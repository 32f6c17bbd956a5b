# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Who else has a hand in a NIC: other managers of networks, told by what they leave below /run and /etc, and how each lets go of it.

Sources: those of _managers/state_files, netplan's generated files, wicked(8), connman.conf(5), dhcpcd.conf(5),
keepalived.conf(5), cloud-init's renderer for interfaces(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import configured
from ansible_collections.hypervisor.network.plugins.module_utils._managers import state_files

# Below the root of the file system; {index} and {nic} are the NIC's.
TRACES = (
    state_files.DEVICE,
    "run/NetworkManager/system-connections/netplan-*",
    state_files.LINK,
    "run/systemd/network/10-netplan-*",
    "run/wicked/leaseinfo.{nic}.*",
    "etc/sysconfig/network/ifcfg-{nic}",
    "etc/connman/main.conf",
    *configured.FILES,
    "etc/keepalived/*.conf",
    "etc/keepalived/*/*.conf",
    "etc/network/interfaces.d/50-cloud-init*",
)
# Titles of processes, as far as they say who runs: dhcpcd's without a device serves all of them
PROGRAMS = re.compile(
    r"^(?:\S*/)?(?P<name>NetworkManager|systemd-networkd|wickedd|connmand|keepalived)\b|^(?P<master>dhcpcd: \[(?:manager|master)\])"
)
MASTER = "dhcpcd"

_HAND_OVER = {
    "NetworkManager": "describe {nic} in /etc/network/interfaces and hand it over with 'nmcli device set {nic} managed no'",
    "systemd-networkd": (
        "describe {nic} in /etc/network/interfaces and hand it over with 'systemctl disable --now systemd-networkd.socket systemd-networkd.service'"
    ),
    "netplan": "take {nic} out of /etc/netplan, describe it in /etc/network/interfaces and hand it over with 'netplan apply'",
    "wicked": "describe {nic} in /etc/network/interfaces, and hand it over with 'systemctl mask wicked.service wickedd.service' and a reboot",
    "connman": "put {nic} on NetworkInterfaceBlacklist in /etc/connman/main.conf and hand it over with 'systemctl restart connman'",
    "dhcpcd": "put 'denyinterfaces {nic}' into /etc/dhcpcd.conf, describe {nic} in /etc/network/interfaces, and hand it over with 'systemctl restart dhcpcd'",
}
_CLOUD_INIT = (
    "cloud-init describes {nic} in /etc/network/interfaces.d anew at each boot, and would take it from the bridge; switch that off with "
    "bridge_host_cloud_init_network: false in the role, or with 'echo \"network: {{config: disabled}}\" > /etc/cloud/cloud.cfg.d/99-disable-network-config.cfg'"
)
_KEEPALIVED = (
    "keepalived holds addresses on {nic}, and would put them back there; hand it over with 'systemctl stop keepalived', and name the bridge in "
    "/etc/keepalived before it starts again"
)
_OFF_BY_DEFAULT = "vmnet,vboxnet,virbr,ifb,ve-,vb-"  # connman.conf(5)


@dataclass(frozen=True)
class Traces:
    """What was found: C(files) by their paths below the root, C(programs) that run, and whether C(cloud_init) may write the network's files."""

    files: Mapping[str, str] = field(default_factory=dict)
    programs: frozenset[str] = frozenset()
    cloud_init: bool = False


def objections(nic: str, traces: Traces) -> Iterator[tuple[str, str]]:
    """(the override's name, a sentence without its end) for each manager that has a hand in the NIC."""
    for manager in _managers(nic, traces):
        yield override_of(manager), refusal(nic, manager)
    if traces.cloud_init and any(
        _says(text, rf"^\s*iface\s+{re.escape(nic)}\s")
        for text in _files(traces, "etc/network/interfaces.d/*")
    ):
        yield "cloud_init", _CLOUD_INIT.format(nic=nic)
    if "keepalived" in traces.programs and any(
        _says(text, rf"^[^#!]*\b{re.escape(nic)}(?![\w.:-])")
        for text in _files(traces, "etc/keepalived/*")
    ):
        yield "keepalived", _KEEPALIVED.format(nic=nic)


def refusal(nic: str, manager: str) -> str:
    """Why a NIC with that manager can't be an uplink, and what to do; a sentence without its end."""
    return f"{nic} is managed by {manager}, which would take its addresses back from the bridge; {_HAND_OVER[manager].format(nic=nic)}"


def override_of(manager: str) -> str:
    """The word that passes over a manager's refusal."""
    return {"systemd-networkd": "networkd"}.get(manager, manager.lower())


def state_file_owner(keys: Mapping[str, str]) -> str | None:
    """Who manages a link, by the keys of NetworkManager's or networkd's file of it; None for nobody."""
    if state_files.is_networkmanagers(keys):
        return "NetworkManager"
    if state_files.is_networkds(keys):
        return "systemd-networkd"
    return None


def _managers(nic: str, traces: Traces) -> Iterator[str]:
    owners = {
        state_file_owner(state_files.keys(text))
        for pattern in (state_files.DEVICE, state_files.LINK)
        for text in _files(traces, pattern.format(index="*"))
    }
    generated = [
        text
        for pattern in ("run/NetworkManager/system-connections/*", "run/systemd/network/*")
        for text in _files(traces, pattern)
    ]
    # netplan only writes for one of the two: who is told of it has the cure for both
    if owners - {None} and any(
        _says(text, rf"^(?:interface-name|Name|OriginalName)=(?:.*\s)?{re.escape(nic)}(?:\s|$)")
        for text in generated
    ):
        yield "netplan"
    else:
        yield from sorted(owner for owner in owners if owner is not None)
    if "wickedd" in traces.programs and (
        _files(traces, "run/wicked/*") or _files(traces, "etc/sysconfig/network/*")
    ):
        yield "wicked"
    if "connmand" in traces.programs and not nic.startswith(_left_alone_by_connman(traces)):
        yield "connman"
    if MASTER in traces.programs and not _denied_to_dhcpcd(nic, traces):
        yield "dhcpcd"


def _left_alone_by_connman(traces: Traces) -> tuple[str, ...]:
    found = re.findall(
        r"^NetworkInterfaceBlacklist\s*=\s*(\S+)",
        traces.files.get("etc/connman/main.conf", ""),
        re.MULTILINE,
    )
    return tuple(prefix for prefix in (found or [_OFF_BY_DEFAULT])[-1].split(",") if prefix)


def _denied_to_dhcpcd(nic: str, traces: Traces) -> bool:
    text = traces.files.get("etc/dhcpcd.conf", "")
    named = {
        word: " ".join(re.findall(rf"^\s*{word}\s+(.+)$", text, re.MULTILINE)).split()
        for word in ("allowinterfaces", "denyinterfaces")
    }
    allowed = not named["allowinterfaces"] or any(
        fnmatch(nic, pattern) for pattern in named["allowinterfaces"]
    )
    return not allowed or any(fnmatch(nic, pattern) for pattern in named["denyinterfaces"])


def _files(traces: Traces, pattern: str) -> list[str]:
    """What the files say whose paths fit."""
    return [text for path, text in traces.files.items() if fnmatch(path, pattern)]


def _says(text: str, pattern: str) -> bool:
    return re.search(pattern, text, re.MULTILINE) is not None
