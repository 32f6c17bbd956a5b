# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no step of the role mends: live, tests/integration/test_audit.py takes a default route away, and test_audit_guests.py makes a tap again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import unmended
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_LOWER_UP,
    IFF_UP,
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route

DEFAULT = Route(2, "default", 254, 0, 0, 1, 0, 3, (Hop("br0", "10.0.0.1"),))
SIX = replace(DEFAULT, family=10, hops=(Hop("br0", "fe80::1"),))
BR0 = {"name": "br0", "gateway": ["10.0.0.1"]}


@pytest.mark.parametrize(
    ("item", "routes", "found"),
    [
        (BR0, [DEFAULT], []),
        ({"name": "br0"}, [], []),
        (BR0, [], [("br0", [], ["10.0.0.1"])]),
        (BR0, [SIX], [("br0", ["fe80::1"], ["10.0.0.1"])]),
        (BR0, [SIX, DEFAULT], []),
        ({**BR0, "gateway": ["10.0.0.1", "FE80:0::1"]}, [SIX, DEFAULT], []),
        ({**BR0, "gateway": ["10.0.0.1", "fe80::1"]}, [DEFAULT], [("br0", ["10.0.0.1"], ["10.0.0.1", "fe80::1"])]),
        ({**BR0, "state": "absent"}, [], []),
        (BR0, [replace(DEFAULT, hops=(Hop("eth1", "10.0.0.1"),))], [("br0", [], ["10.0.0.1"])]),
        (BR0, [replace(DEFAULT, hops=(Hop("eth1", "10.1.0.1"), Hop("br0", "10.0.0.1")))], []),
        (BR0, [replace(DEFAULT, dst="10.9.0.0/24")], [("br0", [], ["10.0.0.1"])]),
        (BR0, [replace(DEFAULT, table=100)], [("br0", [], ["10.0.0.1"])]),
        (BR0, [replace(DEFAULT, hops=(Hop("br0"),)), replace(DEFAULT, hops=(Hop(None, "10.0.0.1"),))], [("br0", [], ["10.0.0.1"])]),
    ],
)  # fmt: skip
def test_a_gateway_by_which_no_default_route_leads(
    item: dict[str, Any], routes: list[Route], found: list[Any]
) -> None:
    step = unmended.gateways([item], routes)
    assert step.step == "bridges"
    assert [
        (one.name, one.before["gateway"], one.after["gateway"]) for one in step.changes
    ] == found  # type: ignore[index]


UP = Link("tap1", kind="tun", flags=IFF_UP | IFF_LOWER_UP)
RUNS = Guest("vm1", "running", {"nics": [{"tap": "tap1"}]}, pid=7)
WISH = {"name": "vm1"}


@pytest.mark.parametrize(
    ("wish", "guest", "link", "holder", "who"),
    [
        (WISH, RUNS, UP, Holder(7, "vm1"), []),
        (WISH, RUNS, UP, None, []),
        (WISH, RUNS, UP, Holder(8), ["the process 8"]),
        (WISH, RUNS, UP, Holder(8, "vm2"), ["the process 8 (the guest vm2)"]),
        (WISH, RUNS, replace(UP, flags=IFF_UP), None, ["nobody"]),
        (WISH, replace(RUNS, status="paused"), replace(UP, flags=IFF_UP), None, ["nobody"]),
        (WISH, RUNS, replace(UP, flags=0), None, []),
        (WISH, RUNS, replace(UP, name="tap2"), None, []),
        (WISH, Guest("vm1", "stopped", RUNS.spec), replace(UP, flags=IFF_UP), None, []),
        (WISH, replace(RUNS, spec={}), replace(UP, flags=IFF_UP), None, []),
        ({**WISH, "state": "stopped"}, RUNS, replace(UP, flags=IFF_UP), None, []),
        ({**WISH, "state": "absent"}, RUNS, replace(UP, flags=IFF_UP), None, []),
        ({"name": "vm2"}, RUNS, replace(UP, flags=IFF_UP), None, []),
    ],
)
def test_a_tap_that_its_guest_does_not_hold(
    wish: dict[str, Any], guest: Guest, link: Link, holder: Holder | None, who: list[str]
) -> None:
    now = Snapshot({link.name: link}, holders={"tap1": holder} if holder else {})
    step = unmended.holders([wish], [guest], now)
    assert step.step == "guests"
    expected = [("tap", "tap1", {"holder": one}, {"holder": "vm1"}) for one in who]
    assert [(one.kind, one.name, one.before, one.after) for one in step.changes] == expected
