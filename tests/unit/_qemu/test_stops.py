# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which guests are stopped together, and what becomes known of each."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.stops import Ended, Stops
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.termination import Step

GRACES = {"vm1": 60.0, "vm2": 5.0, "vm3": 0.0}


class Supervisor:
    """Ends all that it is asked to but C(hangs)."""

    def __init__(self, hangs: str = "") -> None:
        self.asked: list[Mapping[str, float]] = []
        self._hangs = hangs

    def stop(self, graces: Mapping[str, float]) -> Ended:
        self.asked.append(dict(graces))
        return {
            name: GuestError(f"{name} lives on.")
            if name == self._hangs
            else [Step(name, 1, "ended")]
            for name in graces
        }


def test_those_that_end_for_good_end_with_the_first_of_them() -> None:
    supervisor = Supervisor()
    stops = Stops(supervisor.stop, GRACES, ())
    assert stops.beside("vm1") == ["vm1", "vm2", "vm3"]
    for name in GRACES:
        assert [step.as_dict()["step"] for step in stops.end(name)] == [name]
        assert stops.beside("vm3") == ([] if name != "vm3" else ["vm1", "vm2", "vm3"])
    assert supervisor.asked == [GRACES]


def test_one_that_is_started_again_is_down_for_its_own_time_alone() -> None:
    supervisor = Supervisor()
    stops = Stops(supervisor.stop, GRACES, ["vm2"])
    assert stops.beside("vm2") == ["vm2"] and stops.beside("vm3") == ["vm1", "vm3"]
    for name in GRACES:
        stops.end(name)
    assert supervisor.asked == [{"vm1": 60.0, "vm3": 0.0}, {"vm2": 5.0}]


def test_one_that_lives_on_is_told_where_its_turn_is_and_the_others_are_stopped() -> None:
    stops = Stops(Supervisor("vm2").stop, GRACES, ())
    assert stops.end("vm1")
    with pytest.raises(GuestError, match="vm2 lives on"):
        stops.end("vm2")
    assert stops.end("vm3")
