# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the files of DHCP clients say of one device, which keeps its lease from going over to another.

A dhclient serves the devices of its command line and all that its file declares, so that of a bridge would give a NIC that is declared its addresses back.
dhcpcd tells a server by the sections of its file; what is said of a NIC alone makes its bridge another client. Sources: dhclient 4.4's
discover_interfaces(), seen with 4.4.3; dhclient.conf(5); dhcpcd.conf(5).
"""

from __future__ import annotations

import re
from typing import Iterable, Iterator, Mapping

# Below the root of the file system
DHCLIENT, DHCPCD = "etc/dhcp/dhclient.conf", "etc/dhcpcd.conf"
FILES = (DHCLIENT, DHCPCD)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|#[^\n]*|[{};]|[^\s"{};#]+')
# After these dhcpcd reads for another device, or for part of what it meets there
_SECTIONS = ("interface", "ssid", "profile", "arping")
_TOLD = ("clientid", "duid", "iaid", "hostname", "userclass", "vendorclassid", "anonymous")


def declared(files: Mapping[str, str], devs: Iterable[str]) -> str | None:
    """The first of the devices that every dhclient serves, because its file declares it; C(files) maps paths below the root to texts."""
    found = set(_declared(files.get(DHCLIENT, "")))
    return next((dev for dev in devs if dev in found), None)


def lost(files: Mapping[str, str], nic: str, bridge: str) -> str | None:
    """The first line of dhcpcd's by which a server hears of the NIC what it would not of the bridge; C(files) as for declared()."""
    text = files.get(DHCPCD, "")
    kept = set(_told(text, bridge))
    return next((one for one in _told(text, nic) if one not in kept), None)


def _declared(text: str) -> Iterator[str]:
    """The names of interfaces that are declared, outside of all other declarations."""
    depth, words = 0, []
    for token in _TOKEN.findall(text):
        if token.startswith("#"):
            continue
        if token not in "{};":
            words.append(token)
            continue
        if token == "{" and depth == 0 and words[:1] == ["interface"] and len(words) == 2:
            yield words[1].strip('"')
        depth = max(0, depth + {"{": 1, "}": -1}.get(token, 0))
        words = []


def _told(text: str, dev: str) -> Iterator[str]:
    """What is said in the sections of a device, and is told to a server."""
    mine = False
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words[:1] and words[0] in _SECTIONS:
            mine = words == ["interface", dev]
        elif mine and words[:1] and words[0] in _TOLD:
            yield " ".join(words)
