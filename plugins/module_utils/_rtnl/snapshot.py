# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel holds, read over rtnetlink as snapshots, and waiting until it holds something."""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import replace
from typing import Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    KernelError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import bridge_vlan, nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    EXT_MASK,
    NLM_F_ACK,
    Socket,
    asked,
    wait,
)

_FDB_HEADER = struct.pack("=B11x", rtnl_address.AF_BRIDGE)
_ROUTES6_HEADER = struct.pack("=B11x", rtnl_address.AF_INET6)
_RTMGRP_LINK, RTMGRP_NEIGH, _RTMGRP_IPV6_IFADDR, _RTMGRP_IPV6_ROUTE = 1, 4, 0x100, 0x400
_IF_OPER_UP = 6
_NET_ADDR_SET = 3


class Netlink(Socket):
    """One namespace: dumps as snapshots, changes as acknowledged messages. Raises MissingDependency."""

    def snapshot(self, addresses: bool = False, vlans: bool = False) -> Snapshot:
        """The links, and on demand the addresses and the bridges' VLANs, as they are now."""
        links = rtnl_link.decode_links(self.dump(rtnl_link.RTM_GETLINK))
        if vlans:
            links = self._with_vlans(links)
        found = ()
        if addresses:
            found = rtnl_address.decode_addresses(
                self.dump(rtnl_address.RTM_GETADDR), names_of(links)
            )
        return Snapshot(links, found)

    def _with_vlans(self, links: dict[str, Link]) -> dict[str, Link]:
        """Bridges and ports with their VLANs, where the first bridge shows that the kernel has VLANs."""
        bridge = next((link for link in links.values() if link.kind == "bridge"), None)
        if bridge is None or "vlan_protocol" not in bridge.options:
            return links
        found = bridge_vlan.decode(
            self.dump(rtnl_link.RTM_GETLINK, bridge_vlan.DUMP), names_of(links)
        )
        return {
            name: replace(link, vlans=found.get(name, {}))
            if link.kind == "bridge" or link.port is not None
            else link
            for name, link in links.items()
        }

    def link(self, index: int) -> Link:
        """One link as it is now; its master and lower device are not looked up."""
        return next(iter(rtnl_link.decode_links([_device(index)]).values()))

    def still(self, name: str, meant: int | None) -> int:
        """A device's index, looked at again; C(meant) is what it shall be, None for whatever it is. Raises KernelError, and Refused for another device."""
        index = index_of(name, {})
        if meant not in (None, index):
            raise Refused(
                f"{name} is another device now than the one that was looked at (its index is {index}, and was {meant}); nothing is done to it: run the task "
                "again."
            )
        return index

    def wait_until_transmitting(self, index: int, timeout: float) -> bool:
        """Wait until a device sends what it is given; False after C(timeout) seconds.

        A carrier that came opens the device's queues only when a worker of the kernel has run (linkwatch, which then calls the
        device operationally up); until then everything sent through it is dropped in silence.
        """
        return bool(wait(_RTMGRP_LINK, timeout, lambda: _operstate(index) == _IF_OPER_UP))

    def wait_until_forwarding(self, index: int, timeout: float) -> bool:
        """Wait until a bridge port forwards: with STP it listens and learns before; False after C(timeout) seconds."""
        return bool(
            wait(
                _RTMGRP_LINK,
                timeout,
                lambda: (self.link(index).port or {}).get("port_state") == "forwarding",
            )
        )

    def wait_until_answering(self, index: int, address: str, timeout: float) -> bool:
        """Wait until an IPv6 address of a device is taken as the host's own; False after C(timeout) seconds.

        The kernel lists a new address at once, but a worker makes its local route a moment later.
        """
        return bool(
            wait(
                _RTMGRP_IPV6_ROUTE,
                timeout,
                lambda: (
                    (index, address)
                    in rtnl_route.local_addresses(
                        self.dump(rtnl_route.RTM_GETROUTE, _ROUTES6_HEADER)
                    )
                ),
            )
        )

    def wait_until_link_local(self, index: int, timeout: float) -> bool:
        """Wait until a device has an IPv6 link-local address that a program can bind; False after C(timeout) seconds.

        A worker of the kernel makes it once it has seen the carrier, and may look for it on the LAN before, which takes a second or more.
        """
        return bool(
            wait(
                _RTMGRP_IPV6_IFADDR,
                timeout,
                lambda: any(
                    rtnl_address.is_link_local_to_bind(one)
                    for one in rtnl_address.decode_addresses(
                        self.dump(rtnl_address.RTM_GETADDR), {index: ""}
                    )
                    if one.dev == ""
                ),
            )
        )

    def fdb(self, links: Mapping[str, Link]) -> tuple[rtnl_neigh.Forwarding, ...]:
        """The forwarding databases of all bridges."""
        return rtnl_neigh.decode_fdb(
            self.dump(rtnl_neigh.RTM_GETNEIGH, _FDB_HEADER), names_of(links)
        )

    def neighbours(self, links: Mapping[str, Link]) -> tuple[rtnl_neigh.Neighbour, ...]:
        """Those whose MACs the host knows."""
        return rtnl_neigh.decode_neighbours(self.dump(rtnl_neigh.RTM_GETNEIGH), names_of(links))

    def ways(self, links: Mapping[str, Link]) -> dict[str, frozenset[int]]:
        """See C(_rtnl/route.ways)."""
        return rtnl_route.ways(
            rtnl_route.decode_routes(self.dump(rtnl_route.RTM_GETROUTE), names_of(links))
        )

    def wait_for_mac(self, mac: str, timeout: float) -> rtnl_neigh.Forwarding | None:
        """The learned entry of C(mac) in any bridge as soon as there is one; None after C(timeout) seconds."""

        def learned() -> rtnl_neigh.Forwarding | None:
            return next(
                (
                    entry
                    for entry in self.fdb(self.snapshot().links)
                    if entry.mac == mac and not entry.local
                ),
                None,
            )

        return wait(RTMGRP_NEIGH, timeout, learned)


def _device(index: int) -> bytes:
    """A device as it is now, as a message body. Raises KernelError."""
    (found,) = (
        asked(
            rtnl_link.RTM_GETLINK,
            NLM_F_ACK,
            rtnl_link.link_header(index) + EXT_MASK,
            f"read the device {index}",
        )
        or ()
    )
    return found


def _operstate(index: int) -> int:
    return nla.walk(_device(index), len(rtnl_link.link_header()))[rtnl_link.IFLA_OPERSTATE][0]


def names_of(links: Mapping[str, Link]) -> dict[int, str]:
    """Device names by index."""
    return {link.index: name for name, link in links.items()}


def index_of(name: str, links: Mapping[str, Link]) -> int:
    """A device's index: from the snapshot, or from the kernel for one that this run made. Raises KernelError."""
    if name in links:
        return links[name].index
    try:
        return socket.if_nametoindex(name)
    except OSError:
        raise KernelError(f"find the device {name}", errno.ENODEV) from None


def wireless(names: Iterable[str], sysfs: str = "/sys/class/net") -> set[str]:
    """Which of these devices are IEEE 802.11 stations (sysfs shows a phy80211 or wireless folder for them)."""
    return {
        name
        for name in names
        if any(
            os.path.exists(os.path.join(sysfs, name, entry)) for entry in ("phy80211", "wireless")
        )
    }


def mac_given(link: Link, sysfs: str = "/sys/class/net") -> bool | None:
    """Whether somebody gave the device its MAC (NET_ADDR_SET); None where this sysfs is of another namespace, or gone."""
    if told(link, "address", sysfs) != link.mac:
        return None
    kind = told(link, "addr_assign_type", sysfs)
    return int(kind) == _NET_ADDR_SET if kind is not None and kind.isdigit() else None


def speed(link: Link, sysfs: str = "/sys/class/net") -> int | None:
    """How fast a NIC's wire is, in Mbit/s; None where its driver does not tell, or nothing is plugged in."""
    mbit = told(link, "speed", sysfs)
    return int(mbit) if mbit is not None and mbit.isdigit() and int(mbit) else None


def told(link: Link, what: str, sysfs: str) -> str | None:
    """What sysfs tells of a device; None where this sysfs is of another namespace, or the driver refuses to say."""
    try:
        with open(os.path.join(sysfs, link.name, "ifindex"), encoding="ascii") as text:
            if text.read().strip() != str(link.index):
                return None
        with open(os.path.join(sysfs, link.name, what), encoding="ascii") as text:
            return text.read().strip()
    except (OSError, ValueError):
        return None


class OnASocket:
    """What works on a socket of rtnetlink, and goes on with another where its own was inherited by a child."""

    netlink: Netlink

    def use(self, netlink: Netlink) -> None:
        """Go on with another socket; the old one is kept, because collecting it would close a number that may be the new one's."""
        self._inherited = self.netlink
        self.netlink = netlink
        netlink.ready()
