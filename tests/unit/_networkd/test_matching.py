# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a NIC's file would take its bridge too."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkd import matching
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import parse


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("MACAddress=52:54:00:00:00:10", True),
        ("MACAddress=52:54:00:00:00:10\nName=eth0", False),
        ("MACAddress=52:54:00:00:00:10\nName=eth0 br*", True),
        ("MACAddress=52:54:00:00:00:10\nType=ether", False),
        ("PermanentMACAddress=52:54:00:00:00:10", False),
        ("Name=eth0", False),
        ("Name=en*\nName=eth*", False),
        ("Name=*", True),
        ("Name=!lo", True),
        ("Name=!lo br0", False),
        ("Name=!lo !br0", False),
        ("Type=ether", False),
        ("Type=!loopback", True),
        ("Kind=bridge", True),
        ("Kind=!*", False),
        ("Driver=virtio_net", False),
        ("Path=pci-0000:00:03.0", False),
        ("Host=hv1", False),
        ("Name=br0\nName=", False),
    ],
)
def test_a_bridge_has_the_nics_mac_and_nothing_else_of_it(said: str, taken: bool) -> None:
    assert matching.takes(parse(f"[Match]\n{said}\n[Network]\nDHCP=yes\n"), "br0") is taken
