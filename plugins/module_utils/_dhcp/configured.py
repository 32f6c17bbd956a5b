# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the files of DHCP clients say of one device alone: its bridge would be another client to a server, or tell it less.

Sources: dhclient.conf(5), dhcpcd.conf(5).
"""

from __future__ import annotations

import re
from typing import Callable, Iterator, Mapping

# Below the root of the file system
FILES = ("etc/dhcp/dhclient*.conf", "etc/dhcpcd.conf")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|#[^\n]*|[{};]|[^\s"{};#]+')
# After these dhcpcd reads for another device, or for part of what it meets there
_SECTIONS = ("interface", "ssid", "profile", "arping")
_TOLD_BY_DHCPCD = (
    "clientid",
    "duid",
    "iaid",
    "hostname",
    "userclass",
    "vendorclassid",
    "anonymous",
)


def lost(program: str, files: Mapping[str, str], nic: str, bridge: str) -> tuple[str, str] | None:
    """The first that a client tells a server by the name of its NIC and would not tell it by the bridge's.

    C(program) is the client's name, C(files) maps paths below the root, those of C(FILES), to their texts. Returns (the file, the statement), or None.
    """
    for path, text in sorted(files.items()):
        told = _TOLD.get(program) if f"/{program}" in path else None
        if told is not None:
            kept = set(told(text, bridge))
            for one in told(text, nic):
                if one not in kept:
                    return f"/{path}", one
    return None


def _dhclient(text: str, dev: str) -> Iterator[str]:
    """What is sent for a device: the send statements of its own declarations."""
    within: list[list[str]] = []
    words: list[str] = []
    for token in _TOKEN.findall(text):
        if token == "{":
            within.append(words)
            words = []
        elif token in ("}", ";"):
            if words[:1] == ["send"] and within == [["interface", f'"{dev}"']]:
                yield " ".join(words)
            if token == "}" and within:
                within.pop()
            words = []
        elif not token.startswith("#"):
            words.append(token)


def _dhcpcd(text: str, dev: str) -> Iterator[str]:
    """What is said in the sections of a device and is told to a server."""
    mine = False
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words[:1] and words[0] in _SECTIONS:
            mine = words == ["interface", dev]
        elif mine and words[:1] and words[0] in _TOLD_BY_DHCPCD:
            yield " ".join(words)


_TOLD: dict[str, Callable[[str, str], Iterator[str]]] = {"dhclient": _dhclient, "dhcpcd": _dhcpcd}
