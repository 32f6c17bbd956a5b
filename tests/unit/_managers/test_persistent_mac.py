# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MAC of a device for which nobody says one: as systemd 252 and 257 were seen to make it, and SipHash as its authors print it."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.persistent_mac import (
    BY_NETWORKD,
    BY_UDEV,
    persistent_mac,
    siphash,
)


@pytest.mark.parametrize(
    ("machine_id", "mac"),
    [
        ("31bf88d5a3ed4d78b5c7ac80211cb3be", "f6:63:e1:00:dc:b8"),
        ("c13337ef5ed3425896368383d20d42bb", "1a:c4:77:64:73:9e"),
        ("8938ff1768da4260a5dad8618fbf3b9b", "de:6d:8f:28:e6:96"),
    ],
)
def test_a_bridge_has_the_mac_that_networkd_was_seen_to_give_it(machine_id: str, mac: str) -> None:
    assert persistent_mac(f"{machine_id}\n", "br0", BY_NETWORKD) == mac


@pytest.mark.parametrize(
    ("name", "mac"), [("br1", "82:ae:92:54:3c:ee"), ("tap1", "de:a1:21:6f:1b:6e")]
)
def test_a_device_of_networkmanager_has_the_mac_that_udev_was_seen_to_give_it(
    name: str, mac: str
) -> None:
    assert persistent_mac("b3fbe8c39fa648f2b29c6a55a7bfda0e", name, BY_UDEV) == mac


@pytest.mark.parametrize("machine_id", ["", "uninitialized", "31bf88d5"])
def test_a_machine_without_an_id(machine_id: str) -> None:
    assert persistent_mac(machine_id, "br0", BY_UDEV) is None


def test_the_vectors_of_its_authors() -> None:
    """Appendix A of the paper, and the first of the reference's vectors."""
    key = bytes(range(16))
    assert siphash(key, bytes(range(15))) == 0xA129CA6149BE45E5
    assert siphash(key, b"") == 0x726FDB47DD0E0E31
