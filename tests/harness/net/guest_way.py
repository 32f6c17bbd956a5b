# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shortest way of a guest's frames: a port, a bridge, and an uplink, with the guest and the wire at their other ends."""

from __future__ import annotations

from .lan import set_sysctls
from .netns import batch, inside

MAC, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
UPLINK = "link add br0 up type bridge\nlink add port0 {} master br0 type veth peer name far0\nlink set far0 up\n"


def guest_and_uplink(netns: str) -> None:
    """A bridge br0 with the uplink port0, and a guest at the other end of port1; nobody speaks."""
    inside(netns, set_sysctls, {"ipv6/conf/default/disable_ipv6": 1})
    batch(
        netns,
        UPLINK.format("up")
        + "link add port1 up master br0 type veth peer name far1\nlink set far1 up\n"
        # of veths the one whose MAC the bridge has is its uplink, and that is the lowest
        "link set port0 address 02:00:00:00:00:10\nlink set port1 address 0a:00:00:00:00:11\n",
    )
