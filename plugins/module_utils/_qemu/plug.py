# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugs devices into a guest that runs and takes them out, over its monitor, as the steps of hotplug.py say.

QEMU says {} to device_del at once, and the device goes when the guest lets go of it, which a firmware or an early boot never does. An order
that QEMU refuses half way leaves a back end without its device, so each is taken back by itself here.

What is plugged into a port of PCI Express while the guest boots can be taken for a press of the port's button: the guest lets go of it 5 s later
(kata-containers/kata-containers#1147). So that is looked at again.
"""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any, Callable, Iterable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    devices,
    hotplug,
    slots,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import (
    file_of,
    limits_of,
    throttling,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor import Monitor
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import (
    PERIPHERAL,
    PORTS,
    cards,
    netdevs,
)

_LOOK = 1.0
_SECOND_LOOK = 6.0  # a button that was pressed counts after 5 s
_GONE, _KEPT = "DEVICE_DELETED", ("DEVICE_UNPLUG_GUEST_ERROR", "MEM_UNPLUG_ERROR")
# What QEMU says of a device that it was told to take out before
_UNDER_WAY = "already in the process of unplug"
_OWN = re.compile(r"(?:net|disk)\d+")  # what devices.py calls back ends
_MIB = 1024**2


class Plugger:
    """Works on one guest. C(image) makes an image of a disk, as it has to be opened; C(seconds) is what the guest gets for its part."""

    def __init__(
        self,
        name: str,
        qmp: Qmp,
        image: Callable[[Mapping[str, Any]], Image],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._qmp, self._image = name, qmp, image
        self._seconds, self._clock = seconds, clock
        self._in_ports: dict[str, Callable[[], None]] = {}

    def run(self, steps: Iterable[hotplug.Step]) -> None:
        """Take these steps in their order. Raises GuestError at the first that fails."""
        verbs: dict[str, Callable[..., None]] = {
            hotplug.PLUG_NIC: self._plug_nic,
            hotplug.PLUG_DISK: self._plug_disk,
            hotplug.UNPLUG: self._unplug,
            hotplug.BALLOON: self._balloon,
        }
        self._tidy()
        for command, arguments in steps:
            if command in verbs:
                verbs[command](**arguments)
            else:
                self._qmp.execute(command, **arguments)
        self._look_again()

    def slots(self) -> dict[str, dict[str, str]]:
        """The places of its devices by their names; a port has the place that is its own, and is in nobody's way."""
        found = {}
        for device in sorted(self._devices() - {*PORTS}):
            path = f"{PERIPHERAL}/{device}"
            with contextlib.suppress(GuestError):  # it is on no bus of PCI
                bus = self._ask("qom-get", path=path, property="parent_bus")
                place = slots.slot(str(bus), self._ask("qom-get", path=path, property="addr"))
                if place is not None:
                    found[device] = place
        return found

    def _tidy(self) -> None:
        """Close what an earlier run left to a device that the guest let go of later."""
        said = str(self._ask("human-monitor-command", **{"command-line": "info network"}))
        used = {card.netdev for card in cards(said)}
        for netdev in netdevs(said):
            if netdev not in used and _OWN.fullmatch(netdev):
                self._ask("netdev_del", id=netdev)
        files = {file for drive in Monitor(self._qmp).drives() for file in drive.files}
        for one in self._ask("query-named-block-nodes", flat=True):
            if _OWN.fullmatch(one["node-name"]) and file_of(one["file"]) not in files:
                with contextlib.suppress(GuestError):  # a job may work on it
                    self._ask("blockdev-del", **{"node-name": one["node-name"]})

    def _plug_nic(self, item: Mapping[str, Any]) -> None:
        said = str(self._ask("human-monitor-command", **{"command-line": "info network"}))
        taken = netdevs(said)
        for netdev, tap in taken.items():
            # of a card that somebody took out: the tap is held for nobody
            if tap == item["tap"] and all(card.netdev != netdev for card in cards(said)):
                self._ask("netdev_del", id=netdev)
        number = _free("nic{}", {*self._devices(), *(name.replace("net", "nic") for name in taken)})
        netdev, device = devices.netdev(number, item), devices.nic_device(number, item)
        self._ask("netdev_add", **netdev)
        with self._or_else("netdev_del", id=netdev["id"]):
            if not hotplug.is_up(item):
                self._ask("set_link", name=netdev["id"], up=False)
            place = self._place(item)
            self._ask("device_add", **device, **place)
        self._came(device["id"], place, lambda: self._ask("netdev_del", id=netdev["id"]))
        if not hotplug.is_up(item):
            self._ask("set_link", name=device["id"], up=False)

    def _plug_disk(self, item: Mapping[str, Any]) -> None:
        image = self._image(item)
        self._forget([image.path])
        nodes = self._ask("query-named-block-nodes", flat=True)
        taken = {*self._devices(), *(f"{one['node-name']}-dev" for one in nodes)}
        node = f"disk{_free('disk{}-dev', taken)}"
        how = devices.caching(item)
        self._ask("blockdev-add", **devices.block(node, image, item["read_only"], **how))
        with self._or_else("blockdev-del", **{"node-name": node}):
            plain = {key: value for key, value in item.items() if key not in limits_of(item)}
            place = self._place(item)
            device = devices.disk_device(node, plain, **place)
            self._ask("device_add", **device)
        self._came(device["id"], place, lambda: self._forget([image.path]))
        if limits_of(item):
            drive = next(one for one in Monitor(self._qmp).drives() if one.device == device["id"])
            self._ask("block_set_io_throttle", **throttling(drive.qdev, item))

    def _unplug(self, device: str, netdev: str | None, files: Iterable[str]) -> None:
        try:
            self._ask("device_del", id=device)
        except GuestError as error:
            if _UNDER_WAY not in str(error):
                raise  # else an earlier run asked for it, and the guest has not done its part yet
        self._await(
            lambda: self._is_gone(device),
            f"{self._name} does not let go of {device} within {self._seconds:g} s, as a guest that boots or has no operating system does not; run the "
            "task again when it is up, or restart it. QEMU still asks it to, so the device goes when the guest resets.",
            lambda event: self._check_kept(device, event),
        )
        if netdev is not None:
            self._ask("netdev_del", id=netdev)
        self._forget(files)

    def _is_gone(self, device: str) -> bool:
        return device not in self._devices()

    def _check_kept(self, device: str, event: Mapping[str, Any]) -> None:
        """Raise GuestError where the guest says that it keeps a device."""
        about = event.get("data", {})
        if event.get("event") in _KEPT and about.get("device") == device:
            said = f" ({about['msg']})" if about.get("msg") else ""
            raise GuestError(
                f"{self._name} refuses to let go of {device}{said}; have it use that no more, and run the task again."
            )

    def _came(self, device: str, place: Mapping[str, str], undo: Callable[[], None]) -> None:
        """C(undo) takes away what a device leaves behind that is in a port and goes again."""
        if place.get("bus") in PORTS:
            self._in_ports[device] = undo

    def _look_again(self) -> None:
        """Raise GuestError where the guest let go of what was just plugged in."""
        end = self._clock() + _SECOND_LOOK
        while self._in_ports and self._clock() < end:
            event = self._qmp.event(end - self._clock()) or {}
            device = event.get("data", {}).get("device") if event.get("event") == _GONE else None
            if device in self._in_ports and self._is_gone(device):
                with contextlib.suppress(GuestError):
                    self._in_ports[device]()
                raise GuestError(
                    f"{self._name} let go of {device} right after it was plugged in, as a guest that boots may; run the task again when it is up."
                )

    def _balloon(self, value: int) -> None:
        before = self._ask("query-balloon")["actual"]
        self._ask("balloon", value=value)
        try:
            self._await(
                lambda: self._ask("query-balloon")["actual"] // _MIB == value // _MIB,
                f"{self._name} does not come to {value // _MIB} MiB within {self._seconds:g} s, as a guest without a driver for its balloon, or one that "
                "needs its memory, does not; run the task again when it is up, or restart it.",
            )
        except GuestError:
            self._ask("balloon", value=before)
            raise

    def _await(
        self,
        done: Callable[[], bool],
        sentence: str,
        heard: Callable[[Mapping[str, Any]], None] = lambda _event: None,
    ) -> None:
        """Wait for what the guest has to do for its part; QEMU tells of it by an event, which C(heard) gets."""
        end = self._clock() + self._seconds
        while not done():
            left = end - self._clock()
            if left <= 0:
                raise GuestError(sentence)
            event = self._qmp.event(min(left, _LOOK))
            if event is not None:
                heard(event)

    def _forget(self, files: Iterable[str]) -> None:
        """Close images that no device has any more; QEMU itself closes those that it opened for a device or for an image above."""
        for file in files:
            with contextlib.suppress(GuestError):
                Monitor(self._qmp).forget_node(file)

    def _place(self, item: Mapping[str, Any]) -> dict[str, str]:
        """Where a device goes: on PCI Express into a port that is empty, as there is none but in ports."""
        if item.get("bus") == "scsi":
            return {"bus": devices.SCSI}
        there = self._devices()
        for port in PORTS:
            if port in there and not self._inside(port):
                return {"bus": port}
        return {}

    def _inside(self, port: str) -> bool:
        found = self._ask("qom-list", path=f"{PERIPHERAL}/{port}/{port}")
        return any(str(one["name"]).startswith("child[") for one in found)

    def _devices(self) -> set[str]:
        found = self._ask("qom-list", path=PERIPHERAL)
        return {one["name"] for one in found if one["name"] != "type"}

    @contextlib.contextmanager
    def _or_else(self, command: str, **arguments: Any) -> Iterator[None]:
        try:
            yield
        except GuestError:
            with contextlib.suppress(GuestError):
                self._ask(command, **arguments)
            raise

    def _ask(self, command: str, **arguments: Any) -> Any:
        return self._qmp.execute(command, **arguments)


def _free(form: str, taken: Iterable[str]) -> int:
    """The least number whose name nobody has."""
    names = set(taken)
    return next(number for number in range(len(names) + 1) if form.format(number) not in names)
