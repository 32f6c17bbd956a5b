# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Whether what is in force for a NIC would take its bridge too: by then a bridge has the NIC's MAC, and networkd would give it the NIC's addresses
in the middle of a conversion. Source: systemd.network(5), [Match]: all that is said there has to fit.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

# What a bridge has none of, or what is another of it
_OF_HARDWARE = (
    "PermanentMACAddress",
    "Path",
    "Driver",
    "WLANInterfaceType",
    "SSID",
    "BSSID",
    "Property",
)
_BRIDGE = "bridge"  # its Type= and its Kind=


def takes(config: Sequence[Section], bridge: str) -> bool:
    """Whether the section would match a bridge of that name with the NIC's MAC."""
    said = {key: _words(config, key) for key in ("Name", "Type", "Kind", "MACAddress")}
    if not any(said.values()) or any(_words(config, key) for key in _OF_HARDWARE):
        return False
    asked = (("Name", bridge), ("Type", _BRIDGE), ("Kind", _BRIDGE))
    return all(_fits(said[key], own) for key, own in asked if said[key])


def _words(config: Sequence[Section], key: str) -> list[str]:
    return [word for value in unit.values(config, "Match", key) for word in value.split()]


def _fits(patterns: Sequence[str], word: str) -> bool:
    """Whether one of the patterns fits; where the first begins with an exclamation mark, none may."""
    if patterns[0].startswith("!"):
        return not any(fnmatchcase(word, one.lstrip("!")) for one in patterns)
    return any(fnmatchcase(word, one) for one in patterns)
