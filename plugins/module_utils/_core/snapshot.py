# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the kernel holds now, in frozen values; snapshots and wishes speak the same words.

Names, not numbers, tie devices together, so that a snapshot still means something after a device was made again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping

IFF_UP = 0x1
IFF_LOOPBACK = 0x8
IFF_LOWER_UP = 0x10000
# IN6_ADDR_GEN_MODE_*, in iproute2's words
ADDR_GEN_MODES = ("eui64", "none", "stable_secret", "random")


class Lazily(Mapping):
    """A mapping that is decoded when somebody first looks: of 1000 dumped ports a plan often reads only the master."""

    def __init__(self, decode: Callable[[], dict[str, Any]]) -> None:
        self._decode = decode
        self._values: dict[str, Any] | None = None

    def _get(self) -> dict[str, Any]:
        if self._values is None:
            self._values = self._decode()
        return self._values

    def __getitem__(self, key: str) -> Any:
        return self._get()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._get())

    def __len__(self) -> int:
        return len(self._get())


@dataclass(frozen=True)
class Link:
    """A network device.

    C(kind) is the driver's word (bridge, tun, veth ...; empty for hardware), C(master) and C(lower) are names (None: has
    none, or it is in another namespace), C(options) and C(port) hold what _rtnl/attributes names, C(port) being None on a device that
    is no bridge port. C(vlans) are those of a port, or of a bridge itself, as _core/vlan writes them; None on other devices and on a kernel without
    VLAN filtering. C(flags) are IFF_*; C(xdp): a program is attached to the device itself; C(wireless) is true where the driver is an IEEE 802.11 station.
    C(ipv6) is empty on a device without IPv6; its C(believes_routers): whether it heeds
    router advertisements. C(mac_given): of a bridge, whether somebody gave it its MAC, so that it no longer follows its
    ports; None where nobody can tell. C(mtu_given) is the same of its MTU, which the kernel tells of none: true where this very run gave it.
    """

    name: str
    index: int = 0
    kind: str = ""
    flags: int = 0
    mac: str | None = None
    mtu: int = 1500
    txqueuelen: int = 1000
    alias: str = ""
    master: str | None = None
    lower: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    port: Mapping[str, Any] | None = None
    vlans: Mapping[str, str] | None = None
    wireless: bool = False
    xdp: bool = False
    mac_given: bool | None = None
    mtu_given: bool | None = None
    ipv6: Mapping[str, Any] = field(default_factory=dict)

    @property
    def addr_gen_mode(self) -> str | None:
        """How the kernel makes the device's IPv6 addresses, a word of ADDR_GEN_MODES; None on a device without IPv6."""
        return self.ipv6.get("addr_gen_mode")

    @property
    def up(self) -> bool:
        """Administratively up. Never operstate: an idle TAP is up and operationally DOWN."""
        return bool(self.flags & IFF_UP)

    @property
    def running(self) -> bool:
        """Carrier: for a TAP, that a process holds it."""
        return bool(self.flags & IFF_LOWER_UP)

    @property
    def loopback(self) -> bool:
        return bool(self.flags & IFF_LOOPBACK)


@dataclass(frozen=True)
class Address:
    """An address of a device. C(text) is "10.0.0.1/24", C(raw) the kernel's own (header, attributes) to send again."""

    dev: str
    text: str
    family: int
    scope: int = 0
    flags: int = 0
    peer: str | None = None
    raw: Any = field(default=None, compare=False, repr=False)

    @property
    def lasts(self) -> bool:
        """Whether somebody gave it for good, and no lease or router."""
        return bool(self.flags & 0x80)  # IFA_F_PERMANENT


@dataclass(frozen=True)
class Holder:
    """The process that has a tap open, and the guest that it runs where it is a QEMU with a name."""

    pid: int
    guest: str | None = None

    def __str__(self) -> str:
        return f"the process {self.pid}" + (f" (the guest {self.guest})" if self.guest else "")


@dataclass(frozen=True)
class Snapshot:
    """What was dumped. C(links) is in the kernel's order, keyed by name; C(holders) says by name who holds a tap.

    C(ways) are the devices that somebody's routes lead out of, with the routes' families; C(peers) the MACs that the host talks to,
    each with the ports behind which it was seen.
    """

    links: Mapping[str, Link]
    addresses: tuple[Address, ...] = ()
    holders: Mapping[str, Holder] = field(default_factory=dict)
    ways: Mapping[str, frozenset[int]] = field(default_factory=dict)
    peers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def ports_of(self, bridge: str) -> list[Link]:
        """The ports of a bridge, in the kernel's order."""
        return [
            link for link in self.links.values() if link.master == bridge and link.port is not None
        ]

    def device_of(self, address: str) -> str | None:
        """The device that has an address, which is given without its prefix; None for nobody."""
        return next(
            (one.dev for one in self.addresses if one.text.partition("/")[0] == address), None
        )

    def addresses_of(self, dev: str) -> list[Address]:
        """The addresses of a device that a user would miss: not IPv6 link-local ones, which the kernel makes by itself."""
        return [
            one
            for one in self.addresses
            if one.dev == dev and not one.text.lower().startswith("fe80:")
        ]
