# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Multicast groups: the planner, by what bridge mdb would print before and after."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import plan as mdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.mdb import Group
from ansible_collections.hypervisor.network.tests.harness.model.mdb_tables import (
    LINKS,
    group,
    table_of,
    wish_of,
)

ONE = {"bridge": "br0", "port": "tap1", "group": "239.1.1.1"}
THERE = "dev br0 port tap1 grp 239.1.1.1 permanent"
HEARD = "dev br0 port tap2 grp 239.1.1.1 temp left 200 proto kernel"
V3 = {**LINKS["br0"], "options": {"mcast_membership_interval": 260.0, "mcast_igmp_version": 3}}
SENDERS = THERE + " filter_mode include source_list 192.0.2.1,192.0.2.2"
VLANS = {
    "br0": {
        "kind": "bridge",
        "up": True,
        "options": {"vlan_filtering": True, "mcast_igmp_version": 2},
    },
    "tap1": {"kind": "tun", "master": "br0", "up": True, "port": {}, "vlans": {"10": "", "20": ""}},
    "tap2": {"kind": "tun", "master": "br0", "up": True, "port": {}, "vlans": {}},
}
DISABLED = {**LINKS["tap1"], "port": {"port_state": "disabled"}}
# what is there, what is asked for, and each change as its action, its name and what it says
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, str, Any]]]] = {
    "missing": ({}, ONE, [("create", "239.1.1.1 at tap1 of br0", {"type": "permanent"})]),
    "there": ({"groups": [THERE]}, ONE, []),
    "at-another-port": (
        {"groups": [HEARD]},
        ONE,
        [("create", "239.1.1.1 at tap1 of br0", {"type": "permanent"})],
    ),
    "heard-of-and-asked-for-for-good": (
        {"groups": [HEARD]},
        {**ONE, "port": "tap2"},
        [("update", "239.1.1.1 at tap2 of br0", {"type": "permanent"})],
    ),
    "temporary-leaves-how-long": ({"groups": [HEARD]}, {**ONE, "port": "tap2", "type": "temporary"}, []),
    "of-the-host": (
        {},
        {**ONE, "port": "br0"},
        [("create", "239.1.1.1 at br0 of br0", {"type": "temporary"})],
    ),
    "a-mac-of-the-host-stays-whatever-the-kernel-calls-it": (
        {"groups": ["dev br0 port br0 grp 01:1b:19:00:00:00 temp left 0"]},
        {**ONE, "port": "br0", "group": "01:1B:19:00:00:00"},
        [],
    ),
    "one-sender-is-an-entry-of-its-own": (
        {"groups": [THERE]},
        {**ONE, "source": "192.0.2.1"},
        [("create", "239.1.1.1 from 192.0.2.1 at tap1 of br0", {"type": "permanent"})],
    ),
    "senders": (
        {"links": {**LINKS, "br0": V3}, "groups": [THERE + " filter_mode exclude"]},
        {**ONE, "filter_mode": "include", "source_list": ["192.0.2.2", "192.0.2.1"]},
        [
            (
                "update",
                "239.1.1.1 at tap1 of br0",
                {"filter_mode": "include", "source_list": ["192.0.2.1", "192.0.2.2"]},
            )
        ],
    ),
    "senders-that-are-there": (
        {"links": {**LINKS, "br0": V3}, "groups": [SENDERS]},
        {**ONE, "filter_mode": "include", "source_list": ["192.0.2.2", "192.0.2.1"]},
        [],
    ),
    "senders-are-left-alone-where-they-are-not-said": (
        {"links": {**LINKS, "br0": V3}, "groups": [SENDERS]},
        {**ONE, "type": "temporary"},
        [("update", "239.1.1.1 at tap1 of br0", {"type": "temporary"})],
    ),
    "absent": ({}, {**ONE, "state": "absent"}, []),
    "absent-in-a-bridge-that-is-missing": ({}, {**ONE, "bridge": "br9", "state": "absent"}, []),
    "absent-at-whichever-port": (
        {"groups": [THERE, HEARD]},
        {"bridge": "br0", "group": "239.1.1.1", "state": "absent"},
        [
            ("delete", "239.1.1.1 at tap1 of br0", None),
            ("delete", "239.1.1.1 at tap2 of br0", None),
        ],
    ),
    "absent-of-one-type": (
        {"groups": [THERE, HEARD]},
        {"bridge": "br0", "group": "239.1.1.1", "type": "temporary", "state": "absent"},
        [("delete", "239.1.1.1 at tap2 of br0", None)],
    ),
    "absent-leaves-the-entry-of-one-sender": (
        {"groups": ["dev br0 port tap1 grp 239.1.1.1 src 192.0.2.1 permanent"]},
        {**ONE, "state": "absent"},
        [],
    ),
    "vlan-left-out-means-each-of-the-port": (
        {"links": VLANS},
        ONE,
        [
            ("create", "239.1.1.1 at tap1 of br0 vlan 10", {"type": "permanent"}),
            ("create", "239.1.1.1 at tap1 of br0 vlan 20", {"type": "permanent"}),
        ],
    ),
    "vlan-one": (
        {"links": VLANS, "groups": [THERE + " vid 10"]},
        {**ONE, "entries": [{"vlan": 10, "group": "239.1.1.1"}, {"vlan": 20, "group": "239.1.1.1"}], "group": None},
        [("create", "239.1.1.1 at tap1 of br0 vlan 20", {"type": "permanent"})],
    ),
    "vlan-left-out-of-absent-means-whichever": (
        {"links": VLANS, "groups": [THERE + " vid 10", THERE + " vid 20"]},
        {**ONE, "state": "absent"},
        [
            ("delete", "239.1.1.1 at tap1 of br0 vlan 10", None),
            ("delete", "239.1.1.1 at tap1 of br0 vlan 20", None),
        ],
    ),
    "absent-in-a-vlan-of-a-bridge-that-does-not-look": (
        {"groups": [THERE]},
        {**ONE, "vlan": 10, "state": "absent"},
        [],
    ),
    "a-list-of-what-goes-and-what-comes": (
        {"groups": [THERE]},
        {"bridge": "br0", "port": "tap1", "entries": [{"group": "239.1.1.1", "state": "absent"}, {"group": "239.2.2.2"}]},
        [
            ("delete", "239.1.1.1 at tap1 of br0", None),
            ("create", "239.2.2.2 at tap1 of br0", {"type": "permanent"}),
        ],
    ),
    "a-port-that-is-disabled-takes-a-permanent-one": (
        {"links": {**LINKS, "tap1": DISABLED}},
        ONE,
        [("create", "239.1.1.1 at tap1 of br0", {"type": "permanent"})],
    ),
    "a-bridge-that-is-down-and-has-it": (
        {"links": {**LINKS, "br0": {**LINKS["br0"], "up": False}}, "groups": [THERE]},
        ONE,
        [],
    ),
}  # fmt: skip


def planned(case: str) -> tuple[mdb_plan.Table, list[dict[str, Any]], list[Change]]:
    now, wish = table_of(CASES[case][0]), wish_of(CASES[case][1])
    return now, wish, mdb_plan.plan(now, wish)


@pytest.mark.parametrize("case", CASES)
def test_what_is_there_and_what_is_asked_for_give_exactly_these_changes(case: str) -> None:
    changes = planned(case)[2]
    assert [(one.action, one.name, one.after) for one in changes] == CASES[case][2]
    assert {one.kind for one in changes} <= {"group"}


def applied(now: mdb_plan.Table, changes: list[Change]) -> mdb_plan.Table:
    """The table after a plan, as a kernel that does what it is told."""
    found = {mdb_plan.key_of(one): one for one in now.groups}
    for change in changes:
        key = mdb_plan.key_of(change.payload)
        says = change.payload.after
        if says is None:
            del found[key]
            continue
        permanent = says["type"] == "permanent"
        found[key] = Group(
            *key[:4], permanent, key[4], says["filter_mode"], 260.0 * (not permanent), tuple(says["source_list"])
        )  # fmt: skip
    return replace(now, groups=tuple(found.values()))


@pytest.mark.parametrize("case", CASES)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: str) -> None:
    now, wish, changes = planned(case)
    assert mdb_plan.plan(applied(now, changes), wish) == []


@pytest.mark.parametrize("case", CASES)
def test_the_way_back_leads_to_what_was(case: str) -> None:
    now, _wish, changes = planned(case)
    after = applied(now, changes)
    back = applied(after, mdb_plan.plan(after, mdb_plan.wish_back(now, changes)))
    assert {str((mdb_plan.key_of(one), mdb_plan.values(one))) for one in back.groups} == {
        str((mdb_plan.key_of(one), mdb_plan.values(one))) for one in now.groups
    }


@pytest.mark.parametrize("case", CASES)
def test_check_mode_describes_what_the_run_would_make(case: str) -> None:
    now, wish, changes = planned(case)
    predicted = mdb_plan.describe(Outcome(tuple(changes), now, now), wish)
    after = mdb_plan.describe(Outcome(tuple(changes), now, applied(now, changes)), wish)
    assert predicted == after and len(after) == len(wish)


def test_the_kernels_own_filter_mode_is_foretold() -> None:
    now = table_of({"links": {**LINKS, "br0": V3}})
    told = {}
    for source in (None, "192.0.2.1"):
        wish = wish_of({**ONE, "source": source})
        outcome = Outcome(tuple(mdb_plan.plan(now, wish)), now, now)
        told[source] = mdb_plan.describe(outcome, wish)[0]["filter_mode"]
    assert told == {None: "exclude", "192.0.2.1": "include"}


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ("temp left 259.5 proto kernel", 0),  # it was asked for again after the deletion
        ("temp left 259 proto kernel", 0),  # as its clock tells it, in hundredths of a second
        ("temp left 258.97 proto kernel", 1),
        ("temp left 259.5", 1),  # put there by hand
        ("permanent", 1),
    ],
)
def test_what_is_asked_for_again_after_the_deletion_is_no_leftover(listed: str, left: int) -> None:
    now = table_of({"groups": [f"dev br0 port tap1 grp 239.1.1.1 {listed}"]}, since=0.98)
    assert len(mdb_plan.plan(now, wish_of({**ONE, "state": "absent"}))) == left
    back = [{**wish_of({**ONE, "state": "absent"})[0], "back": True}]
    assert len(mdb_plan.plan(now, back)) == left


def test_a_port_that_is_gone_meanwhile_has_taken_its_groups_along() -> None:
    before = table_of({"groups": [THERE]})
    back = mdb_plan.wish_back(before, mdb_plan.plan(before, wish_of({**ONE, "state": "absent"})))
    without = {name: link for name, link in LINKS.items() if name != "tap1"}
    assert mdb_plan.plan(table_of({"links": without}), back) == []


def test_what_is_told_of_a_group_is_its_own() -> None:
    now = table_of({"groups": [HEARD, THERE]})
    (told,) = mdb_plan.describe(Outcome((), now, now), wish_of(ONE))
    assert (told["port"], told["type"]) == ("tap1", "permanent")


def refused(current: dict[str, Any], **asked: Any) -> str:
    with pytest.raises(Refused) as caught:
        mdb_plan.plan(table_of(current), wish_of({**ONE, **asked}))
    return str(caught.value)


def test_a_port_that_is_disabled_takes_no_temporary_one() -> None:
    links = {**LINKS, "tap1": DISABLED}
    assert "tap1 is disabled" in refused({"links": links}, type="temporary")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_bridge_that_is_down_neither_takes_nor_gives(state: str) -> None:
    down = {**LINKS, "br0": {**LINKS["br0"], "up": False}}
    groups = [THERE] if state == "absent" else []
    assert "br0 is down" in refused({"links": down, "groups": groups}, state=state)


def test_one_group_too_many_is_refused_before_the_kernel_ends_the_snooping() -> None:
    """Counted are the groups of that bridge, one at two ports once, and each sender of a list."""
    three = {**LINKS["br0"], "options": {**V3["options"], "mcast_hash_max": 3}}
    links = {**LINKS, "br0": three, "br1": {"kind": "bridge", "up": True}}
    other = [f"dev br1 port br1 grp 239.9.9.{number} temp" for number in range(4)]
    full = {"links": links, "groups": [*other, THERE, HEARD, "dev br0 port tap1 grp 239.1.1.2 permanent"]}  # fmt: skip
    for table in ({"links": links}, full):
        assert mdb_plan.plan(table_of(table), wish_of({**ONE, "group": "239.1.1.3"}))
    assert mdb_plan.plan(table_of(full), wish_of({**ONE, "port": "eth0"}))
    senders = {"filter_mode": "include", "source_list": ["192.0.2.1", "192.0.2.2"]}
    said = refused(full, group="239.1.1.3", **senders)
    assert said.startswith("br0 would have 5 groups, and its mcast_hash_max is 3:")


def test_who_looks_for_the_port_knows_lists_of_senders() -> None:
    mdb_plan.check_lists(errno.ENODEV)
    with pytest.raises(Unsupported, match="Linux 6.2"):
        mdb_plan.check_lists(errno.EINVAL)


RISKS = [
    # nobody else listens: who does not ask gets nothing of it any more
    (ONE, [], "interrupts"),
    (ONE, [HEARD], "safe"),
    ({**ONE, "state": "absent"}, [THERE, HEARD], "interrupts"),
    ({**ONE, "state": "absent"}, [THERE], "safe"),
    ({**ONE, "group": "ff02::1:ff00:1"}, [], "may_cut_ssh"),
    ({**ONE, "group": "ff02::1:ff00:1"}, ["dev br0 port br0 grp ff02::1:ff00:1 temp"], "safe"),
    ({**ONE, "group": "ff0e::5"}, [], "interrupts"),
    ({**ONE, "type": "temporary"}, [THERE], "safe"),
    (
        {**ONE, "port": "br0", "state": "absent"},
        ["dev br0 port br0 grp 239.1.1.1 temp", HEARD],
        "may_cut_ssh",
    ),
]


@pytest.mark.parametrize(("asked", "groups", "risk"), RISKS)
def test_who_is_cut_off(asked: dict[str, Any], groups: list[str], risk: str) -> None:
    host = {"addresses": {"br0": ["192.0.2.10/24", "2001:db8::10/64"]}, "groups": groups}
    (change,) = mdb_plan.plan(table_of(host), wish_of(asked))
    assert change.risk == risk


def test_a_host_without_ipv6_needs_no_neighbours_of_it() -> None:
    host = {"addresses": {"br0": ["192.0.2.10/24"]}}
    (change,) = mdb_plan.plan(table_of(host), wish_of({**ONE, "group": "ff02::1:ff00:1"}))
    assert change.risk == "interrupts"


def test_other_senders_narrow_what_a_port_gets() -> None:
    now = table_of({"links": {**LINKS, "br0": V3}, "groups": [THERE, HEARD]})
    wish = wish_of({**ONE, "filter_mode": "include", "source_list": ["192.0.2.1"]})
    assert [one.risk for one in mdb_plan.plan(now, wish)] == ["interrupts"]


def test_a_group_is_read_as_bridge_prints_it() -> None:
    assert group(SENDERS).source_list == ("192.0.2.1", "192.0.2.2")
