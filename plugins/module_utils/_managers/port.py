# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The port to the managers of a host's network: what one is asked, whoever it is. Each adapter is a room of its own, and a line of the table
in _persist/table.py.

A NIC goes through stages. It is its manager's OWN; it is HELD, so that the manager leaves it alone while it becomes a port; and then the bridge is
HANDED over, so that the manager renews the bridge's lease. All three are below /run, and gone with the next boot. What outlives that are the files of
C(plan), which bridge_persist writes. So a power cut before that boots the old network.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from typing import Any, Collection, Iterable, Mapping, Protocol, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot

OWN, HELD, HANDED = "own", "held", "handed"
# bridge_persist's words for managers
IFUPDOWN, IFUPDOWN2, NETWORKD, NETPLAN, NETWORKMANAGER = (
    "ifupdown", "ifupdown2", "networkd", "netplan", "networkmanager",
)  # fmt: skip
NAMES = (IFUPDOWN, IFUPDOWN2, NETWORKD, NETPLAN, NETWORKMANAGER)
# and for which files: those by which the manager boots the devices and those that keep others off them, or these alone, where somebody else writes the first
ALL, HANDS_OFF = SCOPES = ("all", "hands_off")
MODE = 0o644


@dataclass(frozen=True)
class Owner:
    """Who manages a device, as the machine tells it.

    C(manager) is a word of NAMES, C(index) the device's number. C(source) is what is in force for it: the path of a .network file, the UUID of a
    profile; empty where the manager tells none. C(facts) are the keys of the manager's own file on the device.
    """

    manager: str
    dev: str
    index: int
    source: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Managed:
    """A NIC whose manager has an adapter: C(known) is what C(look) said of it, C(stage) where it is, C(objection), C(unknown) and C(watches) the adapter's
    words. C(described): files that are somebody else's make the NIC a port at boot."""

    nic: Owner
    known: Any = None
    stage: str = OWN
    objection: str | None = None
    unknown: str | None = None
    watches: bool = False
    described: bool = False


@dataclass(frozen=True)
class File:
    """A file as it shall be: C(text) is None where there shall be none, C(mode) that of a new one; C(meanwhile) is what it says until the other files of
    the plan are written."""

    path: str
    text: str | None
    mode: int = MODE
    meanwhile: str | None = None


@dataclass(frozen=True)
class Uplink:
    """A NIC and its bridge, and what its manager has to keep of both.

    C(known) is what the adapter's C(look) said of the NIC before anything was changed. C(routes) are those of the bridge and C(rules) those of the
    host, in the words of _rtnl/route and rules.py: what of them is foreign to a manager, it would remove.
    """

    nic: Owner
    bridge: str
    mac: str | None = None
    known: Any = None
    routes: Sequence[Any] = ()
    rules: Sequence[Any] = ()
    vlans: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)  # of either device
    options: Mapping[str, Any] = field(default_factory=dict)  # of the bridge


@dataclass(frozen=True)
class Wish:
    """What shall boot, by names: the rest is read from the kernel, never made up. C(present) is false where it shall be as before.

    C(ports) are neither uplinks nor taps. C(cloud_init_network) is whether cloud-init may write the network's files, None where it stays as it is.
    C(match) is a word of bound.CHOICES.
    """

    bridges: Sequence[str] = ()
    uplinks: Sequence[str] = ()
    ports: Sequence[str] = ()
    taps: Sequence[str] = ()
    present: bool = True
    cloud_init_network: bool | None = None
    match: str = "auto"

    @property
    def names(self) -> list[str]:
        return [*self.bridges, *self.uplinks, *self.ports, *self.taps]

    def without(self, names: Collection[str]) -> Wish:
        """The wish less some devices."""
        kinds = ("bridges", "uplinks", "ports", "taps")
        left = {kind: [one for one in getattr(self, kind) if one not in names] for kind in kinds}
        return replace(self, **left)


@dataclass(frozen=True)
class Standing(Snapshot):
    """A snapshot with what a manager's files have to say beside it: C(routes) and C(rules) in the words of _rtnl/route and rules.py.

    C(owners) and C(known) are by device: the uplinks' managers, and what their C(look) said. C(permanent) are the MACs that NICs were made with, and
    C(unsteady) says of a NIC why its name may be another at the next boot.
    """

    routes: Sequence[Any] = ()
    rules: Sequence[Any] = ()
    owners: Mapping[str, Owner] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    permanent: Mapping[str, str] = field(default_factory=dict)
    unsteady: Mapping[str, str] = field(default_factory=dict)

    def uplink_of(self, bridge: str, wish: Wish) -> str | None:
        """The NIC of the wish that is a port of the bridge."""
        ports = {link.name for link in self.links.values() if link.master == bridge}
        return next((nic for nic in wish.uplinks if nic in ports), None)


def alike(runs: Iterable[str], said: Iterable[str]) -> bool:
    """Whether addresses with their prefixes are the same, in whatever order, and however an administrator writes them."""

    def read(text: str) -> object:
        try:
            return ipaddress.ip_interface(text)
        except ValueError:
            return text

    return set(map(read, runs)) == set(map(read, said))


class Writer(Protocol):
    """What an adapter does about the next boot. Whatever is foreign to a manager and lost by one of its steps is put back by who calls it."""

    name: str

    def look(self, nic: Owner, bridge: str) -> Any:
        """What the manager says of a NIC as a host's, for C(hand_over) and C(plan): whatever that is to the adapter. Reads, and writes nothing."""

    def objection(self, nic: Owner, known: Any) -> str | None:
        """Why the NIC can't be held; a sentence without its end."""

    def plan(self, now: Standing, wish: Wish) -> Sequence[File]:
        """The files for the next boot, from what stands: also those that shall go. Raises Refused, by name, for what the manager can't say."""

    def load(self, now: Standing, wish: Wish) -> None:
        """Have the manager read its files, with nothing lost. Raises Refused."""


class Manager(Writer, Protocol):
    """What an adapter does that has a part in conversions too."""

    programs: Sequence[
        str
    ]  # the files of those that may listen on the NIC: they are asked, not refused
    watches: bool  # whether it undoes what others do to a bridge that was handed over: then it is held on the way back too

    def unknown(self, known: Any) -> str | None:
        """What of the NIC's identity for DHCP can't be kept, so that its address may change; a noun with its article."""

    def stage(self, nic: Owner, bridge: str) -> str:
        """OWN, HELD or HANDED, as the machine shows it."""

    def hold(self, nic: Owner, bridge: str) -> None:
        """Keep the manager's hands off, with nothing lost: no address, no lease, no route. Of one that watches, off the bridge too, if it was handed over.
        Raises Refused."""

    def hand_over(self, uplink: Uplink) -> None:
        """Give the bridge, as it stands, to the manager until the next boot: the same lease, by the same identity. Raises Refused."""

    def release(self, nic: Owner, bridge: str) -> None:
        """The NIC, as it stands, is its manager's own again until the next boot. Raises Refused."""
