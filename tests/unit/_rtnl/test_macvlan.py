# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Macvlans in rtnetlink's messages, laid out by hand."""

from __future__ import annotations

import struct

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import macvlan
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute


def link(name: str, kind: str, mode: int | None) -> bytes:
    data = b"" if mode is None else attribute(2, attribute(1, struct.pack("=I", mode)))
    info = attribute(18, attribute(1, kind.encode() + b"\0") + data)
    return rtnl_link.link_header(5) + attribute(3, name.encode() + b"\0") + info


def test_only_macvlans_of_mode_passthru_are_told() -> None:
    messages = [
        link("mv0", "macvlan", 8),
        link("mv1", "macvlan", 4),
        link("mv2", "macvlan", None),
        link("other", "macvtap", 8),
        rtnl_link.link_header(2) + attribute(3, b"eth0\0"),
    ]
    assert macvlan.passed_through(messages) == {"mv0"}
