# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Are tenants apart? What probes have to be plugged in, what they send, and what it means where their frames were seen.

A probe is a port like one that the tenant has: same VLANs, same options. What it sends enters the bridge as a guest's frames do; where it
comes out is seen at every port of the bridges, at those of living guests too. One more probe of each bridge that filters VLANs sends as the host does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import listed
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    frames as probe_frames,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.spec import (
    HOST,
    Tenant,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner

_LEAST_PROBES = 2  # of a tenant on a bridge: one sends, one answers
_IFF_PROMISC = 0x100
# Not a matter of who is sent to: a port with these would let a probe in only by the MAC of its guest, or would change the network's paths.
_NOT_CLONED = ("port_state", "locked", "mab", "guard", "root_block")
Sighting = tuple[int, str, str, "int | None"]  # number of the probe, kind, device, VID of the tag


@dataclass(frozen=True)
class Probe:
    """A port to plug in. C(tenant) is None for the one that sends as the host; C(like) is the port that it is a copy of, C(options) its wish."""

    number: int
    name: str
    tenant: Tenant | None
    bridge: str
    mtu: int
    like: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def whose(self) -> str:
        return self.tenant.name if self.tenant else HOST


@dataclass(frozen=True)
class Shot:
    """What a probe sends: C(peer) is the probe that a "known" frame goes to, C(vid) the tag of a "tagged" one."""

    probe: Probe
    kind: str
    peer: int | None = None
    vid: int = 0


def probes(now: Snapshot, wish: Wish, mark: str) -> list[Probe]:
    """The probes to plug in: for each bridge and each way in which a tenant's ports are set, and two at least. Raises Refused.

    C(mark) makes their names this run's own.
    """
    found: list[Probe] = []

    def add(
        tenant: Tenant | None, bridge: str, like: str | None, options: Mapping[str, Any]
    ) -> None:
        number = len(found)
        name = f"probe{number}-{mark}"
        wished = {
            **options,
            "name": name,
            "bridge": bridge,
            "state": "present",
            "up": True,
            "steal": False,
            "back": True,
        }
        found.append(Probe(number, name, tenant, bridge, now.links[bridge].mtu, like, wished))

    for tenant in wish.tenants:
        for bridge, ports in _by_bridge(now, tenant).items():
            ways: list[tuple[str, dict[str, Any]]] = []
            for port in ports:
                options = {
                    key: value
                    for key, value in port_planner.wish_back(now, port).items()
                    if key not in _NOT_CLONED
                }
                same = {key: value for key, value in options.items() if key != "name"}
                if same not in [
                    {key: value for key, value in way.items() if key != "name"}
                    for _like, way in ways
                ]:
                    ways.append((port, options))
            ways += [ways[0]] * (_LEAST_PROBES - len(ways))
            for like, options in ways:
                add(tenant, bridge, like, options)
    for bridge in bridges(now, wish):
        if _filters(now, bridge) and vlan_words.of_a_new_port(now.links[bridge]):
            add(None, bridge, None, {})
    return found


def bridges(now: Snapshot, wish: Wish) -> list[str]:
    """The bridges that the tenants have ports of."""
    return list(
        dict.fromkeys(bridge for tenant in wish.tenants for bridge in _by_bridge(now, tenant))
    )


def shots(now: Snapshot, wish: Wish, plugged: Sequence[Probe]) -> list[Shot]:
    """One round of what is sent: floods first, so that the bridge knows who is where when "known" frames go to one station."""
    flooding = [Shot(probe, kind) for kind in probe_frames.FLOODED for probe in plugged]
    direct = []
    for probe in plugged:
        peers = [
            one.number
            for one in plugged
            if one.tenant is probe.tenant and one.bridge == probe.bridge and one is not probe
        ]
        direct += [Shot(probe, "known", peer=peer) for peer in peers if probe.tenant is not None]
    forged = [
        Shot(probe, "tagged", vid=vid)
        for probe in plugged
        if _filters(now, probe.bridge)
        for vid in _foreign(now, wish, probe)
    ]
    return flooding + direct + forged


def is_required(
    now: Snapshot, wish: Wish, probe: Probe, kind: str, dev: str, plugged: Mapping[str, Probe]
) -> bool:
    """Whether every frame of that kind has to come out at that device."""
    if kind in ("known", "tagged") or (probe.tenant is not None and dev == probe.bridge):
        return False
    other = plugged.get(dev)
    if other is not None:
        same = other.tenant is probe.tenant and other.bridge == probe.bridge
        return (
            same
            and _floods(now, probe.bridge, other.options, kind)
            and not (probe.options.get("isolated") and other.options.get("isolated"))
        )
    link = now.links[dev]
    if probe.tenant is None:
        # what is said in the VLAN of a new port has to reach the host, if it is in that VLAN, and the wire, if that carries it
        there = set(vlan_words.of_a_new_port(now.links[probe.bridge]) or ()) & set(
            map(str, vlan_words.expanded(link.vlans or {}))
        )
        way = (
            link.up
            if dev == probe.bridge
            else dev in wish.uplinks and link.master == probe.bridge and _forwards(link)
        )
        return bool(there) and way and kind in ("arp", "broadcast")
    if (
        link.master != probe.bridge
        or not _forwards(link)
        or not _floods(now, probe.bridge, link.port or {}, kind)
    ):
        return False
    if dev in probe.tenant.ports:
        return not (probe.options.get("isolated") and (link.port or {}).get("isolated"))
    return dev in wish.uplinks and probe.tenant.vlan is not None


def is_leak(
    now: Snapshot,
    wish: Wish,
    probe: Probe,
    kind: str,
    dev: str,
    vid: int | None,
    plugged: Mapping[str, Probe],
) -> bool:
    """Whether a frame that came out at that device, with a tag of that VID or none, is where it must not be."""
    other = plugged[dev].tenant if dev in plugged else wish.owner(dev)
    if kind == "tagged":
        return True
    if probe.tenant is None:
        return other is not None
    if other is not None:
        return other is not probe.tenant
    if dev in plugged:  # the host's probe
        return True
    link = now.links[dev]
    if link.kind == "bridge":
        # a bridge takes in every VLAN while somebody captures on it; without filtering it is everybody's
        return _filters(now, dev) and not link.flags & _IFF_PROMISC
    if dev in (*wish.uplinks, *wish.trunks):
        return probe.tenant.vlan is not None and vid != probe.tenant.vlan
    return True


def watched(now: Snapshot) -> list[Link]:
    """The devices that frames of the tenants could come out at: all ports of all bridges of this host, and the bridges themselves."""
    return [link for link in now.links.values() if link.port is not None or link.kind == "bridge"]


def settings(now: Snapshot, wish: Wish) -> list[str]:
    """What is wrong with the VLANs of the ports as they are set: the reason, where frames go astray."""
    wrong = []
    for tenant in wish.tenants:
        if tenant.vlan is None:
            continue
        for bridge, ports in _by_bridge(now, tenant).items():
            if not _filters(now, bridge):
                wrong.append(
                    f"{bridge} filters no VLANs, so VLAN {tenant.vlan} of {tenant.name} means nothing there; set its vlan_filtering."
                )
                continue
            for port in ports:
                has = dict(now.links[port].vlans or {})
                if has != {str(tenant.vlan): vlan_words.PVID}:
                    wrong.append(
                        f"{port} of {tenant.name} should be in VLAN {tenant.vlan} alone, untagged, and has {_told(has)}."
                    )
            if vlan_words.expanded(now.links[bridge].vlans or {}).get(tenant.vlan):
                wrong.append(
                    f"{bridge} itself, which is the host, is in VLAN {tenant.vlan} of {tenant.name}."
                )
            for link in _uplinks(now, wish, bridge):
                if vlan_words.expanded(link.vlans or {}).get(tenant.vlan) != vlan_words.TAGGED:
                    wrong.append(
                        f"{link.name} does not carry VLAN {tenant.vlan} of {tenant.name} tagged; it has {_told(link.vlans or {})}."
                    )
    for bridge in filter(lambda name: _filters(now, name), bridges(now, wish)):
        for link in _uplinks(now, wish, bridge):
            lost = [
                vid
                for vid in _pvids(now, bridge)
                if vid not in vlan_words.expanded(link.vlans or {})
            ]
            wrong += [
                f"{link.name} does not carry VLAN {vid}, which the host is in on {bridge}; it has {_told(link.vlans or {})}."
                for vid in lost
            ]
    return wrong


def _uplinks(now: Snapshot, wish: Wish, bridge: str) -> list[Link]:
    return [
        now.links[name]
        for name in wish.uplinks
        if name in now.links and now.links[name].master == bridge
    ]


def _pvids(now: Snapshot, bridge: str) -> set[int]:
    """The VLAN in which the host sends and hears by the bridge itself."""
    return {
        vid
        for vid, words in vlan_words.expanded(now.links[bridge].vlans or {}).items()
        if words == vlan_words.PVID
    }


def _by_bridge(now: Snapshot, tenant: Tenant) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for port in tenant.ports:
        link = now.links.get(port)
        if link is None or link.port is None or link.master not in now.links:
            has = (
                ", ".join(sorted(one.name for one in now.links.values() if one.port is not None))
                or "none"
            )
            raise Refused(
                f"{port} of {tenant.name} is no port of a bridge (those are {has}); plug it in first (bridge_port)."
            )
        found.setdefault(str(link.master), []).append(port)
    return found


def _filters(now: Snapshot, bridge: str) -> bool:
    return bool(now.links[bridge].options.get("vlan_filtering"))


def _foreign(now: Snapshot, wish: Wish, probe: Probe) -> list[int]:
    """The VLANs of the bridge that a tenant could forge a tag of: the other tenants', and the host's own."""
    if probe.tenant is None:
        return []
    others = {one.vlan for one in wish.tenants if one is not probe.tenant and one.vlan is not None}
    return sorted((others | _pvids(now, probe.bridge)) - {probe.tenant.vlan})


def _forwards(link: Link) -> bool:
    return link.running and (link.port or {}).get("port_state") == "forwarding"


def _floods(now: Snapshot, bridge: str, port: Mapping[str, Any], kind: str) -> bool:
    """Whether the bridge floods that kind to a port.

    A bridge that snoops hands a group that nobody joined to routers only, as soon as anybody on the network asks for members; all hosts' own group
    (ff02::1) is for everybody all the same.
    """
    if kind in ("multicast", "nd") and now.links[bridge].options.get("mcast_snooping", True):
        return False
    switch = {
        "unicast": "flood",
        "multicast": "mcast_flood",
        "multicast6": "mcast_flood",
        "nd": "mcast_flood",
    }.get(kind, "bcast_flood")
    quiet = kind in ("arp", "nd") and (port.get("neigh_suppress") or port.get("proxy_arp"))
    return bool(port.get(switch, True)) and not quiet


def _told(vlans: Mapping[str, str]) -> str:
    return listed([f"{vid} ({words})" for vid, words in vlans.items()]) or "none"


def entered(seen: Mapping[Sighting, int], probe: Probe, kind: str) -> int:
    """How many frames of a kind the bridge was given at the probe."""
    return sum(
        count
        for (number, what, dev, _vid), count in seen.items()
        if (number, what, dev) == (probe.number, kind, probe.name)
    )


def came_out(
    seen: Mapping[Sighting, int], probe: Probe
) -> Iterable[tuple[str, str, int | None, int]]:
    """C((kind, device, VID, count)) of the probe's frames, wherever but at itself."""
    for (number, kind, dev, vid), count in sorted(seen.items(), key=str):
        if number == probe.number and dev != probe.name:
            yield kind, dev, vid, count
