# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a network card."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_nics


def nic(**given: Any) -> dict[str, Any]:
    """A card as Ansible hands it over: every option is there."""
    return {
        **{key: spec.get("default") for key, spec in spec_nics.SPEC.items()},
        "tap": "t1",
        **given,
    }


def test_a_mac_from_the_name_is_stable_local_and_unicast() -> None:
    own = [spec_nics.checked(nic(), "vm1", number)["mac"] for number in (0, 1)]
    assert own == [spec_nics.guest_mac("vm1", 0), spec_nics.guest_mac("vm1", 1)]
    assert len({*own, spec_nics.guest_mac("vm2")}) == 3
    assert spec_nics.guest_mac("vm1") == "52:54:ea:97:99:e1"


def test_a_mac_in_any_notation() -> None:
    assert spec_nics.checked(nic(mac="52-00-00-00-00-0A"), "vm1", 0)["mac"] == "52:00:00:00:00:0a"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"tap": "a" * 16}, "nics.tap"),
        ({"tap": "t1,script=/x"}, "nics.tap"),
        ({"mac": "01:00:00:00:00:01"}, "multicast"),
        ({"model": "e1000,netdev=x"}, "nics.model"),
        ({"model": "e1000", "queues": 2}, "virtio only"),
        ({"model": "e1000", "mtu": 1400}, "virtio only"),
        ({"model": "e1000", "vhost": True}, "virtio only"),
        ({"queues": 0}, "nics.queues 0 is outside 1 to 256"),
        ({"mtu": 67}, "nics.mtu 67 is outside 68 to 65535"),
    ],
)
def test_a_card_that_is_refused(given: dict[str, Any], part: str) -> None:
    with pytest.raises(BadInput, match=part):
        spec_nics.checked(nic(**given), "vm1", 0)


def test_the_largest_values() -> None:
    assert spec_nics.checked(nic(queues=256, mtu=65535), "vm1", 0)["queues"] == 256


def test_a_link_that_nobody_speaks_of_is_not_in_the_definition() -> None:
    """One that an earlier version wrote has none either, and is no other one."""
    assert "link" not in spec_nics.checked(nic(), "vm1", 0)
    assert spec_nics.checked(nic(link="down"), "vm1", 0)["link"] == "down"
