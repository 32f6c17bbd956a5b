# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests as they are, wishes, and the changes between them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.plan import (
    Guest,
    Guests,
    differences,
    plan,
    wish_back,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    with_defaults,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import (
    checked as checked_seed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import fingerprint

SPEC = with_defaults({"memory": 64})


def planned(
    status: str, state: str, *, spec: dict[str, Any] | None = None, **more: Any
) -> list[str]:
    guest = Guest("vm1", status, {} if status == "absent" else SPEC)
    return [
        str(change)
        for change in plan(Guests({"vm1": guest}), [Wish("vm1", state, spec or {}, **more)])
    ]


@pytest.mark.parametrize(
    ("status", "state", "changes"),
    [
        ("absent", "running", ["start guest vm1"]),
        ("stopped", "running", ["start guest vm1"]),
        ("crashed", "running", ["start guest vm1"]),
        ("running", "running", []),
        ("suspended", "running", []),
        ("paused", "running", ["resume guest vm1"]),
        ("prelaunch", "running", ["resume guest vm1"]),
        ("io-error", "running", ["resume guest vm1"]),
        ("guest-panicked", "running", ["stop guest vm1", "start guest vm1"]),
        ("shutdown", "running", ["stop guest vm1", "start guest vm1"]),
        ("absent", "paused", ["start guest vm1"]),
        ("running", "paused", ["pause guest vm1"]),
        ("paused", "paused", []),
        ("prelaunch", "paused", []),
        ("absent", "stopped", []),
        ("stopped", "stopped", []),
        ("crashed", "stopped", ["stop guest vm1"]),
        ("running", "stopped", ["stop guest vm1"]),
        ("unresponsive", "stopped", ["stop guest vm1"]),
        ("absent", "absent", []),
        ("stopped", "absent", ["delete guest vm1"]),
        ("crashed", "absent", ["stop guest vm1", "delete guest vm1"]),
        ("running", "absent", ["stop guest vm1", "delete guest vm1"]),
        ("unresponsive", "absent", ["stop guest vm1", "delete guest vm1"]),
    ],
)
def test_state_by_what_is_there(status: str, state: str, changes: list[str]) -> None:
    assert planned(status, state) == changes


@pytest.mark.parametrize(
    ("status", "why", "risk"),
    [("crashed", "out of memory", "safe"), ("crashed", None, "safe"), ("running", None, "interrupts")],
)  # fmt: skip
def test_who_has_crashed_is_interrupted_by_nothing_and_its_reason_is_told(
    status: str, why: str | None, risk: str
) -> None:
    guest = Guest("vm1", status, SPEC, crash_reason=why)
    (stop,) = plan(Guests({"vm1": guest}), [Wish("vm1", "stopped", {})])
    told = {} if why is None else {"crash_reason": why}
    assert (stop.before, stop.risk) == ({"status": status, **told}, risk)


def test_a_guest_that_does_not_answer_is_not_started_again() -> None:
    with pytest.raises(Refused, match="stopped"):
        planned("unresponsive", "running")


@pytest.mark.parametrize(
    ("on_change", "changes"), [("keep", []), ("restart", ["stop guest vm1", "start guest vm1"])]
)
def test_a_running_guest_that_differs(on_change: str, changes: list[str]) -> None:
    assert planned("running", "running", spec={"memory": 128}, on_change=on_change) == changes


def test_what_is_not_given_is_not_compared_and_is_kept_at_a_restart() -> None:
    assert planned("running", "running", spec={"memory": 64}, on_change="restart") == []
    guest = Guest("vm1", "running", {**SPEC, "boot": "n"})
    changes = plan(
        Guests({"vm1": guest}), [Wish("vm1", "running", {"memory": 128}, on_change="restart")]
    )
    assert changes[0].before == {"status": "running", "memory": 64}
    assert changes[1].after == {"status": "running", **SPEC, "memory": 128, "boot": "n"}
    assert changes[0].risk == "interrupts"


def test_differences_say_both_sides() -> None:
    guest = Guest("vm1", "running", SPEC)
    assert differences(guest, Wish("vm1", "running", {"memory": 128, "cpus": 1}), False) == {
        "memory": {"now": 64, "wanted": 128}
    }


def test_a_missing_image_is_made_before_the_start_and_an_existing_one_left_alone() -> None:
    image = {"guest": "vm1", "path": "/a", "format": "qcow2", "size": 1024, "backing_file": None}
    wish = Wish("vm1", "running", SPEC, images={"/a": image})
    for exists, changes in (
        (False, ["create disk /a", "start guest vm1"]),
        (True, ["start guest vm1"]),
    ):
        assert [
            str(one) for one in plan(Guests({"vm1": Guest("vm1")}, {"/a": exists}), [wish])
        ] == changes


SAID, SEED = checked_seed({"user_data": "#!/bin/sh\n"})
OTHER, OTHER_SEED = checked_seed({"user_data": "#!/bin/sh\nfalse\n"})
assert SAID is not None and OTHER is not None
SEEDS = frozenset((fingerprint(SAID),))


def with_seed(guest: Guest, said: Any, seed: Any, **more: Any) -> list[Change]:
    wish = Wish("vm1", "running", {"cloud_init": said}, seed=seed, **more)
    return plan(Guests({"vm1": guest}), [wish])


def test_a_seed_is_made_before_the_start_and_one_that_is_there_left_alone() -> None:
    new, start = with_seed(Guest("vm1"), SAID, SEED)
    assert (str(new), new.before, new.after) == ("create seed vm1", None, {"cloud_init": SAID})
    assert new.payload[1:] == (SEED, []) and str(start) == "start guest vm1"
    there = Guest("vm1", "stopped", {**SPEC, "cloud_init": SAID}, kept=True, seeds=SEEDS)
    assert [str(change) for change in with_seed(there, SAID, SEED)] == ["start guest vm1"]


def test_a_changed_seed_is_made_beside_the_former_and_before_the_guest_is_stopped() -> None:
    runs = Guest("vm1", "running", {**SPEC, "cloud_init": SAID}, kept=True, seeds=SEEDS)
    assert with_seed(runs, OTHER, OTHER_SEED) == []
    changes = with_seed(runs, OTHER, OTHER_SEED, on_change="restart")
    assert [str(change) for change in changes] == [
        "update seed vm1",
        "stop guest vm1",
        "start guest vm1",
    ]
    assert changes[0].before == {"cloud_init": SAID} and changes[0].payload[2] == list(SEEDS)


def test_a_seed_that_is_gone_is_asked_for_again() -> None:
    gone = Guest("vm1", "stopped", {**SPEC, "cloud_init": SAID}, kept=True)
    with pytest.raises(Refused, match="give cloud_init again"):
        plan(Guests({"vm1": gone}), [Wish("vm1", "running", {})])
    assert str(with_seed(gone, SAID, SEED)[0]) == "update seed vm1"


def test_a_changed_seed_of_the_same_instance_is_refused() -> None:
    own = {"meta_data": {"instance-id": "web-1"}}
    first, _seed = checked_seed({"user_data": "#!/bin/sh\n", **own})
    second, seed = checked_seed({"user_data": "#!/bin/sh\nfalse\n", **own})
    guest = Guest("vm1", "stopped", {**SPEC, "cloud_init": first}, kept=True)
    with pytest.raises(Refused, match="web-1"):
        with_seed(guest, second, seed)


@pytest.mark.parametrize(
    ("kept_before", "state", "changes"),
    [
        (False, "absent", ["delete guest vm1"]),
        (True, "absent", ["delete guest vm1", "remove files vm1"]),
        (False, "stopped", ["update guest vm1", "remove files vm1"]),
        (True, "stopped", ["update guest vm1", "remove files vm1"]),
    ],
)
def test_what_a_run_put_beside_the_disks_goes_on_the_way_back(
    kept_before: bool, state: str, changes: list[str]
) -> None:
    spec = {} if state == "absent" else SPEC
    before = Guests({"vm1": Guest("vm1", state, spec, kept=kept_before)})
    after = Guest("vm1", "stopped", {**SPEC, "memory": 1}, kept=True, seeds=SEEDS)
    (wish,) = wish_back(before, [], ["vm1"])
    back = plan(Guests({"vm1": after}), [wish])
    assert [str(change) for change in back] == changes
    if state == "absent":
        assert back[0].payload is not kept_before, "what was there before is removed"
    if len(back) == 2:
        assert back[1].before == ({"seeds": sorted(SEEDS)} if kept_before else {"kept": True})
        assert back[1].payload == (sorted(SEEDS) if kept_before else None)


def test_a_guest_that_only_left_files_is_absent_when_they_are_gone() -> None:
    left = Guest("vm1", kept=True)
    (change,) = plan(Guests({"vm1": left}), [Wish("vm1", "absent", {})])
    assert str(change) == "delete guest vm1" and change.payload
    (wish,) = wish_back(Guests({"vm1": left}), [], ["vm1"])
    assert plan(Guests({"vm1": left}), [wish]) == []


@pytest.mark.parametrize(("on_change", "count"), [("keep", 0), ("restart", 2)])
def test_a_guest_that_lacks_something_is_restarted_where_that_is_asked_for(
    on_change: str, count: int
) -> None:
    lame = Guest("vm1", "running", SPEC, problems=("its TPM is gone",))
    changes = plan(Guests({"vm1": lame}), [Wish("vm1", "running", {}, on_change=on_change)])
    assert len(changes) == count


def test_a_guest_that_a_full_disk_holds_still_goes_on_and_is_not_restarted() -> None:
    held = Guest("vm1", "io-error", SPEC, problems=("its disk is full",))
    (change,) = plan(Guests({"vm1": held}), [Wish("vm1", "running", {}, on_change="restart")])
    assert str(change) == "resume guest vm1"


def undone(
    before: Guest, after: Guest, wish: Wish, disks: dict[str, bool] | None = None
) -> list[str]:
    """The plan back from C(after), for a run that was begun with that wish."""
    was = Guests({"vm1": before}, dict.fromkeys(wish.images, False))
    back = wish_back(was, plan(was, [wish]), ["vm1"])
    return [str(one) for one in plan(Guests({"vm1": after}, disks or {}), back)]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (Guest("vm1"), Guest("vm1", "running", SPEC), ["stop guest vm1", "delete guest vm1"]),
        (Guest("vm1"), Guest("vm1", "stopped", SPEC), ["delete guest vm1"]),
        (Guest("vm1"), Guest("vm1", "unresponsive", SPEC), ["stop guest vm1", "delete guest vm1"]),
        (
            Guest("vm1", "stopped", SPEC),
            Guest("vm1", "running", {**SPEC, "cpus": 2}),
            ["stop guest vm1", "update guest vm1"],
        ),
        (
            Guest("vm1", "running", SPEC),
            Guest("vm1", "stopped", {**SPEC, "cpus": 2}),
            ["start guest vm1"],
        ),
        (
            Guest("vm1", "running", SPEC),
            Guest("vm1", "running", {**SPEC, "cpus": 2}),
            ["stop guest vm1", "start guest vm1"],
        ),
        (Guest("vm1", "running", SPEC), Guest("vm1", "running", SPEC), []),
    ],
)
def test_the_way_back(before: Guest, after: Guest, changes: list[str]) -> None:
    assert (
        undone(before, after, Wish("vm1", "running", {"cpus": 2}, on_change="restart")) == changes
    )


def test_the_way_back_to_a_definition_has_none_of_the_new_keys() -> None:
    back = wish_back(Guests({"vm1": Guest("vm1", "running", SPEC)}), [], ["vm1"])
    changes = plan(Guests({"vm1": Guest("vm1", "running", {**SPEC, "boot": "n"})}), back)
    assert changes[-1].after == {"status": "running", **SPEC}


def test_an_image_that_the_run_made_goes_on_the_way_back() -> None:
    image = {"guest": "vm1", "path": "/a", "format": "qcow2", "size": 1024, "backing_file": None}
    wish = Wish("vm1", "running", SPEC, images={"/a": image})
    assert undone(Guest("vm1"), Guest("vm1"), wish, {"/a": True}) == ["remove disk /a"]


def test_a_guest_that_was_not_begun_with_is_left_alone() -> None:
    before = Guests({"vm1": Guest("vm1"), "vm2": Guest("vm2")})
    wishes = [
        Wish(name, "running", SPEC, images={path: {"guest": name, "path": path, "size": 1024}})
        for name, path in (("vm1", "/a"), ("vm2", "/b"))
    ]
    (back,) = wish_back(before, plan(before, wishes), ["vm1"])
    assert (back.name, back.drop) == ("vm1", ("/a",))
