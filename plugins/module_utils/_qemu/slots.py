# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Where a guest's PCI devices are, so that its next start puts them there again: by its place an operating system names a card.

QEMU gives each device without a place the first that is free. So what was plugged in later, and what stood behind something that was taken out,
would move, and a guest would know its card by another name. What is on record is by the card's MAC, the disk's path, else by the device.
"""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import PORTS

_ROOTS = ("pci.0", "pcie.0")


def key(device: str, identities: Mapping[str, str]) -> str:
    """What a device is known by over a start, which gives names anew."""
    return identities.get(device, device)


def started(spec: Mapping[str, Any]) -> dict[str, str]:
    """What cards and disks are known by where a guest of this definition is started: C({"nic0": "nic:MAC", "disk0-dev": "disk:PATH"})."""
    return {
        **{f"nic{at}": f"nic:{nic['mac']}" for at, nic in enumerate(spec.get("nics") or ())},
        **{
            f"disk{at}-dev": f"disk:{one['path']}" for at, one in enumerate(spec.get("disks") or ())
        },
    }


def placed(
    words: Sequence[str], spec: Mapping[str, Any], slots: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """A command line with the devices in their places. Those are first, so that no other gets one of them, but for ports, which have to be there.

    C(words) begin with the program. C(slots) are places by the keys that C(started) tells, C({"addr": "3.0"}) on the root or C({"bus": port}).
    """
    names = started(spec)
    first: list[str] = []
    rest: list[str] = []
    last: list[str] = []
    at = 0
    while at < len(words):
        if words[at] != "-device" or not words[at + 1].startswith("{"):
            rest.append(words[at])
            at += 1
            continue
        device = json.loads(words[at + 1])
        slot = slots.get(key(str(device.get("id")), names))
        where = rest if slot is None else last if "bus" in slot else first
        where += ["-device", json.dumps({**device, **(slot or {})}, separators=(",", ":"))]
        at += 2
    return [*rest[:1], *first, *rest[1:], *last]


def slot(bus: str, address: int) -> dict[str, str] | None:
    """The place of a device by its bus and its address there, None where it has one that cannot be asked for."""
    port = bus.rpartition("/")[2]
    if port in PORTS:
        return {"bus": port}
    if port not in _ROOTS or address < 0:
        return None
    return {"addr": f"{address >> 3:x}.{address & 7}"}


def on_record(record: Mapping[str, Any] | None, machine: str | None) -> Mapping[str, Any]:
    """The places on record, if they are those of this machine, as C(placed) takes them; C({}) otherwise. C(record) is that of a guest's directory."""
    found = (record or {}).get("slots") or {}
    return found.get("of", {}) if found.get("machine") == machine else {}
