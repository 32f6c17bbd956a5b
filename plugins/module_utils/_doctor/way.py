# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Whose way is asked about: by guest, MAC, address or bridge, or everybody's."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Host, Way


def ways(
    host: Host,
    guest: str | None = None,
    mac: str | None = None,
    address: str | None = None,
    bridge: str | None = None,
) -> list[Way]:
    """The ways that are meant; all of them where nothing is given. Raises Refused for what nobody here knows."""
    everybody = list(_all(host))
    if guest is not None:
        found = [way for way in everybody if way.whose == guest]
        if not found and guest in {one.name for one in host.guests}:
            raise Refused(
                f"{guest} has no network card, so no frame of it goes anywhere; give it one with qemu_guest, nics."
            )
        if not found:
            raise Refused(
                f"There is no guest '{guest}' on this host: neither one of qemu_guest's nor one that holds a tap; ask by its mac, or another host."
            )
        return found
    if address is not None:
        mac = _mac_of(host, address)
    if mac is not None:
        return [way for way in everybody if way.mac == mac] or _learned(host, mac)
    if bridge is not None:
        link = host.link(bridge)
        if link is None or link.kind != "bridge":
            raise Refused(
                f"{bridge} is no bridge of this host; name one of those that bridge_info lists."
            )
        return [way for way in everybody if _is_on(host, way, bridge)]
    return everybody


def _all(host: Host) -> Iterator[Way]:
    """A way for each card of a guest, and one for each tap in a bridge that is nobody's, or a stranger's."""
    own = set()
    for guest in host.guests:
        for nic in guest.spec.get("nics") or ():
            own.add(nic.get("tap"))
            yield Way(guest, nic, nic.get("mac"), nic.get("tap"))
    for link in host.now.links.values():
        if link.kind != "tun" or link.name in own or link.port is None:
            continue
        holder = host.now.holders.get(link.name)
        # a tap that nobody has ever meant for a guest has no way that could end
        if holder is not None:
            macs = [one.mac for one in host.fdb if one.port == link.name and not one.local]
            yield Way(mac=macs[0] if macs else None, tap=link.name, holder=holder.guest)


def _is_on(host: Host, way: Way, bridge: str) -> bool:
    link = host.link(way.tap)
    return bridge in (way.nic.get("bridge"), link.master if link else None)


def _mac_of(host: Host, address: str) -> str:
    found = [one.mac for one in host.neighbours if one.address == address and one.mac]
    if not found:
        raise Refused(
            f"This host has not heard who has {address}: it asks only for addresses that it talks to itself; ask by guest or mac."
        )
    return str(found[0])


def _learned(host: Host, mac: str) -> list[Way]:
    found = [Way(mac=mac, tap=one.port) for one in host.learned(mac)]
    if not found:
        raise Refused(
            f"No guest of this host has the MAC {mac}, and no bridge has heard it; ask by guest or bridge, or ask the host that it is on."
        )
    return found
