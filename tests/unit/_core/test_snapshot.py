# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a snapshot: links, addresses, and who holds a tap."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Holder,
    Lazily,
    Link,
    Snapshot,
)

NOW = Snapshot(
    {
        "br0": Link("br0", 1, "bridge", 0x1),
        "eth0": Link("eth0", 2, "", 0x10001, master="br0", port={}),
        "bond1": Link("bond1", 3, "bond", 0x1, master="vrf0"),
        "tap1": Link("tap1", 4, "tun", 0x1, master="br0", port={}),
    },
    (
        Address("br0", "10.0.0.5/24", 2),
        Address("br0", "fe80::1/64", 10),
        Address("eth0", "FE80::2/64", 10),
    ),
)


def test_a_mapping_is_decoded_once_and_only_when_somebody_looks() -> None:
    looks: list[int] = []

    def decode() -> dict[str, int]:
        looks.append(1)
        return {"a": 1, "b": 2}

    lazily = Lazily(decode)
    assert not looks
    assert (lazily["a"], list(lazily), len(lazily), dict(lazily)) == (
        1,
        ["a", "b"],
        2,
        {"a": 1, "b": 2},
    )
    assert looks == [1]


def test_up_is_what_an_administrator_set_and_running_is_carrier() -> None:
    assert (NOW.links["tap1"].up, NOW.links["tap1"].running) == (True, False)
    assert (NOW.links["eth0"].up, NOW.links["eth0"].running) == (True, True)
    assert not Link("eth1").up and Link("lo", flags=0x9).loopback


def test_a_device_without_ipv6_makes_no_addresses_in_any_way() -> None:
    assert Link("eth0").addr_gen_mode is None
    assert Link("eth0", ipv6={"addr_gen_mode": "none"}).addr_gen_mode == "none"


def test_ports_of_a_bridge_are_in_the_kernels_order() -> None:
    assert [link.name for link in NOW.ports_of("br0")] == ["eth0", "tap1"]
    assert NOW.ports_of("vrf0") == [], "a device below another master is no bridge port"


def test_the_device_of_an_address_is_found_without_its_prefix() -> None:
    assert NOW.device_of("10.0.0.5") == "br0" and NOW.device_of("10.0.0.50") is None


def test_link_local_addresses_are_the_kernels_and_nobody_misses_them() -> None:
    assert [one.text for one in NOW.addresses_of("br0")] == ["10.0.0.5/24"]
    assert NOW.addresses_of("eth0") == []


def test_who_holds_a_tap_is_named_by_guest_where_it_is_one() -> None:
    assert str(Holder(7)) == "the process 7"
    assert str(Holder(7, "vm1")) == "the process 7 (the guest vm1)"


def test_an_address_lasts_that_no_lease_or_router_gave() -> None:
    assert Address("br0", "10.0.0.1/24", 2, flags=0x80 | 0x02).lasts
    assert not Address("br0", "10.0.0.1/24", 2, flags=0x200).lasts
