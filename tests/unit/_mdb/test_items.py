# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of bridge_mdb, as far as they go without a kernel."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    MAY_CUT_SSH,
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import items

GIVEN: dict[str, Any] = {
    "entries": None,
    "bridge": "br0",
    "port": "tap1",
    "group": "239.1.1.1",
    "vlan": None,
    "source": None,
    "filter_mode": None,
    "source_list": None,
    "type": None,
    "state": "present",
    "guard_mode": "auto",
    "guard_timeout": 60,
    "netns": None,
}


def test_the_module_alone_refuses_what_wants_a_guard() -> None:
    noun, wish, _describe = items.task()["work"](GIVEN, [GIVEN])
    assert wish[0]["type"] == "permanent"
    with pytest.raises(Refused) as caught:
        noun.guard.arm(None, (Change("update", "group", "x", {}, {}, MAY_CUT_SSH),))
    assert caught.value.facts["guard_wanted"]


def test_a_guards_time_is_looked_at_before_the_host_is() -> None:
    with pytest.raises(BadInput, match="guard_timeout 5 is outside 10 to 900 seconds"):
        items.task()["work"]({**GIVEN, "guard_timeout": 5}, [GIVEN])


def test_the_guard_belongs_to_the_run_and_not_to_a_group() -> None:
    task = items.task()
    assert {"guard_mode", "guard_timeout", "netns"} == set(task["common"])
    assert set(task["common"]) < set(task["spec"])


def test_lists_of_senders_are_asked_about_where_they_are_wanted() -> None:
    of = {"bridge": "br0", "filter_mode": "include", "state": "present"}
    wishes = [of, of, {**of, "bridge": "br1", "filter_mode": None}, {**of, "bridge": "br2", "state": "absent"}]  # fmt: skip
    assert items.with_lists(wishes) == ["br0"]
