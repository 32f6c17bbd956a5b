# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Which of two managers says of a device that it is its own, in the file that it keeps of it below /run.

Sources: NetworkManager's nm-device-state (run/NetworkManager/devices), networkd's link_save (run/systemd/netif/links).
"""

from __future__ import annotations

from typing import Mapping

LINK = "run/systemd/netif/links/{index}"
DEVICE = "run/NetworkManager/devices/{index}"
# Words of ADMIN_STATE for a link that networkd keeps its hands off. "failed" is none of them: such a link is configured anew when networkd
# is restarted
_HANDS_OFF = ("unmanaged", "pending", "initialized", "linger")
FAILED = "failed"


def keys(text: str) -> dict[str, str]:
    """A file of lines KEY=VALUE."""
    return {
        key.strip(): value.strip()
        for key, equals, value in (line.partition("=") for line in text.splitlines())
        if equals
    }


def is_networkds(facts: Mapping[str, str]) -> bool:
    """Whether networkd says so in C(LINK)."""
    return facts.get("ADMIN_STATE", _HANDS_OFF[0]) not in _HANDS_OFF


def is_networkmanagers(facts: Mapping[str, str]) -> bool:
    """Whether NetworkManager says so in C(DEVICE)."""
    return facts.get("managed") == "true"


def is_others(facts: Mapping[str, str]) -> bool:
    """Whether C(DEVICE) says of a bridge or tap that NetworkManager did not make it: what it only looks at it calls managed too. A NIC has no such word."""
    return facts.get("nm-owned") == "false"
