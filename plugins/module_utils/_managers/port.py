# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The port to the managers of a host's network: what one is asked, whoever it is. Each adapter is a room of its own, and a line of the table
in _persist/table.py.

A NIC goes through stages. It is its manager's OWN; it is HELD, so that the manager leaves it alone while it becomes a port; and then the bridge is
HANDED over, so that the manager renews the bridge's lease. All three are below /run, and gone with the next boot. What outlives that are the files of
C(plan), which bridge_persist writes. So a power cut before that boots the old network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot

OWN, HELD, HANDED = "own", "held", "handed"
# bridge_persist's words for managers
IFUPDOWN, IFUPDOWN2, NETWORKD, NETPLAN, NETWORKMANAGER = (
    "ifupdown", "ifupdown2", "networkd", "netplan", "networkmanager",
)  # fmt: skip
NAMES = (IFUPDOWN, IFUPDOWN2, NETWORKD, NETPLAN, NETWORKMANAGER)
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
class File:
    """A file as it shall be: C(text) is None where there shall be none, C(mode) that of a new one."""

    path: str
    text: str | None
    mode: int = MODE


@dataclass(frozen=True)
class Uplink:
    """A NIC and its bridge, and what its manager has to keep of both.

    C(routes) and C(rules) are those that somebody added by hand, and that a manager would take for foreign and remove; in the words of
    _rtnl/route. C(config) is what the manager says of the device that has the addresses: whatever that is to the adapter.
    """

    nic: str
    bridge: str
    config: Any = None
    routes: Sequence[Any] = ()
    rules: Sequence[Any] = ()


@dataclass(frozen=True)
class Wish:
    """What shall boot, by names: the rest is read from the kernel, never made up. C(present) is false where it shall be as before."""

    bridges: Sequence[str] = ()
    uplinks: Mapping[str, str] = field(default_factory=dict)  # the bridge of each NIC
    ports: Mapping[str, str] = field(
        default_factory=dict
    )  # the bridge of each port that is neither an uplink nor a tap
    taps: Sequence[str] = ()
    present: bool = True


class Manager(Protocol):
    """What an adapter does. Whatever is foreign to a manager and lost by one of its steps is put back by who calls it."""

    name: str

    def objection(self, owner: Owner) -> str | None:
        """Why a device can't be held, or its identity not kept; a sentence without its end. Reads, and writes nothing."""

    def stage(self, nic: Owner, bridge: str) -> str:
        """OWN, HELD or HANDED, as the machine shows it."""

    def hold(self, nic: Owner, bridge: str) -> None:
        """Keep the manager's hands off, with nothing lost: no address, no lease, no route. Raises Refused."""

    def hand_over(self, uplink: Uplink) -> None:
        """Give the bridge, as it stands, to the manager until the next boot: the same lease, by the same identity. Raises Refused."""

    def release(self, nic: Owner, bridge: str) -> None:
        """The NIC, as it stands, is its manager's own again. Raises Refused."""

    def plan(self, now: Snapshot, wish: Wish) -> Sequence[File]:
        """The files for the next boot, from what stands: also those that shall go. Raises Refused, by name, for what the manager can't say."""

    def load(self, files: Sequence[File]) -> None:
        """Have the manager read its files, with nothing lost. Raises Refused."""

    def verify(self, now: Snapshot, wish: Wish) -> Sequence[str]:
        """Where the manager and the kernel differ, a sentence each."""
