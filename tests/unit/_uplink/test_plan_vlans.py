# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the messages of a NIC that joins do to its VLANs, on the switch of harness/model/switch.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.tests.harness.model.switch import (
    DELLINK,
    NEWLINK,
    PVID,
    SETLINK,
    UNTAGGED,
    Switch,
    noun,
)

ACCESS = PVID | UNTAGGED


@pytest.mark.parametrize(
    ("default", "own", "moments"),
    [
        # as it joins, and then one word on what goes and one on what comes: silence, and never two VLANs at once
        (0, {7: ACCESS}, [(NEWLINK, {}), (SETLINK, {7: ACCESS})]),
        (0, {7: ACCESS, 20: 0, 21: 0}, [(NEWLINK, {}), (SETLINK, {7: ACCESS, 20: 0, 21: 0})]),
        (1, {7: ACCESS}, [(NEWLINK, {1: ACCESS}), (DELLINK, {}), (SETLINK, {7: ACCESS})]),
        (1, {1: 0, 7: ACCESS}, [(NEWLINK, {1: ACCESS}), (SETLINK, {1: 0, 7: ACCESS})]),
        (1, {20: 0}, [(NEWLINK, {1: ACCESS}), (SETLINK, {1: ACCESS, 20: 0})]),
        # who is in the default needs no word, nor does a bridge that the host is not in
        (1, {1: ACCESS}, [(NEWLINK, {1: ACCESS})]),
        (7, {7: ACCESS}, [(NEWLINK, {7: ACCESS})]),
        (1, {}, [(NEWLINK, {1: ACCESS})]),
        (0, {}, [(NEWLINK, {})]),
    ],
)
def test_the_moments_of_a_nic_that_joins(
    default: int, own: dict[int, int], moments: list[tuple[int, dict[int, int]]]
) -> None:
    switch = Switch("eth0", default=default)
    switch.own, switch.ports["eth0"] = own, {}
    links = dict(noun(switch).read().links)
    links["eth0"] = replace(links["eth0"], master=None, port=None, vlans=None)
    now = Inet(links)
    changes = uplink_plan.plan(now, layout.bridged(now, "eth0", "br0"))
    noun(switch).apply([one for one in changes if one.kind == "port"], now)
    assert [(kind, seen["eth0"]) for kind, seen in switch.sent] == moments
    assert all(seen["br0"] == own for _kind, seen in switch.sent)
