# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is cut off by a change of a multicast group: br0 has the host's addresses of both families, br1 has none."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    MAY_CUT_SSH,
    SAFE,
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._mdb.plan import Step
from ansible_collections.hypervisor.network.tests.unit._link.test_reach import risk

GROUP, OF_NEIGHBOURS = "239.1.1.1", "ff02::1:ff00:10"
WHOSE = {"filter_mode": "include", "sources": []}
TYPE = {"type": "permanent"}


@pytest.mark.parametrize(
    ("action", "where", "group", "after", "others", "expected"),
    [
        # whoever is the first takes it from those who had it unasked
        ("create", "br0 tap1", GROUP, {**TYPE, **WHOSE}, False, INTERRUPTS),
        ("create", "br0 tap1", GROUP, {**TYPE, **WHOSE}, True, SAFE),
        ("create", "br0 tap1", OF_NEIGHBOURS, TYPE, False, MAY_CUT_SSH),
        ("create", "br1 tap4", OF_NEIGHBOURS, TYPE, False, INTERRUPTS),
        # narrower is whose frames, never how long
        ("update", "br0 tap1", GROUP, WHOSE, True, INTERRUPTS),
        ("update", "br0 br0", GROUP, WHOSE, False, INTERRUPTS),
        ("update", "br0 tap1", GROUP, TYPE, True, SAFE),
        ("update", "br0 tap1", GROUP, TYPE, False, SAFE),
        # who goes gets it no longer, unless nobody is left
        ("delete", "br0 tap1", GROUP, None, True, INTERRUPTS),
        ("delete", "br0 tap1", GROUP, None, False, SAFE),
        ("delete", "br0 br0", GROUP, None, True, MAY_CUT_SSH),
        ("delete", "br1 br1", GROUP, None, True, INTERRUPTS),
    ],
)  # fmt: skip
def test_a_group(
    action: str, where: str, group: str, after: Any, others: bool, expected: str
) -> None:
    step = Step(*where.split(), group, None, "", after, others)
    assert risk(Change(action, "group", "x", {}, after, payload=step)) == expected
