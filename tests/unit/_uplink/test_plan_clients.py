# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DHCP client does by itself to the device that it serves is no difference to the planner of an uplink."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.tests.harness.model import simulated
from ansible_collections.hypervisor.network.tests.unit._uplink.test_plan import host


@pytest.mark.parametrize("program", ["dhcpcd", "dhclient"])
def test_what_a_client_takes_from_the_kernel_is_not_given_back_to_the_kernel(program: str) -> None:
    """dhcpcd 10 tells the kernel to promote secondary addresses, and makes a link-local address of its own."""
    now = host(
        {
            "links": {"eth0": None},
            "addresses": {"eth0": ["10.77.0.100/24"]},
            "sysctls": {"ipv4/conf/eth0/promote_secondaries": 0},
        }
    )
    now = replace(now, clients=(Client("eth0", program, (program, "eth0")),))
    wanted = layout.bridged(now, "eth0", "br0")
    kernel = simulated.Kernel(now)
    for change in uplink_plan.plan(now, wanted):
        kernel.apply(change)
    taken = {"ipv6/conf/br0/accept_ra": "0", "ipv4/conf/br0/promote_secondaries": "1"}
    assert all(wanted.sysctls[key] != value for key, value in taken.items())
    own = tuple(simulated.address(dev, "fe80::99fb/64", scope=253) for dev in ("br0", "eth0"))
    after = replace(
        kernel.now,
        sysctls={**kernel.now.sysctls, **taken},
        addresses=(*kernel.now.addresses, *own),
    )
    left = [str(change) for change in uplink_plan.plan(after, wanted)]
    on_the_port = "remove address fe80::99fb/64 dev eth0"
    assert left == (
        [on_the_port]
        if program == "dhcpcd"
        else [
            "set sysctl net/ipv6/conf/br0/accept_ra",
            "set sysctl net/ipv4/conf/br0/promote_secondaries",
            "remove address fe80::99fb/64 dev br0",
            on_the_port,
        ]
    )
