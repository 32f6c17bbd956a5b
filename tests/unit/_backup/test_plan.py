# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups planned: full or incremental and why, what is cleared away, what is kept. The refusals are in tests/errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._backup import plan
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.tests.harness.provoke.backups import (
    BASE,
    OTHER,
    checked,
    disk,
    made,
)


def now(*disks: plan.Disk, backups: tuple[Any, ...] = (), status: str = "running", **more: Any) -> plan.Now:  # fmt: skip
    return plan.Now("vm1", status, disks or (disk(),), Manifest(backups), **more)


def steps(found: plan.Now, **options: Any) -> list[str]:
    return [str(change) for change in plan.plan(found, checked(**options))]


def new(found: plan.Now, **options: Any) -> Any:
    return plan.plan(found, checked(**options))[-1].payload


A, B = made("a"), made("b", "a")
BOTH = made("a", paths=(BASE, OTHER))


def test_incremental_where_it_can_be() -> None:
    found = now(disk(since="b"), backups=(A, B))
    one = new(found)
    assert (one.mode, one.base, one.reason, one.complete) == ("incremental", "b", None, False)
    assert one.files[BASE].file == "new/disk0.qcow2" and one.files[BASE].tracked
    assert new(found, mode="full").reason is None and new(found, mode="full").base is None
    two = now(disk(since="a"), disk(OTHER, since="a"), backups=(BOTH,))
    assert new(two).base == "a" and set(new(two).files) == {BASE, OTHER}


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (now(), "no backup at the target"),
        (now(disk(), backups=(A,)), "has no bitmap"),
        (now(disk(since="a"), backups=(A, B)), "has no bitmap"),
        (now(disk(since="a", good=False), backups=(A,)), "inconsistent"),
        (now(disk(since="a"), disk(OTHER, since="a"), backups=(A,)), "other disks"),
        (now(disk(since="a"), backups=(BOTH,)), "other disks"),
        (now(disk(since="a"), disk(OTHER), backups=(BOTH,)), "/e.qcow2 has no bitmap"),
        (now(disk(since="a"), backups=(made("a", tracked=False),)), "nothing has kept"),
        (now(disk(since="b"), backups=(A, B), missing=frozenset(["a/disk0.qcow2"])), "a/disk0.qcow2 is gone"),
        (now(disk(since="a"), backups=(A,), status="stopped"), "does not run"),
    ],
)  # fmt: skip
def test_full_where_an_incremental_one_would_be_wrong(found: plan.Now, why: str) -> None:
    one = new(found)
    assert one.mode == "full" and one.base is None and why in one.reason


def test_a_chain_that_is_broken_elsewhere_is_no_matter() -> None:
    missing = frozenset(["a/disk0.qcow2"])
    found = now(disk(since="c"), backups=(A, B, made("c")), missing=missing)
    assert new(found).base == "c"


@pytest.mark.parametrize(
    ("status", "options", "consistency"),
    [
        ("running", {}, "crash"),
        ("running", {"quiesce": True}, "quiesced"),
        ("stopped", {"quiesce": True}, "stopped"),
        ("crashed", {}, "stopped"),
    ],
)
def test_how_consistent_it_is(status: str, options: dict[str, Any], consistency: str) -> None:
    assert new(now(status=status), **options).consistency == consistency


def test_a_raw_disk_has_no_bitmap_and_a_raw_file_is_full() -> None:
    one = new(now(disk(form="raw")), mode="full", format="raw")
    assert one.files[BASE].format == "raw" and not one.files[BASE].tracked
    assert one.files[BASE].source == "raw" and not new(now(status="stopped")).files[BASE].tracked


def test_what_was_left_half_done_is_cleared_away_and_no_base() -> None:
    begun = made("b", "a", complete=False)
    found = now(disk(since="a"), backups=(A, begun), held=("frozen",))
    assert steps(found) == ["release guest vm1", "discard backup b", "create backup new"]
    assert new(found).base == "a"
    release, discard, _create = (change.as_dict() for change in plan.plan(found, checked()))
    assert (release["before"], release["after"]) == ({"frozen": True}, {"frozen": False})
    assert (discard["before"], discard["after"]) == ({"complete": False}, None)
    assert steps(replace(found, held=()), name="b") == ["discard backup b", "create backup b"]
    gone = now(backups=(A, begun), status="absent")
    assert steps(gone, state="absent", name="b") == ["discard backup b"]


def test_what_is_there_is_left_alone() -> None:
    found = now(backups=(A, B))
    assert steps(found, name="b") == steps(found, name="c", state="absent") == []


def test_older_chains_go_what_is_on_top_first() -> None:
    found = now(disk(since="d"), backups=(A, B, made("c"), made("d", "c")))
    assert steps(found, mode="full", keep=2) == ["create backup new", "remove backup b", "remove backup a"]  # fmt: skip
    assert steps(found, keep=1) == ["create backup new", "remove backup b", "remove backup a"]
    assert steps(found, keep=2) == ["create backup new"]
    assert steps(found, name="d", keep=1) == ["remove backup b", "remove backup a"]


def test_removing() -> None:
    found = now(backups=(A, B), status="absent")
    assert steps(found, name="b", state="absent") == ["remove backup b"]
    with pytest.raises(Refused, match="base of b"):
        steps(found, name="a", state="absent")


def test_only_what_was_made_is_taken_back() -> None:
    wish = checked()
    assert plan.wish_back(wish, plan.plan(now(), wish)) == checked(state="absent")
    assert plan.wish_back(wish, plan.plan(now(backups=(A,)), checked(name="a", state="absent"))) is None  # fmt: skip


def test_described() -> None:
    found = now(disk(since="b"), backups=(A, B))
    described = plan.described(found, "/srv/backups/vm1", plan.plan(found, checked()))
    assert [one["name"] for one in described] == ["a", "b", "new"]
    assert described[1]["restore"] == [
        "qemu-img convert -p -f qcow2 -O qcow2 /srv/backups/vm1/b/disk0.qcow2 /d.qcow2"
    ]
    assert "ident" not in described[0]
    left = plan.described(found, "/t", plan.plan(found, checked(name="b", state="absent")))
    assert [one["name"] for one in left] == ["a"]
