# SPDX-License-Identifier: GPL-3.0-or-later
"""A device's link-local address when its MAC changes: the kernel makes it once, when the device comes up, and keeps the one of the old MAC.

Source: Linux' net/ipv6/addrconf.c, addrconf_notify and addrconf_sysctl_addr_gen_mode.
"""

from __future__ import annotations

import errno

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

_MODE = "/proc/sys/net/ipv6/conf/{}/addr_gen_mode"
_EUI64, _NONE = "eui64", "1"


def follow_the_mac(netlink: Netlink, before: Link, sysctl: str = _MODE) -> None:
    """Have the kernel make the link-local address of a device anew where its MAC is another one than C(before)'s. Raises KernelError and Refused."""
    now = netlink.link(netlink.still(before.name, before.index))
    if not now.up or now.mac == before.mac or before.mac is None or now.addr_gen_mode != _EUI64:
        return
    text = f"{rtnl_address.eui64(before.mac)}/64"
    old = [
        one
        for one in rtnl_address.decode_addresses(
            netlink.dump(rtnl_address.RTM_GETADDR), {before.index: before.name}
        )
        if one.dev == before.name and one.text == text
    ]
    if not old:
        return  # somebody chose another, or there is none yet
    try:
        for mode in (_NONE, "0"):
            with open(sysctl.format(before.name), "w", encoding="ascii") as stream:
                stream.write(mode)
    except OSError as error:
        raise KernelError(
            f"have a link-local address made for {before.name}", error.errno or 0
        ) from None
    body = rtnl_address.readdress(old[0], before.index, before.name, 0)
    try:
        netlink.send(
            rtnl_address.RTM_DELADDR, 0, body, f"remove the address {text} of {before.name}"
        )
    except KernelError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
