# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that make a NIC the uplink of a bridge which boots so, and those that give it back, with what each is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .networkd_host import BRIDGE, NIC

Runs = tuple[tuple[str, dict[str, Any]], ...]

GONE = {"state": "absent"}


def bridged(layer3: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What the bridge has to have where the NIC had C(layer3) (NetworkdHost.layer3)."""
    return {
        what: [line.replace(f"dev {NIC}", f"dev {BRIDGE}") for line in lines]
        for what, lines in layer3.items()
    }


def uplink(bridge: str = BRIDGE, nic: str = NIC) -> dict[str, Any]:
    """What bridge_uplink is told."""
    return {"name": nic, "bridge": bridge, "guard_timeout": 60, "force": True}


def wish(bridge: str = BRIDGE, nic: str = NIC, *taps: str) -> dict[str, Any]:
    """What bridge_persist is told."""
    return {"bridges": [bridge], "uplinks": [nic], **({"taps": [*taps]} if taps else {})}


def there(bridge: str = BRIDGE, nic: str = NIC, *taps: str) -> Runs:
    """From a host without a bridge to one that has it, with its taps."""
    return (
        ("linux_bridge", {"name": bridge, "forward_delay": 0}),
        *(("tap_device", {"name": tap, "up": True}) for tap in taps),
        ("bridge_uplink", uplink(bridge, nic)),
        *(("bridge_port", {"name": tap, "bridge": bridge}) for tap in taps),
        ("bridge_persist", wish(bridge, nic, *taps)),
    )


def back(bridge: str = BRIDGE, nic: str = NIC, *taps: str) -> Runs:
    """From there to a host without a bridge again."""
    return (
        ("bridge_uplink", {**uplink(bridge, nic), **GONE}),
        ("bridge_persist", {**wish(bridge, nic, *taps), **GONE}),
        *(("tap_device", {"name": tap, **GONE}) for tap in taps),
        ("linux_bridge", {"name": bridge, **GONE}),
    )
