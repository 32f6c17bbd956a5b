# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugs devices into a guest that runs and takes them out, over its monitor, as the steps of hotplug.py say.

QEMU says {} to device_del at once, and the device goes when the guest lets go of it, which a firmware or an early boot never does. An order
that QEMU refuses half way leaves a back end without its device, so each is taken back by itself here.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Callable, Iterable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    devices,
    hotplug,
    slots,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import (
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
# What QEMU says of a device that it was told to take out before
_UNDER_WAY = "already in the process of unplug"
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

    def run(self, steps: Iterable[hotplug.Step]) -> None:
        """Take these steps in their order. Raises GuestError at the first that fails."""
        verbs: dict[str, Callable[..., None]] = {
            hotplug.PLUG_NIC: self._plug_nic,
            hotplug.PLUG_DISK: self._plug_disk,
            hotplug.UNPLUG: self._unplug,
            hotplug.BALLOON: self._balloon,
        }
        for command, arguments in steps:
            if command in verbs:
                verbs[command](**arguments)
            else:
                self._qmp.execute(command, **arguments)

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
            self._ask("device_add", **device, **self._place(item))
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
            device = devices.disk_device(node, plain, **self._place(item))
            self._ask("device_add", **device)
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
            lambda: device not in self._devices(),
            f"{self._name} does not let go of {device} within {self._seconds:g} s, as a guest that boots or has no operating system does not; run the "
            "task again when it is up, or restart it. QEMU still asks it to, so the device goes when the guest resets.",
        )
        if netdev is not None:
            self._ask("netdev_del", id=netdev)
        self._forget(files)

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

    def _await(self, done: Callable[[], bool], sentence: str) -> None:
        """Wait for what the guest has to do for its part; QEMU tells of it by an event."""
        end = self._clock() + self._seconds
        while not done():
            left = end - self._clock()
            if left <= 0:
                raise GuestError(sentence)
            self._qmp.event(min(left, _LOOK))

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
