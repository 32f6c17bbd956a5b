# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What QEMU itself says of a guest that runs, in the words of a definition: the column beside that and the wish.

A monitor is open to whoever is root, and a guest may give back its balloon, so what a guest has is not what it was started with. Whether the
link of a card is up can be seen nowhere, though, so of that the definition is the record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import (
    LIMITS,
    Drive,
    drive,
    limits_of,
)

# A command of QMP with its arguments
Question = tuple[str, Mapping[str, Any]]

PERIPHERAL = "/machine/peripheral"
# Ports that a PCI Express machine gets at its start, since nothing can be plugged into its root and they cannot be plugged in themselves
PORTS = tuple(f"spare{number}" for number in range(4))
_MIB = 1024**2
_CARD = re.compile(r"(\S+): index=\d+,type=nic,model=([^,]*),macaddr=([0-9a-fA-F:]{17})")
_BACK_END = re.compile(r"(?: \\ )?(\S+): index=\d+,type=(?!nic)[^,]*(?:,ifname=(.+),script=)?")
# Drives that are no disks of the definition
_OTHERS = ("seed-dev", "cdrom-dev")


@dataclass(frozen=True)
class Card:
    """A network card: its device, and the tap that it is on, None where there is none any more."""

    device: str
    mac: str
    model: str
    tap: str | None = None
    netdev: str | None = None


@dataclass(frozen=True)
class Seen:
    """What there is. C(drives) by device, C(disks) the devices of the definition's disks by their paths, C(memory) what the balloon leaves of C(booted),
    both in MiB and None where there is no balloon; C(taps) are all that it holds, for a card or for none. Where it was asked what there is room for,
    C(devices) are the names of all, and C(ports) are those for what is plugged in later, each with the device in it.
    """

    cards: tuple[Card, ...] = ()
    drives: Mapping[str, Drive] = field(default_factory=dict)
    disks: Mapping[str, str] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()
    memory: int | None = None
    booted: int | None = None
    ports: Mapping[str, str | None] = field(default_factory=dict)
    version: str | None = None
    taps: frozenset[str] = frozenset()

    def card(self, nic: Mapping[str, Any]) -> Card | None:
        """The card of an item of C(nics)."""
        wanted = nic["mac"], nic["tap"]
        return next((one for one in self.cards if (one.mac, one.tap) == wanted), None)

    def drive(self, path: str) -> Drive | None:
        """The drive of a disk of the definition."""
        return self.drives.get(self.disks.get(path, ""))

    def identities(self, spec: Mapping[str, Any]) -> dict[str, str]:
        """By the names of devices what slots.py knows cards and disks by."""
        found = {device: f"disk:{path}" for path, device in self.disks.items()}
        for nic in spec.get("nics") or ():
            card = self.card(nic)
            if card is not None:
                found[card.device] = f"nic:{nic['mac']}"
        return found

    def stranger(self, file: str) -> str | None:
        """The device with that file on top which is none of the definition."""
        known = set(self.disks.values())
        found = (one for one in self.drives.values() if one.file == file)
        return next((one.device for one in found if one.device not in known), None)

    def options(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the definition as they are in truth, of those that QEMU tells: C(nics), C(disks), and C(memory) in MiB."""
        found: dict[str, Any] = {"nics": self._nics(spec), "disks": self._disks(spec)}
        if self.memory is not None:
            found["memory"] = self.memory
        return {key: value for key, value in found.items() if value or key in spec}

    def _nics(self, spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        known, there = [], []
        for nic in spec.get("nics") or ():
            card = self.card(nic)
            if card is not None:
                there.append(nic)
                known.append(card)
        return there + [
            {"tap": card.tap, "mac": card.mac, "model": card.model}
            for card in self.cards
            if card not in known
        ]

    def _disks(self, spec: Mapping[str, Any]) -> list[dict[str, Any]]:
        there = []
        for disk in spec.get("disks") or ():
            found = self.drive(disk["path"])
            if found is not None:
                plain = {key: value for key, value in disk.items() if key not in LIMITS}
                there.append({**plain, **found.limits})
        known = set(self.disks.values())
        return there + [
            {"path": one.file, "format": one.format, "read_only": one.read_only}
            for device, one in sorted(self.drives.items())
            if device not in known and device not in _OTHERS
        ]


def questions(spec: Mapping[str, Any], plugging: bool) -> list[Question]:
    """What has to be asked of a guest of this definition. Its state is the first; C(plugging): what there is room for, too."""
    asked: list[Question] = [
        ("query-status", {}),
        ("query-block", {}),
        ("human-monitor-command", {"command-line": "info network"}),
    ]
    if spec.get("balloon"):
        asked += [("query-balloon", {}), ("query-memory-size-summary", {})]
    if plugging:
        asked.append(("qom-list", {"path": PERIPHERAL}))
    if plugging and has_ports(str(spec.get("machine"))):
        asked += [
            ("qom-get", {"path": f"{PERIPHERAL}/{port}/{port}", "property": "child[0]"})
            for port in PORTS
        ]
    return asked


def has_ports(machine: str) -> bool:
    """Whether a machine of that name is one of PCI Express, whose root takes nothing while it runs."""
    return machine in ("q35", "virt") or machine.startswith(("pc-q35-", "virt-"))


def of(
    spec: Mapping[str, Any],
    answers: Sequence[Any],
    files: Mapping[str, Sequence[str]],
    version: str | None = None,
) -> Seen | None:
    """What these answers to C(questions) come to; one that is None was refused. C(files): by the path of a disk the files that it may be on top of.

    None where they are not what QEMU answers: nothing is concluded from that.
    """
    try:
        return _of(spec, answers, files, version)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None


def _of(
    spec: Mapping[str, Any],
    answers: Sequence[Any],
    files: Mapping[str, Sequence[str]],
    version: str | None,
) -> Seen:
    _status, blocks, network, *more = answers
    drives = [drive(block) for block in blocks if block.get("inserted") and block.get("qdev")]
    memory = booted = None
    if spec.get("balloon"):
        balloon, size, *more = more
        if balloon is not None and size is not None:
            memory, booted = balloon["actual"] // _MIB, size["base-memory"] // _MIB
    devices, *more = more or [()]
    names = frozenset(one["name"] for one in devices if str(one["type"]).startswith("child<"))
    # of a port that is empty there is no such child, which is an error too
    ports = {
        port: None if inside is None else str(inside).rpartition("/")[2]
        for port, inside in zip(PORTS, more)
        if port in names
    }
    by_device = {one.device: one for one in drives if one.device is not None}
    disks: dict[str, str] = {}
    for path, candidates in files.items():
        for device, one in by_device.items():
            if set(candidates) & set(one.files):
                disks[path] = device
    taps = frozenset(tap for tap in netdevs(str(network)).values() if tap is not None)
    return Seen(
        tuple(cards(str(network))), by_device, disks, names, memory, booted, ports, version, taps
    )


def cards(said: str) -> list[Card]:
    """The network cards in what C(info network) prints: each followed by what it is on, once for each of its queues."""
    found: dict[str, Card] = {}
    last = None
    for line in said.splitlines():
        card, end = _CARD.match(line), _BACK_END.match(line)
        if card:
            last = card.group(1)
            found.setdefault(last, Card(last, card.group(3).lower(), card.group(2)))
        elif end and line.startswith(" ") and last is not None:
            found[last] = replace(found[last], tap=end.group(2), netdev=end.group(1))
    return list(found.values())


def netdevs(said: str) -> dict[str, str | None]:
    """What cards can be on, with its tap, whether a card is or not."""
    found = (_BACK_END.match(line) for line in said.splitlines())
    return {one.group(1): one.group(2) for one in found if one}


def differing(seen: Seen | None, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What of the definition is not so in truth, C({option: value}) as it is in truth; C({}) where nobody was asked."""
    if seen is None:
        return {}
    plain = {
        **spec,
        "disks": [
            {**{key: value for key, value in disk.items() if key not in LIMITS}, **limits_of(disk)}
            for disk in spec.get("disks") or ()
        ],
    }
    return {
        key: value
        for key, value in seen.options(spec).items()
        if value != (plain.get(key) if plain.get(key) is not None else [])
    }
