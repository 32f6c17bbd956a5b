# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queueing disciplines in a dump: those that see what arrives, before a bridge does."""

from __future__ import annotations

import struct

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import qdisc as rtnl_qdisc


def test_qdiscs_that_see_what_arrives() -> None:
    bodies = [
        struct.pack("=BxxxiIII", 0, index, 0, 0, 0) + nla.attribute(1, kind)
        for index, kind in ((2, b"clsact\0"), (3, b"ingress\0"), (2, b"fq\0"))
    ]
    assert rtnl_qdisc.decode_hooks(bodies, {2: "eth0"}) == (("eth0", "clsact"), ("", "ingress"))
