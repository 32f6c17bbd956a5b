# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots planned: what is there, what was left half done, what is wished. The refusals are in tests/errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import INTERRUPTS, SAFE
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import Chain, Entry
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qcow2_tables import Saved
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import model, plan
from ansible_collections.hypervisor.network.tests.harness.provoke.snapshots import (
    BASE,
    OTHER,
    checked,
    disk,
    external,
    layer,
)

OVER, OVER_B = "/d.a.qcow2", "/d.b.qcow2"


def now(*disks: model.Disk, entries: tuple[Entry, ...] = (), status: str = "stopped", **more: Any) -> model.Now:  # fmt: skip
    return model.Now("vm1", status, Chain(entries), disks or (disk(layer(BASE)),), **more)


def steps(found: model.Now, **options: Any) -> list[str]:
    return [str(change) for change in plan.plan(found, checked(**options))]


def made(found: model.Now, **options: Any) -> dict[str, Any]:
    (change,) = plan.plan(found, checked(**options))
    assert change.action == "create" and change.payload.phase == "making"
    return {**change.after, "risk": change.risk}


@pytest.mark.parametrize(
    ("status", "form", "options", "kind", "consistency", "risk"),
    [
        ("stopped", "qcow2", {}, "internal", "stopped", SAFE),
        ("crashed", "qcow2", {}, "internal", "stopped", SAFE),
        ("stopped", "raw", {}, "external", "stopped", SAFE),
        ("stopped", "qcow2", {"kind": "external"}, "external", "stopped", SAFE),
        ("running", "qcow2", {}, "external", "crash", SAFE),
        ("paused", "raw", {}, "external", "crash", SAFE),
        ("running", "qcow2", {"quiesce": True}, "external", "quiesced", SAFE),
        ("running", "qcow2", {"kind": "internal"}, "internal", "memory", INTERRUPTS),
    ],
)
def test_a_kind_that_suits(
    status: str, form: str, options: dict[str, Any], kind: str, consistency: str, risk: str
) -> None:
    live = BASE if status in ("running", "paused") else None
    found = now(disk(layer(BASE, form=form), live=live), status=status)
    after = made(found, **options)
    assert (after["kind"], after["consistency"], after["risk"]) == (kind, consistency, risk)
    assert after["disks"] == {BASE: OVER if kind == "external" else BASE}


def test_an_internal_one_goes_into_the_top() -> None:
    found = now(disk(layer(OVER_B), layer(BASE)), entries=(external("b"),))
    assert made(found)["disks"] == {BASE: OVER_B}


def test_what_is_there_is_left_alone() -> None:
    inside = now(disk(layer(BASE, "a")))
    over = now(disk(layer(OVER), layer(BASE)), entries=(external("a"),))
    assert steps(inside) == steps(over) == steps(over, kind="external") == []
    assert steps(now(), state="absent") == []


def test_going_back() -> None:
    written = now(disk(layer(OVER), layer(BASE)), entries=(external("a"),))
    empty = now(disk(layer(OVER, empty=True), layer(BASE)), entries=(external("a"),))
    assert steps(written, state="reverted") == ["revert snapshot a"]
    assert steps(empty, state="reverted") == []
    inside = now(disk(layer(BASE, "a")))
    same = now(disk(layer(BASE, "a", untouched=True)))
    assert steps(inside, state="reverted") == ["revert snapshot a"]
    assert steps(same, state="reverted") == []
    memory = now(disk(layer(BASE, "a", memory=True), live=BASE), status="running")
    (change,) = plan.plan(memory, checked(state="reverted"))
    assert change.risk == INTERRUPTS
    assert plan.plan(replace(memory, loaded="a"), checked(state="reverted")) == []


def test_a_newer_snapshot_of_other_disks_does_not_stand_in_the_way() -> None:
    disks = (disk(layer(OVER), layer(BASE)), disk(layer("/e.b.qcow2"), layer(OTHER)))
    found = now(*disks, entries=(external("a"), external("b", "present", OTHER)))
    assert steps(found, state="reverted") == ["revert snapshot a"]


def test_removing() -> None:
    both = now(
        disk(layer(OVER_B), layer(OVER), layer(BASE)), entries=(external("a"), external("b"))
    )
    assert steps(both, state="absent") == steps(both, name="a", state="absent") == ["delete snapshot a"]  # fmt: skip
    partial = now(disk(layer(BASE, "a")), disk(layer(OTHER)))
    (change,) = plan.plan(partial, checked(state="absent"))
    assert change.payload.disks == {BASE: BASE} and change.payload.kind == "internal"
    lower = now(disk(layer(OVER_B), layer(BASE, "a")), entries=(external("b"),))
    assert steps(lower, state="absent") == ["delete snapshot a"]
    gone = now(entries=(Entry("a", "internal", disks={BASE: BASE}),))
    assert steps(gone, state="absent") == ["discard snapshot a"]


@pytest.mark.parametrize("options", [{}, {"state": "absent"}, {"name": "z", "state": "absent"}])
@pytest.mark.parametrize(
    ("phase", "live", "empty", "first"),
    [
        ("making", None, True, ["discard snapshot a"]),
        ("pending", None, True, ["discard snapshot a"]),
        ("pending", None, False, ["complete snapshot a"]),
        ("pending", OVER, True, ["complete snapshot a"]),
        ("pending", BASE, True, ["discard snapshot a"]),
        ("deleting", None, False, ["delete snapshot a"]),
        ("deleting", OVER, False, ["delete snapshot a"]),
        ("deleting", BASE, False, ["delete snapshot a"]),
        ("reverting", None, False, ["revert snapshot a"]),
    ],
)
def test_what_was_left_half_done_comes_first(
    phase: str, live: str | None, empty: bool, first: list[str], options: dict[str, Any]
) -> None:
    layers = (layer(BASE),) if phase == "making" else (layer(OVER, empty=empty), layer(BASE))
    found = now(
        disk(*layers, live=live, taken=True),
        entries=(external("a", phase),),
        status="running" if live else "stopped",
    )
    there = first[0].partition(" ")[0] in ("complete", "revert")
    then = {
        "present": [] if there else ["create snapshot a"],
        "absent": ["delete snapshot a"] if there and options.get("name") is None else [],
    }
    assert steps(found, **options) == first + then[options.get("state", "present")]


def test_going_back_that_was_interrupted_is_the_wish_itself() -> None:
    found = now(disk(layer(OVER), layer(BASE)), entries=(external("a", "reverting"),))
    assert steps(found, state="reverted") == ["revert snapshot a"]


def test_an_overlay_of_a_disk_that_is_gone_is_in_nobody_s_use() -> None:
    found = now(entries=(external("a", "pending", OTHER),))
    assert steps(found, name="b", state="absent") == ["discard snapshot a"]


def test_any_disk_tells_whether_an_overlay_is_in_use() -> None:
    """A snapshot of the second disk alone, and the guest writes to it."""
    disks = (disk(layer(BASE), live=BASE), disk(layer("/e.a.qcow2"), layer(OTHER), live="/e.a.qcow2"))  # fmt: skip
    found = now(*disks, entries=(external("a", "pending", OTHER),), status="running")
    assert steps(found, name="b", state="absent") == ["complete snapshot a"]


def test_a_guest_that_is_held_still_is_let_go_and_files_that_wait_are_removed() -> None:
    found = now(disk(layer(BASE), live=BASE), status="running", held=("frozen", "paused"))
    found = replace(found, chain=Chain(garbage=("/old",)))
    assert steps(found, state="absent") == ["release guest vm1", "remove file /old"]
    release = plan.plan(found, checked(state="absent"))[0]
    assert release.before == {"frozen": True, "paused": True}
    assert release.after == {"frozen": False, "paused": False}
    assert steps(replace(found, status="stopped"), state="absent") == ["remove file /old"]


@pytest.mark.parametrize(("held", "first"), [(("paused",), "delete"), (("frozen",), "release")])
def test_a_merge_is_on_record_before_the_guest_that_was_held_for_it_goes_on(
    held: tuple[str, ...], first: str
) -> None:
    """Let go first, it writes below an overlay that a start after a power cut would put on top again."""
    entries = (external("a", "deleting"),)
    found = now(
        disk(layer(OVER), layer(BASE), live=BASE), status="running", held=held, entries=entries
    )
    both = ["delete snapshot a", "release guest vm1"]
    assert steps(found, state="absent") == (both if first == "delete" else both[::-1])


def test_the_base_of_a_snapshot_that_is_being_merged_may_be_on_top() -> None:
    layers = (layer(OVER_B), layer(OVER), layer(BASE))
    for entries in ((external("a"), external("b", "deleting")), (external("a"), external("b", "pending"))):  # fmt: skip
        found = now(disk(*layers, live=OVER), entries=entries, status="running")
        assert steps(found, name="c", state="absent")
    with pytest.raises(Refused, match="runs on /d.qcow2"):
        steps(now(disk(*layers, live=BASE), entries=entries, status="running"))


def test_only_what_was_made_is_taken_back() -> None:
    create = plan.plan(now(), checked())
    assert plan.wish_back(checked(), create) == checked(state="absent")
    delete = plan.plan(now(disk(layer(BASE, "a"))), checked(state="absent"))
    assert plan.wish_back(checked(state="absent"), delete) is None


def test_described() -> None:
    found = now(
        disk(layer(OVER, "inside", memory=True), layer(BASE, "old")), entries=(external("a"),)
    )
    described = plan.described(found)
    assert [(one["name"], one["kind"], one["memory"]) for one in described] == [
        ("a", "external", False),
        ("inside", "internal", True),
        ("old", "internal", False),
    ]
    changes = [*plan.plan(now(), checked(name="new")), *plan.plan(found, checked(name="old", state="absent"))]  # fmt: skip
    foretold = plan.described(found, changes)
    assert [one["name"] for one in foretold] == ["a", "inside", "new"]
    assert foretold[-1]["seconds"] is None and set(foretold[-1]) == set(described[0])
    assert foretold[-1]["memory"] is False


def test_a_snapshot_to_come_says_whether_it_will_hold_memory() -> None:
    found = now(disk(layer(BASE), live=BASE), status="running")
    (new,) = plan.described(found, plan.plan(found, checked(kind="internal")))
    assert (new["consistency"], new["memory"]) == ("memory", True)


def test_the_oldest_is_described_first_and_what_is_finished_by_then_stays() -> None:
    inside = replace(layer(OVER), snapshots=(Saved("old", 5), Saved("older", 4)))
    entry = replace(external("a", "pending"), seconds=9.0)
    found = now(disk(inside, layer(BASE), live=OVER), entries=(entry,), status="running", held=("frozen",))  # fmt: skip
    changes = plan.plan(found, checked(name="z", state="absent"))
    assert [str(change) for change in changes] == ["release guest vm1", "complete snapshot a"]
    assert [one["name"] for one in plan.described(found, changes)] == ["older", "old", "a"]
