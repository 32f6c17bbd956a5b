# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own addresses on a bridge, taken and given as a change says."""

from __future__ import annotations

import errno

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import own_addresses
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
)


def carry_out(netlink: Netlink, change: Change, index: int, now: Snapshot) -> None:
    """First away, then there. One that is there already comes back as it was, lifetime included. Raises KernelError."""
    dev = change.name
    known = {one.text: one for one in now.addresses if one.dev == dev}
    gone, come = own_addresses.steps(change)
    for text in gone:
        body = rtnl_address.readdress(known[text], index, dev, 0)
        try:
            netlink.send(rtnl_address.RTM_DELADDR, 0, body, f"remove the address {text} of {dev}")
        except KernelError as error:
            if error.errno != errno.EADDRNOTAVAIL:  # it went with its primary
                raise
    for text in come:
        give(netlink, known.get(text) or rtnl_address.new_address(dev, text), index)


def stay(netlink: Netlink, change: Change, now: Snapshot) -> None:
    """Give a device that went down the addresses again which the kernel takes then. Raises KernelError."""
    if change.action in ("delete", "recreate"):
        return
    for one in own_addresses.lost_by(now, change):
        give(netlink, one, now.links[one.dev].index)


def give(netlink: Netlink, address: Address, index: int) -> None:
    """An address to its device, whose index is given; one that is there already stays as it was or gets its lifetime. Raises KernelError."""
    body = rtnl_address.readdress(address, index, address.dev, address.flags)
    flags = NLM_F_CREATE | NLM_F_REPLACE
    what = f"add the address {address.text} to {address.dev}"
    netlink.send(rtnl_address.RTM_NEWADDR, flags, body, what)
