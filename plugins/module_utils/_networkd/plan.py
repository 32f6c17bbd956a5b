# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The files that networkd reads at boot, from what stands: a bridge, its uplink, other ports and taps. In an order of which every prefix boots a
network that can be reached: a NIC's file, which makes it a port, comes after those of its bridge, and goes before them.

The administrator's own files stay as they are: ours come before them in the order of names, so that removing ours is the way back.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers import bound, owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import (
    described,
    devices,
    render,
    routes,
    unit,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.identity import Identity
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

RUN, KEPT = owners.NETWORKD_RUN, owners.NETWORKD_KEPT
# In the order of names: a bridge that is nobody's yet, a NIC given back until the next boot; one handed over until then, and what outlives it, come after these
_LEFT_ALONE, _BACK = (f"{number}-{render.OURS}-" for number in ("02", "03"))
_PERMANENT = 0x80  # IFA_F_PERMANENT


@dataclass(frozen=True)
class Known:
    """What networkd says of a NIC as a host's: the file in force for that, all that it and its drop-ins say, and its identity for DHCP.

    C(said) is what our own file of the bridge says already, where there is one. C(theirs): the NIC is a port of its bridge by files of somebody else's, and
    C(config) is what those say of the NIC's link, and of the bridge as a host.
    """

    source: str
    config: Sequence[Section]
    identity: Identity
    said: Sequence[Section] = ()
    theirs: bool = False


def left_alone(dev: str) -> str:
    """The file of a bridge that networkd keeps its hands off meanwhile."""
    return f"{RUN}/{_LEFT_ALONE}{dev}.network"


def back(dev: str) -> str:
    """The file of a device that was given back until the next boot."""
    return f"{RUN}/{_BACK}{dev}.network"


def handed(dev: str) -> str:
    """The file of a device that was handed over until the next boot."""
    return f"{owners.NETWORKD_HANDED}{dev}.network"


def held(source: str) -> str:
    """The drop-in that holds a NIC, beside the file in force for it."""
    return f"{RUN}/{posixpath.basename(source)}.d/99-{render.OURS}-hold.conf"


def kept(source: str) -> str:
    """The drop-in with which a NIC that was given back keeps what it has until the next boot: it is no hold, since the NIC is its manager's own."""
    return f"{RUN}/{posixpath.basename(source)}.d/98-{render.OURS}-kept.conf"


def lasting(dev: str, kind: str = "network") -> str:
    """The file of a device that outlives a boot."""
    return f"{owners.NETWORKD_LASTING}{dev}.{kind}"


def plan(now: Standing, wish: Wish, theirs: Mapping[str, Described] | None = None) -> list[File]:
    """The files that shall be, and those that shall go. Raises Refused for what networkd has no words for.

    C(theirs) are the devices that somebody else's files describe, by name.
    """
    theirs = theirs or {}
    gone = [File(path, None) for dev in wish.names for path in (back(dev), handed(dev))]
    if not wish.present:
        # the NICs' first: a plug that is pulled then finds hosts' NICs, and a bridge without them
        names = (*wish.uplinks, *wish.ports, *wish.taps, *wish.bridges)
        kinds = ("network", "netdev")
        own = [lasting(dev, kind) for dev in names for kind in kinds]
        own += [path for one in theirs.values() for path in described.drop_ins(one)]
        return [*gone, *(File(path, None) for path in own)]
    rest = wish.without(theirs)
    return [
        *gone,
        *_bridges(now, rest),
        *_uplinks(now, rest),
        *ports(now, rest),
        *described.files(now, wish, theirs),
    ]


def _bridges(now: Standing, wish: Wish) -> list[File]:
    found = []
    for name in wish.bridges:
        bridge, nic = now.links[name], now.uplink_of(name, wish)
        text = bridge_text(now, bridge, nic)
        found += [
            File(lasting(name, "netdev"), devices.bridge_netdev(bridge)),
            File(lasting(name), text),
        ]
    return found


def bridge_text(now: Standing, bridge: Link, nic: str | None) -> str:
    """The .network file of a bridge: with what its NIC had, or with its own addresses."""
    filtering = bool(bridge.options.get("vlan_filtering"))
    vlans = bridge.vlans if filtering else None
    if nic is None:
        own = own_addresses(now, bridge)
        return render.bridge_file(
            bridge.name, bridge.mac, own, Identity(False, False), (), vlans, alone=True
        )
    known = now.known[nic]
    return render.bridge_file(
        bridge.name, bridge.mac, known.config, known.identity, foreign(now, bridge.name, nic), vlans
    )


def own_addresses(now: Standing, bridge: Link) -> list[Section]:
    """The addresses that a bridge without uplink has, as configuration."""
    lines = [
        ("Address", one.text) for one in now.addresses_of(bridge.name) if one.flags & _PERMANENT
    ]
    return [Section("Network", tuple(lines or [("LinkLocalAddressing", "no")]))]


def foreign(now: Standing, bridge: str, nic: str) -> list[Section]:
    """The routes of the bridge and the rules of the host that the NIC's own configuration does not have."""
    known = now.known[nic]
    found = routes.foreign(now.routes, (nic, bridge), known.config)
    return [
        *routes.routes(found),
        *routes.policies(routes.foreign_rules(now.rules, known.config, known.said)),
    ]


def _uplinks(now: Standing, wish: Wish) -> list[File]:
    found = []
    for nic in wish.uplinks:
        link = now.links[nic]
        known = now.known[nic]
        more = devices.uplink_sections(link, known.config, filtering(now, link))
        mac = mac_of(now, wish, nic)
        text = render.nic_file(nic, link.master, known.config, more, known.source, mac)
        found.append(File(lasting(nic), text))
    return found


def mac_of(now: Standing, wish: Wish, nic: str) -> str | None:
    """The MAC by which an uplink is found at boot, None where it is found by its name."""
    words = ("PermanentMACAddress", "MACAddress")
    theirs = any(unit.values(now.known[nic].config, "Match", word) for word in words)
    return bound.mac_of(now, wish, nic, theirs)


def ports(now: Standing, wish: Wish) -> list[File]:
    """The files of ports that are no uplinks, and of taps."""
    found = []
    for name in (*wish.ports, *wish.taps):
        link = now.links[name]
        if name in wish.taps:
            found.append(File(lasting(name, "netdev"), devices.tap_netdev(link)))
        found.append(File(lasting(name), devices.port_file(link, filtering(now, link))))
    return found


def filtering(now: Standing, port: Link) -> bool:
    """Whether the bridge of a port filters VLANs."""
    bridge = now.links.get(port.master or "")
    return bridge is not None and bool(bridge.options.get("vlan_filtering"))
