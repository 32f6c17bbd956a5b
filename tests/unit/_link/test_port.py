# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports: the planner, by the golden triplets C(port-...) of fixtures/plan, and what no triplet has room for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port
from ansible_collections.hypervisor.network.tests.harness.model import triplets

UP = 0x1


@pytest.mark.parametrize("case", triplets.cases("port"), ids=lambda case: case.name)
def test_current_and_desired_give_exactly_these_changes(case: Path) -> None:
    assert triplets.planned(case) == triplets.expected(case)


@pytest.mark.parametrize("case", triplets.plans("port"), ids=lambda case: case.name)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: Path) -> None:
    assert triplets.left_after(case) == []


@pytest.mark.parametrize("case", triplets.plans("port"), ids=lambda case: case.name)
def test_the_way_back_leads_to_what_was(case: Path) -> None:
    before, back = triplets.there_and_back(case)
    assert back == before


def a_port(name: str, master: str | None = "br0", flags: int = UP, **more: Any) -> Link:
    return Link(name, 9, "tun", flags, master=master, port={} if master else None, **more)


def host(*links: Link) -> Snapshot:
    every = (Link("br0", 1, "bridge", UP, options={"stp_state": False}), Link("br1", 2, "bridge", UP), *links)  # fmt: skip
    return Snapshot({link.name: link for link in every})


def wish(name: str, bridge: str | None = "br0", **more: Any) -> dict[str, Any]:
    return port.checked({"name": name, "bridge": bridge, "state": "present", **more})


@pytest.mark.parametrize(
    ("there", "wishes", "has"),
    [
        (1023, ["new"], "has 1023 ports and would get 1 more"),
        (1022, ["new"], None),
        (1022, ["new", "newer"], "has 1022 ports and would get 2 more"),
        # who leaves makes room, in its own bridge only
        (1023, ["new", "-p0"], None),
        (1023, ["new", "newer", "-p0"], "has 1022 ports and would get 2 more"),
        (1023, ["new", "-other"], "has 1023 ports and would get 1 more"),
        (1022, ["new", "other"], "has 1022 ports and would get 2 more"),
    ],
)
def test_a_bridge_takes_as_many_ports_as_the_kernel(
    there: int, wishes: list[str], has: str | None
) -> None:
    ports = [a_port(f"p{number}") for number in range(there)]
    now = host(*ports, a_port("other", "br1"))
    asked = [
        wish(one[1:], None, state="absent") if one[0] == "-" else wish(one, steal=True)
        for one in wishes
    ]
    if has is None:
        assert len(port.plan(now, asked, ("new", "newer"))) == len(wishes)
    else:
        with pytest.raises(Refused, match=has):
            port.plan(now, asked, ("new", "newer"))


def test_what_somebody_deleted_meanwhile_is_left_out_of_the_way_back() -> None:
    back = [
        {**wish("gone"), "back": True},
        {**wish("tap1"), "back": True, "steal": True},
    ]
    # its addresses were there before: what has been is not judged
    now = replace(host(a_port("tap1", None)), addresses=(Address("tap1", "10.0.0.1/24", 2),))
    assert [one.name for one in port.plan(now, back)] == ["tap1"]


@pytest.mark.parametrize(
    ("master", "back", "leaves"),
    [("bond0", True, True), ("bond0", False, False), (None, True, False)],
)
def test_out_of_what_is_no_bridge_leads_only_the_way_back(
    master: str | None, back: bool, leaves: bool
) -> None:
    now = host(replace(a_port("tap1", None), master=master))
    asked = {**wish("tap1", None, state="absent"), "back": back}
    assert [one.action for one in port.plan(now, [asked])] == (["detach"] if leaves else [])


@pytest.mark.parametrize(
    ("backup", "others", "fits"),
    [
        ("tap2", [a_port("tap2")], True),
        ("tap2", [a_port("tap2", "br1")], False),
        ("tap2", [], False),
    ],
)
def test_a_backup_is_another_port_of_the_same_bridge(
    backup: str, others: list[Link], fits: bool
) -> None:
    now = host(a_port("tap1", None), *others)
    asked = [wish("tap1", backup_port=backup)]
    if fits:
        assert [one.action for one in port.plan(now, asked)] == ["attach"]
    else:
        with pytest.raises(Refused, match="can't be its backup_port"):
            port.plan(now, asked)


RUNS = UP | 0x10000
STATE = {"port_state": "disabled", "cost": 7}


@pytest.mark.parametrize(
    ("master", "flags", "stp", "goes_back"),
    [
        ("br0", RUNS, False, True),
        ("br0", RUNS, True, False),
        ("br0", UP, False, False),
        ("br0", 0x10000, False, False),
        ("br0", 0, True, False),
        ("br9", RUNS, False, False),  # it is in another namespace
    ],
)
def test_a_ports_state_goes_back_where_it_was_set_and_does_not_come_by_itself(
    master: str, flags: int, stp: bool, goes_back: bool
) -> None:
    link = Link("tap1", 9, "tun", flags, master=master, port=STATE)
    before = Snapshot({"tap1": link, "br0": Link("br0", 1, "bridge", options={"stp_state": stp})})
    back = port.wish_back(before, "tap1")
    assert ("port_state" in back) == goes_back
    assert (back["cost"], back["bridge"], back["steal"], back["force"]) == (7, master, True, True)


def test_who_joins_anew_is_told_the_bridge_and_options_of_the_old_port_and_no_more() -> None:
    now = host(replace(a_port("tap1"), port=STATE))
    assert port.membership(now, "tap1") == {"bridge": "br0", "up": True, "cost": 7}


@pytest.mark.parametrize(
    ("link", "told"),
    [
        (
            replace(a_port("tap1"), port={"cost": 7}, vlans={"20": "pvid untagged"}),
            {"state": "present", "bridge": "br0", "cost": 7, "vlans": [{"vid": 20, "pvid": True, "untagged": True}]},
        ),
        (replace(a_port("tap1"), port={"cost": 7}), {"state": "present", "bridge": "br0", "cost": 7, "vlans": None}),
        # a bridge has VLANs of its own, and a bond has ports too
        (Link("tap1", 9, "bridge", UP, vlans={"1": "pvid"}), {"state": "absent", "bridge": None, "vlans": None}),
        (Link("tap1", 9, "", UP, master="bond0"), {"state": "absent", "bridge": None, "vlans": None}),
    ],
)  # fmt: skip
def test_a_port_is_told_as_it_is(link: Link, told: dict[str, Any]) -> None:
    assert port.describe(link) == {"name": "tap1", "up": True, **told}
