# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MACs that NICs were made with, as the kernel dumps them."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.link import (
    IFLA_ADDRESS,
    IFLA_IFNAME,
    link_header,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.permanent import (
    IFLA_PERM_ADDRESS,
    permanent_macs,
)

CHANGED, MADE = bytes.fromhex("020000000001"), bytes.fromhex("525400000010")


@pytest.mark.parametrize(
    ("made_with", "found"),
    [
        (MADE, {"eth0": "52:54:00:00:00:10"}),
        (None, {}),
        (bytes(6), {}),
        (bytes(range(20)), {}),  # of InfiniBand
    ],
)
def test_the_one_it_was_made_with_whatever_it_has(
    made_with: bytes | None, found: dict[str, str]
) -> None:
    body = link_header(2) + attribute(IFLA_IFNAME, b"eth0\0") + attribute(IFLA_ADDRESS, CHANGED)
    if made_with is not None:
        body += attribute(IFLA_PERM_ADDRESS, made_with)
    assert permanent_macs([body]) == found
