# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MTU that a bridge has already: when it is given it once more. The kernel itself is asked in tests/integration/test_own_mtu.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import bridge, own_mtu


def host(mtu: int, ports: dict[str, int], **given: Any) -> Snapshot:
    """br0 with these ports, and the taps a and b that are nobody's."""
    taps = {"a": 1400, "b": 1500}
    links = {
        name: Link(name, number, "tun", mtu=own, master="br0" if name in ports else None, port={})
        for number, (name, own) in enumerate({**taps, **ports}.items(), 2)
    }
    return Snapshot({"br0": Link("br0", 1, "bridge", mtu=mtu, **given), **links})


def planned(now: Snapshot, *others: dict[str, Any], **wish: Any) -> list[Any]:
    wishes = [bridge.checked({"name": "br0", "state": "present", **wish})]
    wishes += [bridge.checked({"state": "present", **one}) for one in others]
    changes = bridge.plan(now, wishes)
    return [(one.before, one.after) for one in changes if one.name == "br0"]


GIVEN = [({"mtu": None}, {"mtu": 1500})]


@pytest.mark.parametrize(
    ("has", "come", "expected"),
    [
        ({}, {"tap1": 1400}, GIVEN),
        ({}, {"a": None}, GIVEN),
        ({"tap1": 1500}, {"tap1": 1400}, GIVEN),
        ({}, {}, []),
        ({}, {"tap1": None}, []),
        ({}, {"b": None, "tap1": 9000, "tap2": 1500}, []),
        # one that has not its ports' was given it
        ({"tap1": 1400}, {"tap1": 1400, "tap2": 1300}, []),
    ],
    ids=["a new one", "of its own", "changed", "none", "a new one's", "none less", "given before"],
)
def test_a_bridge_is_given_its_mtu_before_a_port_lowers_it(
    has: dict[str, int], come: dict[str, int | None], expected: list[Any]
) -> None:
    assert planned(host(1500, has), mtu=1500, port_mtus=come) == expected


def test_a_bridge_is_given_its_mtu_before_the_port_that_it_has_it_of_changes_or_leaves() -> None:
    now, given = host(1400, {"tap1": 1400}), [({"mtu": None}, {"mtu": 1400})]
    assert planned(now, mtu=1400, port_mtus={"tap1": 1500}) == given
    other = {"name": "br1", "port_mtus": {"tap1": None}}
    assert planned(now, other, mtu=1400) == given
    assert planned(now, mtu=1400, port_mtus={"tap2": 1500}) == []


def test_a_bridge_that_is_asked_for_no_mtu_follows_its_ports_and_one_of_this_run_has_it() -> None:
    assert planned(host(1500, {}), port_mtus={"tap1": 1400}) == []
    assert planned(host(1500, {}, mtu_given=True), mtu=1500, port_mtus={"tap1": 1400}) == []
    assert planned(host(1500, {}), mtu=1450, port_mtus={"tap1": 1400}) == [({"mtu": 1500}, {"mtu": 1450})]  # fmt: skip


def test_what_a_port_will_have_is_no_option_of_a_new_bridge() -> None:
    (made,) = bridge.plan(
        Snapshot({}),
        [bridge.checked({"name": "br0", "state": "present", "port_mtus": {"tap1": "1400"}})],
    )
    assert made.action == "create" and made.after == {}


def test_only_the_bridges_of_this_run_are_noted() -> None:
    now = host(1500, {})
    assert own_mtu.noted(now, ()) is now
    assert {name: link.mtu_given for name, link in own_mtu.noted(now, {1}).links.items()} == {
        "br0": True, "a": None, "b": None
    }  # fmt: skip


@pytest.mark.parametrize(("mtu", "first"), [(1500, 1501), (1280, 1281), (65535, 65534)])
def test_it_passes_through_a_larger_one_where_there_is_one(mtu: int, first: int) -> None:
    assert own_mtu.another(mtu) == first


@pytest.mark.parametrize("mtu", ["large", [], 67, 65536], ids=str)
def test_an_mtu_that_no_port_can_have_is_told_with_both_names(mtu: Any) -> None:
    with pytest.raises(BadInput, match=r"^br0: the MTU of tap1 in port_mtus .*\.$"):
        own_mtu.checked({"name": "br0", "port_mtus": {"tap1": mtu}})
