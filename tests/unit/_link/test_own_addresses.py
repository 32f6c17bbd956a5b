# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own addresses on a bridge: which come, which go and which stay, on the way there and on the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge,
    own_addresses,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    AF_INET,
    AF_INET6,
)

PERMANENT = 0x80


def host(*addresses: tuple[str, str], flags: int = PERMANENT, ways: Any = None) -> Snapshot:
    return Snapshot(
        {"br1": Link("br1", 7, "bridge", 1), "eth0": Link("eth0", 2)},
        tuple(
            Address(dev, text, AF_INET6 if ":" in text else AF_INET, flags=flags)
            for dev, text in addresses
        ),
        ways=ways or {},
    )


def plan(now: Snapshot, **options: Any) -> list[Change]:
    return bridge.plan(now, [bridge.checked({"name": "br1", "state": "present", **options})])


def test_one_that_is_there_is_not_given_again_in_any_spelling() -> None:
    now = host(("br1", "10.9.0.1/24"), ("br1", "2001:db8::1/64"), ("br1", "fe80::1/64"))
    assert plan(now, addresses=["2001:DB8:0::1/64", "10.9.0.1/24", "10.9.0.1/24"]) == []


def test_one_that_is_not_named_stays_unless_exact_is_said() -> None:
    now = host(("br1", "10.9.0.1/24"), ("br1", "10.9.0.7/32"), ("br1", "fe80::1/64"))
    (change,) = plan(now, addresses=["10.9.0.2/24"])
    assert change.before == {"addresses": ["10.9.0.1/24", "10.9.0.7/32"]}
    assert change.after == {"addresses": ["10.9.0.1/24", "10.9.0.7/32", "10.9.0.2/24"]}
    (change,) = plan(now, addresses=["10.9.0.2/24"], addresses_mode="exact")
    assert change.after == {"addresses": ["10.9.0.2/24"]}
    (change,) = plan(now, addresses=[], addresses_mode="exact")
    assert change.after == {"addresses": []}
    assert plan(now, addresses=[]) == [] == plan(now)


def test_one_that_has_a_lifetime_is_not_ours() -> None:
    assert plan(host(("br1", "10.9.0.3/24"), flags=0), addresses=[], addresses_mode="exact") == []


def test_one_of_another_device_is_refused() -> None:
    now = host(("eth0", "10.9.0.1/24"))
    with pytest.raises(Refused, match="10.9.0.1/16, which is eth0's already"):
        plan(now, addresses=["10.9.0.1/16"])
    assert plan(now, addresses=["10.9.0.1/16"], force=True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.9.0.1", "no prefix length"),
        ("10.9.0.0/24", "network's own"),
        ("ff02::1/64", "multicast"),
        ("fe80::1/64", "link-local"),
        ("x/1", "no address"),
        ("fe80::1%br1/64", "no address"),
    ],
)
def test_what_no_bridge_can_have(address: str, words: str) -> None:
    with pytest.raises(BadInput, match=f"^br1: address .*{words}"):
        plan(host(), addresses=[address])


def test_the_way_back_takes_what_the_run_gave_and_nothing_else() -> None:
    before = host(("br1", "10.9.0.1/24"))
    changes = plan(before, addresses=["10.9.0.2/24"])
    (wish,) = own_addresses.with_those_back([bridge.wish_back(before, "br1")], changes)
    meanwhile = host(("br1", "10.9.0.1/24"), ("br1", "10.9.0.2/24"), ("br1", "10.9.0.99/32"))
    (back,) = bridge.plan(meanwhile, [wish])
    assert back.after is not None and back.after["addresses"] == ["10.9.0.1/24", "10.9.0.99/32"]
    assert bridge.plan(before, [wish]) == []


@pytest.mark.parametrize(
    "change",
    [
        Change("create", "bridge", "br1", None, {"addresses": ["10.9.0.1/24"]}),
        Change("update", "bridge", "br1", {"up": False}, {"up": True}),
        Change("delete", "bridge", "br1", {"addresses": ["10.9.0.1/24"]}, None),
    ],
    ids=lambda change: change.action,
)
def test_the_way_back_of_what_moved_no_address_names_none(change: Change) -> None:
    assert own_addresses.with_those_back([{"name": "br1"}], [change]) == [{"name": "br1"}]


def test_all_are_given_again_where_one_goes() -> None:
    update = Change("update", "bridge", "br1", {"addresses": ["a", "b"]}, {"addresses": ["b", "c"]})
    assert own_addresses.steps(update) == (["a"], ["b", "c"])
    assert own_addresses.steps(Change("create", "bridge", "br1", None, {"addresses": ["a"]})) == ([], ["a"])  # fmt: skip
    assert own_addresses.steps(Change("update", "bridge", "br1", {"up": False}, {"up": True})) == ([], [])  # fmt: skip


def test_those_that_are_named_go_with_the_bridge() -> None:
    now = host(("br1", "10.9.0.1/24"))
    gone = {"name": "br1", "state": "absent"}
    with pytest.raises(Refused, match="still has the addresses 10.9.0.1/24"):
        bridge.plan(now, [bridge.checked(gone)])
    (change,) = bridge.plan(now, [bridge.checked({**gone, "addresses": ["10.9.0.1/24"]})])
    assert change.action == "delete"


@pytest.mark.parametrize(
    ("now", "risk"),
    [
        (host(), "safe"),
        (host(("eth0", "192.0.2.10/24")), "safe"),
        (host(("eth0", "10.9.0.7/16")), "may_cut_ssh"),
        (host(("br1", "10.9.0.7/16")), "safe"),
        (host(("eth0", "192.0.2.10/24"), ways={"eth0": frozenset({AF_INET})}), "may_cut_ssh"),
        (host(("eth0", "2001:db8::1/64"), ways={"eth0": frozenset({AF_INET6})}), "safe"),
    ],
)
def test_whoever_may_be_in_its_network_may_be_cut_off(now: Snapshot, risk: str) -> None:
    (change,) = plan(now, addresses=["10.9.0.1/24"])
    assert change.risk == risk


def test_one_that_goes_may_cut_off_who_came_to_it() -> None:
    now = host(("br1", "10.9.0.1/24"))
    (change,) = plan(now, addresses=[], addresses_mode="exact")
    assert change.risk == "may_cut_ssh" and own_addresses.go(change)


def test_a_change_that_says_nothing_of_them_takes_none() -> None:
    now = host(("br1", "10.9.0.1/24"))
    assert not any(
        map(own_addresses.go, plan(now, up=False) + plan(now, addresses=["10.9.0.2/24"]))
    )
    assert not own_addresses.go(Change("delete", "bridge", "br1", {"addresses": ["a"]}, None))


V4, V6, OTHER6 = "10.9.0.1/24", "2001:db8::1/64", "2001:db8::2/64"
LINK_LOCAL = "fe80::1/64"  # the kernel makes one anew


@pytest.mark.parametrize(
    ("action", "after", "lost"),
    [
        ("update", {"up": False}, [V6]),
        ("update", {"up": True}, []),
        ("update", {"mtu": 1400}, []),
        ("update", {"up": False, "addresses": [V4]}, []),  # it goes, as it shall
        ("update", {"up": False, "addresses": [V4, V6]}, [V6]),
        ("delete", None, [V4, V6, OTHER6]),
        ("recreate", {"up": False}, [V4, V6, OTHER6]),
    ],
)
def test_who_goes_down_loses_what_somebody_gave_of_ipv6_and_who_goes_loses_all(
    action: str, after: dict[str, Any] | None, lost: list[str]
) -> None:
    given = host(("br1", V4), ("br1", V6), ("br1", LINK_LOCAL), ("eth0", "2001:db8::9/64"))
    leased = Address("br1", OTHER6, AF_INET6)
    now = replace(given, addresses=(*given.addresses, leased))
    before = {"addresses": [V4, V6]} if "addresses" in (after or {}) else {}
    found = own_addresses.lost_by(now, Change(action, "bridge", "br1", before, after))
    assert [one.text for one in found] == lost


def test_who_is_down_already_or_is_not_there_loses_nothing_by_it() -> None:
    change = Change("update", "bridge", "br1", {}, {"up": False})
    now = host(("br1", V6))
    down = replace(now, links={"br1": Link("br1", 7, "bridge", 0)})
    assert own_addresses.lost_by(down, change) == []
    assert own_addresses.lost_by(replace(now, links={}), change) == []


def test_what_went_with_a_device_is_given_again_on_the_way_back_where_nobody_has_yet() -> None:
    now = host(("br1", V4))
    wished = [*host(("br1", V4), ("br1", V6)).addresses]
    assert [one.name for one in own_addresses.lost(now, wished, ())] == [V6]
    assert [one.name for one in own_addresses.lost(now, wished, ["br1"])] == [V4, V6]
