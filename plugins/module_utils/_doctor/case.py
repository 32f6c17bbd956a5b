# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the doctor looks at, and in which words a finding is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import sentence
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    Forwarding,
    Neighbour,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Route

# The places that a guest's frame passes, in their order
STEPS = ("guest", "tap", "port", "vlan", "bridge", "uplink", "gateway")
GUEST, TAP, PORT, VLAN, BRIDGE, UPLINK, GATEWAY = STEPS
# An error stops frames; a warning stops some of them, or will; an info is what may be meant so
ERROR, WARNING, INFO = "error", "warning", "info"
_NICS = ("", "bond", "vlan")
Task = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Part:
    """A part of a card (SR-IOV): the card's device and the part's number there, and what is set for it; None what this namespace does not know.

    C(driver) is the part's own.
    """

    card: str | None = None
    number: int | None = None
    spoofchk: bool | None = None
    trust: bool | None = None
    driver: str | None = None


@dataclass(frozen=True)
class Wire:
    """What is behind an uplink: C(part) where another card's driver has a say in its frames; C(own_frames_only) whether it is a macvlan that takes no
    frames for other MACs.
    """

    part: Part | None = None
    own_frames_only: bool = False


@dataclass(frozen=True)
class Host:
    """What was read of a host, once.

    C(gateways) are addresses of default routes by their device, C(drops) the packet filter's chains that drop what a bridge passes, by bridge,
    C(managers) sentences of other managers that have a hand in a device, by device; C(takers) who would take a port out of its bridge, by port.
    C(strict) are devices whose rp_filter is strict, C(queried) bridges that have heard of a querier or a multicast router, C(cloud) whose machine this is.
    """

    now: Snapshot
    guests: Sequence[Guest] = ()
    fdb: Sequence[Forwarding] = ()
    neighbours: Sequence[Neighbour] = ()
    gateways: Mapping[str, Sequence[str]] = field(default_factory=dict)
    drops: Mapping[str, Sequence[str]] = field(default_factory=dict)
    managers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    takers: Mapping[str, str] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    strict: Collection[str] = ()
    queried: Collection[str] = ()
    wires: Mapping[str, Wire] = field(default_factory=dict)
    cloud: str | None = None

    def link(self, name: str | None) -> Link | None:
        return None if name is None else self.now.links.get(name)

    def uplinks(self, bridge: str) -> list[Link]:
        """The ports through which a bridge leaves the host; where NICs are veths, the one whose MAC the bridge has."""
        link = self.now.links.get(bridge)
        own = link.mac if link is not None else ""
        return [
            port
            for port in self.now.ports_of(bridge)
            if port.kind in _NICS or (port.kind != "tun" and port.mac == own)
        ]

    def learned(self, mac: str | None) -> list[Forwarding]:
        """Where a MAC has been seen."""
        return [one for one in self.fdb if one.mac == mac and not one.local]


@dataclass(frozen=True)
class Way:
    """The way of one network card: C(guest) is None where nobody knows whose it is, C(mac) where it has none, C(tap) is a device's name."""

    guest: Guest | None = None
    nic: Mapping[str, Any] = field(default_factory=dict)
    mac: str | None = None
    tap: str | None = None
    holder: str | None = None

    @property
    def whose(self) -> str | None:
        return self.guest.name if self.guest else self.holder


@dataclass(frozen=True)
class Finding:
    """What is wrong at one place. C(cure) are tasks, in their order; none where only a person can decide."""

    id: str
    step: str
    severity: str
    device: str | None
    finding: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cure: Sequence[Task] = ()
    guest: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The finding as the module returns it: on one line, whatever bytes are in the names of devices and guests."""
        return {
            **{key: value for key, value in vars(self).items() if key not in ("evidence", "cure")},
            "finding": sentence(self.finding),
            "evidence": dict(self.evidence),
            "cure": [{name: dict(options) for name, options in task.items()} for task in self.cure],
        }


def task(module: str, **options: Any) -> Task:
    """A task of this collection, as data."""
    return {f"hypervisor.network.{module}": options}
