# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is returned of guests: after a run what is, in check mode what would be."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.outcome import described
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.plan import (
    Guests,
    plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    Wish,
    with_defaults,
)

from .test_hotplug import DISK, ONE, SEEN

ALONE = dataclasses.replace(SEEN, drives={"disk0-dev": SEEN.drives["disk0-dev"]})
MIB = 2**20
HAS = with_defaults({"nics": [ONE], "disks": [DISK], "memory": 64})
RUNS = Guest("vm1", "running", HAS, pid=7, seen=ALONE)
STEP = {"step": "SIGTERM", "seconds": 0.1, "outcome": "ended"}


def predicted(guest: Guest, wish: Wish, sizes: dict[str, int] | None = None) -> dict[str, Any]:
    """What check mode returns."""
    now = Guests({"vm1": guest}, {"/a": True}, sizes=sizes or {})
    (found,) = described({}, [wish], Outcome(plan(now, [wish]), now, now))
    return found


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_a_guest_that_would_be_ended_has_no_process(state: str) -> None:
    found = predicted(RUNS, Wish("vm1", state))
    assert (found["status"], found["pid"]) == (state, None)


def test_one_that_would_be_started_has_what_was_asked_for() -> None:
    stopped = Guest("vm1", "stopped", with_defaults({"nics": []}))
    found = predicted(stopped, Wish("vm1", "running", {"memory": 64}))
    assert (found["status"], found["memory"], found["pending_changes"]) == ("running", 64, {})


def test_what_would_be_taken_over_is_not_pending_and_what_would_not_is() -> None:
    wanted = {"nics": [{**ONE, "link": "down"}], "cpus": 2}
    found = predicted(RUNS, Wish("vm1", "running", wanted, on_change="hotplug"))
    assert found["pending_changes"].keys() == {"cpus"} and found["pid"] == 7
    images = {"/a": {"guest": "vm1", "path": "/a", "size": 16 * MIB}}
    for on_change, left in (("keep", {"disks.size"}), ("hotplug", set())):
        wish = Wish("vm1", "running", images=images, on_change=on_change)
        assert predicted(RUNS, wish, {"/a": 8 * MIB})["pending_changes"].keys() == left


def test_after_a_run_it_is_what_there_is_with_the_steps_of_its_stop() -> None:
    before, after = Guests({"vm1": RUNS}), Guests({"vm1": Guest("vm1", "stopped")})
    outcome = Outcome(plan(before, [Wish("vm1", "stopped")]), before, after)
    (found,) = described({"vm1": [STEP]}, [Wish("vm1", "stopped")], outcome)
    assert (found["status"], found["stop_steps"]) == ("stopped", [STEP])
