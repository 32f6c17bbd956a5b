# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding entries: the planner as golden triplets (fixtures/fdb).

C(current.yml) holds links as those of harness/model/triplets, entries in the words of C(bridge fdb), and the neighbours of the host by bridge;
C(desired.yml) the parameters as a user types them; C(changes.yml) the plan in words, or the error's class and sentence. Nothing here writes them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.tests.harness.model.fdb_tables import (
    CASES,
    MAC,
    entry,
    table_of,
    wish_of,
)
from ansible_collections.hypervisor.network.tests.harness.model.triplets import (
    load,
)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_current_and_desired_give_exactly_these_changes(case: Path) -> None:
    expected = load(case, "changes")
    now = table_of(load(case, "current"))
    if isinstance(expected, dict):
        with pytest.raises(errors.HypervisorNetworkError) as caught:
            fdb_plan.plan(now, wish_of(load(case, "desired")))
        assert (type(caught.value).__name__, str(caught.value)) == (
            expected["error"],
            expected["says"],
        )
    else:
        assert [
            change.as_dict() for change in fdb_plan.plan(now, wish_of(load(case, "desired")))
        ] == expected


def applied(now: fdb_plan.Table, changes: list[Change]) -> fdb_plan.Table:
    """The table after a plan, by the words of its changes alone, as a kernel that does what it is told."""
    found = {(one.bridge, one.mac, one.vlan): one for one in now.entries}
    for change in changes:
        mac, _in, bridge, *vlan = change.name.split()
        key = (bridge, mac, int(vlan[1]) if vlan else None)
        if change.after is None:
            del found[key]
            continue
        says = {
            "port": None,
            "type": "dynamic",
            "sticky": False,
            "extern_learn": False,
            **(fdb_plan.values(found[key]) if key in found else {}),
            **change.after,
        }
        if change.action == "recreate" and "extern_learn" not in change.after:
            says["extern_learn"] = False
        words = [
            f"{mac} dev {says['port']} master {bridge}",
            says["type"],
            *(word for word in ("sticky", "extern_learn") if says[word]),
        ]
        found[key] = entry(" ".join(words))._replace(vlan=key[2])
    return replace(now, entries=tuple(found.values()))


PLANS = [case for case in sorted(CASES.iterdir()) if isinstance(load(case, "changes"), list)]


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: Path) -> None:
    now, wish = table_of(load(case, "current")), wish_of(load(case, "desired"))
    assert fdb_plan.plan(applied(now, fdb_plan.plan(now, wish)), wish) == []


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_the_way_back_leads_to_what_was(case: Path) -> None:
    now, wish = table_of(load(case, "current")), wish_of(load(case, "desired"))
    changes = fdb_plan.plan(now, wish)
    after = applied(now, changes)
    back = applied(after, fdb_plan.plan(after, fdb_plan.wish_back(now, changes)))
    assert {
        (one.bridge, one.mac, one.vlan, *fdb_plan.values(one).items()) for one in back.entries
    } == {(one.bridge, one.mac, one.vlan, *fdb_plan.values(one).items()) for one in now.entries}


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_check_mode_describes_what_the_run_would_make(case: Path) -> None:
    now, wish = table_of(load(case, "current")), wish_of(load(case, "desired"))
    changes = tuple(fdb_plan.plan(now, wish))
    predicted = fdb_plan.describe(Outcome(changes, now, now), wish["entries"])
    after = fdb_plan.describe(Outcome(changes, now, applied(now, list(changes))), wish["entries"])
    assert predicted == after and len(after) == len(wish["entries"])


def flushing(since: float | None, *entries: str) -> list[str]:
    now = table_of(load(CASES / "flush-what-was-learned", "current"))
    now = replace(now, entries=tuple(entry(text) for text in entries), since=since)
    return [change.name for change in fdb_plan.plan(now, wish_of({"bridge": "br0", "flush": {}}))]


def test_what_was_learned_again_after_the_flush_is_no_leftover() -> None:
    old, new = f"{MAC} dev tap1 master br0 used 5", "52:54:00:00:00:02 dev tap1 master br0 used 0.5"
    assert flushing(None, old, new) == [f"{MAC} in br0", "52:54:00:00:00:02 in br0"]
    assert flushing(0.6, old, new) == [f"{MAC} in br0"]
    # the kernel's ages are told in hundredths of a second: two of them may be between its clock and ours
    assert flushing(0.5, old, f"{new}2") == [f"{MAC} in br0"]


def test_what_somebody_put_there_during_the_flush_is_not_taken_for_learned() -> None:
    assert flushing(0.6, f"{MAC} dev tap1 master br0 sticky used 0.5") == [f"{MAC} in br0"]


def test_an_undo_deletes_a_dynamic_entry_that_the_run_has_just_made() -> None:
    now = table_of(load(CASES / "dynamic-has-aged-out", "current"))
    changes = fdb_plan.plan(now, wish_of(load(CASES / "dynamic-has-aged-out", "desired")))
    after = replace(applied(now, changes), since=1.0)
    assert [change.action for change in fdb_plan.plan(after, fdb_plan.wish_back(now, changes))] == [
        "delete"
    ]


def test_an_undo_leaves_what_was_learned_anew_and_what_went_with_its_port() -> None:
    current = load(CASES / "flush-what-was-learned", "current")
    now = table_of(current)
    changes = fdb_plan.plan(
        now, wish_of({"bridge": "br0", "flush": {"port": "tap1", "sticky": False}})
    )
    moved = replace(now, entries=(entry(f"{MAC} dev tap2 master br0 used 1"),), since=2.0)
    assert fdb_plan.plan(moved, fdb_plan.wish_back(now, changes)) == []
    del current["links"]["tap1"]
    assert (
        fdb_plan.plan(table_of({**current, "entries": []}), fdb_plan.wish_back(now, changes)) == []
    )


@pytest.mark.parametrize(
    ("meanwhile", "actions"),
    [
        ("", []),
        (f"{MAC} dev tap2 master br0 used 1", []),
        (f"{MAC} dev tap2 master br0 static", ["delete"]),
    ],
    ids=["it is gone already", "its device was heard elsewhere", "it is still one of its kind"],
)
def test_an_undo_of_a_new_entry_takes_no_other_away(meanwhile: str, actions: list[str]) -> None:
    now = table_of(load(CASES / "static-is-missing", "current"))
    changes = fdb_plan.plan(now, wish_of(load(CASES / "static-is-missing", "desired")))
    after = replace(now, entries=(entry(meanwhile),) if meanwhile else (), since=1.0)
    back = fdb_plan.plan(after, fdb_plan.wish_back(now, changes))
    assert [change.action for change in back] == actions


@pytest.mark.parametrize("mark", ["sticky", "extern_learn"])
def test_an_undo_brings_back_what_somebody_had_marked_though_it_was_learned_anew(mark: str) -> None:
    current = load(CASES / "flush-what-was-learned", "current")
    now = table_of({**current, "entries": [f"{MAC} dev tap1 master br0 {mark}"]})
    gone = fdb_plan.plan(now, wish_of({"bridge": "br0", "mac": MAC, "type": "dynamic", "state": "absent"}))  # fmt: skip
    anew = table_of({**current, "entries": [f"{MAC} dev tap1 master br0 used 0"]})
    (back,) = fdb_plan.plan(anew, fdb_plan.wish_back(now, gone))
    assert back.after == {mark: True}


@pytest.mark.parametrize(
    ("flush", "more", "at_once"),
    [
        ({}, {}, {True}),
        ({"type": "static"}, {}, {True}),
        ({"type": "permanent"}, {}, {False}),
        ({"type": "static"}, {"mac": "52:54:00:00:00:03", "port": "tap1"}, {False}),
    ],
)
def test_a_flush_that_would_take_more_than_it_should_is_made_one_by_one(
    flush: dict[str, Any], more: dict[str, Any], at_once: set[bool]
) -> None:
    current = load(CASES / "flush-what-was-learned", "current")
    current["entries"].append("52:54:00:00:00:08 dev tap1 master br0 static")
    changes = fdb_plan.plan(table_of(current), wish_of({"bridge": "br0", "flush": flush, **more}))
    assert {change.payload.flush is not None for change in changes} == at_once


def test_the_time_of_last_use_is_spared_where_that_is_asked_of_an_entry_that_is_there() -> None:
    now = table_of(load(CASES / "static-moves-to-another-port", "current"))
    wish = load(CASES / "static-moves-to-another-port", "desired")
    spared = [
        [change.payload.norefresh for change in fdb_plan.plan(table, wish_of({**wish, **more}))]
        for table in (now, replace(now, entries=()))
        for more in ({}, {"norefresh": True})
    ]
    assert spared == [[False], [True], [False], [False]]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"inactive": True}, "inactive is given without activity_notify"),
        ({"activity_notify": True, "extern_learn": True}, "activity_notify is given with extern_learn"),
    ],
)  # fmt: skip
def test_a_watch_that_the_kernel_would_drop(given: dict[str, Any], says: str) -> None:
    with pytest.raises(errors.BadInput, match=says):
        wish_of({"bridge": "br0", "mac": MAC, "port": "tap1", **given})


def test_what_is_not_asked_of_a_watched_entry_stays() -> None:
    there = entry(f"{MAC} dev eth0 master br0 static")._replace(activity_notify=True, inactive=True)
    links = {"links": {"br0": {"kind": "bridge"}, "eth0": {"master": "br0", "port": {}}}}
    now = replace(table_of(links), entries=(there,))
    (change,) = fdb_plan.plan(now, wish_of({"bridge": "br0", "mac": MAC, "port": "eth0", "sticky": True}))  # fmt: skip
    assert change.before == {"sticky": False} and change.after == {"sticky": True}
    assert change.payload.after["activity_notify"] and change.payload.after["inactive"]
    back = fdb_plan.wish_back(now, [change])
    assert fdb_plan.plan(now, back) == []
    (off,) = fdb_plan.plan(now, wish_of({"bridge": "br0", "mac": MAC, "port": "eth0", "activity_notify": False}))  # fmt: skip
    assert off.after == {"activity_notify": False, "inactive": False}
