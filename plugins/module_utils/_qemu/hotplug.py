# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What of a changed definition a running guest can take over, as steps; the rest waits for its next start.

A link that is down can be seen nowhere from outside, neither at the tap nor by QMP. So the definition is the record of it, and every start
sets it again.
"""

from __future__ import annotations

from typing import Any, Container, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import (
    LIMITS,
    limits_of,
    throttling,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import (
    Question,
    Seen,
    has_ports,
)

# A command of QMP with its arguments, or one of the verbs below, which plug.py makes several of
Step = Question
PLUG_NIC, PLUG_DISK, UNPLUG, BALLOON = "plug_nic", "plug_disk", "unplug", "balloon"
_MIB = 1024**2
# Of a card, what is no part of the device: how its cable is, and a check of the host
_OUTSIDE = ("link", "bridge")
# What a unit does not see, unless a file of its definition is there (unit_file.py)
_CLOSED = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")


def taken_over(
    now: Mapping[str, Any],
    wanted: Mapping[str, Any],
    seen: Seen | None = None,
    sandbox: Mapping[str, Any] | None = None,
    still: bool = False,
) -> tuple[dict[str, Any], list[Step]]:
    """The options of C(wanted) that a guest which has C(now) can take over whole, with their values, and the steps for it.

    C(sandbox) is the definition that a unit was written of, which has no other files open to it; None where nothing is closed. C(still): its
    processors stand still, so it can do no part of its own.
    """
    folders = None if sandbox is None else set(_folders(sandbox))
    room = _Room(seen, has_ports(str(now.get("machine"))), folders)
    found: dict[str, Any] = {}
    steps: list[Step] = []
    for option, planned in (("nics", _nics), ("disks", _disks), ("memory", _memory)):
        before, after = now.get(option) or [], wanted.get(option) or []
        if before != after:
            more = planned(before, after, seen, room)
            if more is not None and not (still and needs_the_guest(more)):
                found[option] = after
                steps += more
    # what goes makes room for what comes
    return found, sorted(steps, key=lambda step: step[0] != UNPLUG)


def at_start(spec: Mapping[str, Any]) -> Sequence[Step]:
    """What has to be set before the first instruction of a guest, since no command line says it."""
    return [
        _link(f"nic{number}", nic)
        for number, nic in enumerate(spec.get("nics") or ())
        if not is_up(nic)
    ]


def plugged(steps: Iterable[Step], verb: str) -> list[dict[str, Any]]:
    """The cards or disks that the steps of that verb bring, each as an item of C(nics) or C(disks)."""
    return [dict(arguments["item"]) for word, arguments in steps if word == verb]


def needs_the_guest(steps: Iterable[Step]) -> bool:
    """Whether the guest has to do its part."""
    return any(word in (UNPLUG, BALLOON) for word, _arguments in steps)


def moves(steps: Iterable[Step]) -> bool:
    """Whether devices come or go."""
    return any(word in (PLUG_NIC, PLUG_DISK, UNPLUG) for word, _arguments in steps)


def is_up(nic: Mapping[str, Any]) -> bool:
    return nic.get("link") != "down"


class _Room:
    """The places for PCI devices: as many as are asked for, or on PCI Express the ports. C(folders) are those that QEMU may write to, None for all."""

    def __init__(self, seen: Seen | None, ports: bool, folders: Container[str] | None) -> None:
        self._folders = folders
        self._ports = dict(seen.ports) if seen is not None and ports else None
        self._free = list((self._ports or {}).values()).count(None)

    def leaves(self, device: str) -> bool:
        """Whether a device can go while the guest runs."""
        if self._ports is None:
            return True
        self._free += device in self._ports.values()
        return device in self._ports.values()

    def comes(self) -> bool:
        """Whether there is a place for one more."""
        if self._ports is None:
            return True
        self._free -= 1
        return self._free >= 0

    def opens(self, disk: Mapping[str, Any]) -> bool:
        """Whether the running QEMU can open the images of a disk."""
        if self._folders is None:
            return True
        base, path = disk.get("backing_file"), disk["path"]
        read = [one for one in (base, path if disk.get("read_only") else None) if one is not None]
        return (disk.get("read_only") or _folder(path) in self._folders) and not any(
            one.startswith(_CLOSED) and _folder(one) not in self._folders for one in read
        )


def _folders(spec: Mapping[str, Any]) -> Iterator[str]:
    """The directories that a unit of this definition may write to (unit_setting.py), of those that are sure."""
    for disk in spec.get("disks") or ():
        if not disk.get("read_only"):
            yield _folder(disk["path"])
    if spec.get("serial_log") is not None:
        yield _folder(spec["serial_log"])


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _nics(before: Any, after: Any, seen: Seen | None, room: _Room) -> list[Step] | None:
    kept = _in_order(before, after, _OUTSIDE)
    if kept is None or _same(before, after, (*_OUTSIDE, "boot_index")) != len(kept):
        return None
    steps: list[Step] = []
    for nic in before:
        if any(nic is old for old, _new in kept):
            continue
        card = None if seen is None else seen.card(nic)
        if card is None or not room.leaves(card.device):
            return None
        steps.append((UNPLUG, {"device": card.device, "netdev": card.netdev, "files": ()}))
    for number, (old, new) in enumerate(kept):
        if is_up(old) != is_up(new):
            card = None if seen is None else seen.card(new)
            steps.append(_link(f"nic{number}" if card is None else card.device, new))
    for nic in after:
        if any(nic is new for _old, new in kept):
            continue
        # that the running QEMU may not open /dev/vhost-net would only be seen when it dies of it
        if seen is None or nic.get("vhost") or not room.comes():
            return None
        steps.append((PLUG_NIC, {"item": nic}))
    return steps


def _disks(before: Any, after: Any, seen: Seen | None, room: _Room) -> list[Step] | None:
    kept = _in_order(before, after, LIMITS)
    # a disk that is another one under its path would be torn from a guest that works on it
    paths = {disk["path"] for disk in before} & {disk["path"] for disk in after}
    if kept is None or seen is None or len(paths) != len(kept):
        return None
    steps: list[Step] = []
    for disk in before:
        if any(disk is old for old, _new in kept):
            continue
        device = seen.disks.get(disk["path"]) or seen.stranger(disk["path"])
        if device is None or not _leaves(device, disk, room):
            return None
        steps.append(
            (UNPLUG, {"device": device, "netdev": None, "files": seen.drives[device].files})
        )
    for old, new in kept:
        if limits_of(old) != limits_of(new):
            drive = seen.drive(new["path"])
            if drive is None:
                return None
            steps.append(("block_set_io_throttle", throttling(drive.qdev, new)))
    for disk in after:
        if any(disk is new for _old, new in kept):
            continue
        if not room.opens(disk):
            return None
        if not (_on_scsi(disk) and "scsi0" in seen.devices) and not (
            disk["bus"] == "virtio" and room.comes()
        ):
            return None
        steps.append((PLUG_DISK, {"item": disk}))
    return steps


def _leaves(device: str, disk: Mapping[str, Any], room: _Room) -> bool:
    bus = disk.get("bus", "virtio")  # of one that somebody else plugged in, nobody knows
    return bus == "scsi" or (bus == "virtio" and room.leaves(device))


def _on_scsi(disk: Mapping[str, Any]) -> bool:
    return disk["bus"] == "scsi"


def _memory(_before: Any, after: Any, seen: Seen | None, _room: _Room) -> list[Step] | None:
    """A balloon makes a guest as small as is wished, and never larger than it was at its start."""
    if seen is None or seen.booted is None or not 0 < (after or 0) <= seen.booted:
        return None
    return [(BALLOON, {"value": after * _MIB})]


def _in_order(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], apart: Iterable[str]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]] | None:
    """The items that stay, old and new, which differ in the keys C(apart) at most; None where they change places, which takes a start."""
    pairs = []
    places = []
    for new in after:
        for place, old in enumerate(before):
            if place not in places and _without(old, apart) == _without(new, apart):
                pairs.append((old, new))
                places.append(place)
                break
    return pairs if places == sorted(places) else None


def _same(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], apart: Iterable[str]
) -> int:
    """How many items stay, whatever they have in the keys C(apart)."""
    return len(_in_order(before, after, apart) or ())


def _without(item: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


def _link(name: str, nic: Mapping[str, Any]) -> Step:
    return "set_link", {"name": name, "up": is_up(nic)}
