# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's MAC: stable, unicast, locally administered, and the one that qemu_guest gives."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.filter.guest_mac import FilterModule
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import SPEC, checked

guest_mac = FilterModule().filters()["guest_mac"]


def test_a_name_always_gives_the_same_mac() -> None:
    # written down, because guests in the field have it in their DHCP server's table
    assert guest_mac("vm1") == "52:54:ea:97:99:e1"


@given(st.text(min_size=1), st.integers(0, 64))
def test_it_is_unicast_and_locally_administered(name: str, nic: int) -> None:
    first = int(guest_mac(name, nic)[:2], 16)
    assert first & 0b11 == 0b10


def test_names_and_nics_differ() -> None:
    macs = {guest_mac(f"vm{number}", nic) for number in range(500) for nic in range(2)}
    assert len(macs) == 1000


def test_it_is_what_qemu_guest_gives_to_a_nic_without_a_mac() -> None:
    item = {key: value.get("default") for key, value in SPEC.items()}
    nic = {
        "tap": "t",
        "bridge": None,
        "mac": None,
        "model": "virtio",
        "queues": 1,
        "vhost": False,
        "mtu": None,
        "boot_index": None,
    }
    wish = checked({**item, "name": "vm1", "nics": [{**nic, "tap": "a"}, {**nic, "tap": "b"}]})
    assert [one["mac"] for one in wish.spec["nics"]] == [guest_mac("vm1"), guest_mac("vm1", 1)]


@pytest.mark.parametrize(
    ("name", "nic"), [("", 0), (None, 0), (7, 0), ("vm1", -1), ("vm1", "0"), ("vm1", True)]
)
def test_what_is_no_name_or_number_is_refused(name: object, nic: object) -> None:
    with pytest.raises(AnsibleFilterError, match="guest_mac wants"):
        guest_mac(name, nic)
