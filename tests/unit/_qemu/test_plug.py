# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices are plugged into a machine that a few tables stand for, and taken out."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import hotplug
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.plug import Plugger

from .test_devices import DISK, NIC


def inserted(file: str) -> dict[str, Any]:
    return {"node-name": "n", "drv": "raw", "ro": False, "file": file, "image": {"filename": file}}


class Machine:
    """Has devices, back ends and images; C(refuses) is a command that it refuses, and it lets go of a device after as many looks as C(lazy) says."""

    def __init__(self, *devices: str, refuses: str = "", lazy: int = 1) -> None:
        self.devices = set(devices)
        self.said, self.why = "", "no"
        self.nodes: dict[str, str] = {}
        self.ports: dict[str, str] = {}
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.actual = 64 << 20
        self.now = 0.0
        self.events: list[dict[str, Any]] = []
        self._refuses, self._lazy = refuses, lazy
        self._leaving: str | None = None
        self._target = self.actual

    def execute(self, command: str, _timeout: float = 0, **arguments: Any) -> Any:
        if command == self._refuses:
            raise GuestError(f"QEMU refuses {command}: {self.why}.")
        if command == "qom-list":
            return self._listed(arguments["path"])
        if command == "human-monitor-command":
            return self.said
        if command == "query-named-block-nodes":
            return [
                {"node-name": node, "drv": "raw", "file": file} for node, file in self.nodes.items()
            ]
        if command == "query-balloon":
            return {"actual": self.actual}
        if command == "query-block":
            return [
                {
                    "qdev": f"/machine/peripheral/{name}/virtio-backend",
                    "inserted": inserted(self.nodes.get(name.replace("-dev", ""), "/x")),
                }
                for name in self.devices
            ]
        if command == "qom-get":
            return self._property(arguments["path"].rpartition("/")[2], arguments["property"])
        self.log.append((command, arguments))
        self._carry_out(command, arguments)
        return {}

    def _carry_out(self, command: str, arguments: dict[str, Any]) -> None:
        if command == "device_add":
            self.devices.add(arguments["id"])
        elif command == "device_del":
            self._leaving = arguments["id"]
        elif command == "balloon":
            self._target = arguments["value"]
        elif command == "blockdev-add":
            self.nodes[arguments["node-name"]] = arguments["file"]["filename"]
        elif command == "blockdev-del":
            self.nodes.pop(arguments["node-name"], None)

    def event(self, timeout: float) -> dict[str, Any] | None:
        if self.events:
            event = self.events.pop(0)
            if event["event"] == "DEVICE_DELETED":
                self.devices.discard(event["data"].get("device", ""))
            return event
        self.now += timeout
        self._lazy -= 1
        if self._lazy <= 0:
            self.devices.discard(self._leaving or "")
            self.actual = self._target
        return None

    def _property(self, device: str, name: str) -> Any:
        if device == "disk9-dev":
            raise GuestError("QEMU refuses qom-get: Property 'scsi-hd.addr' not found.")
        return {"parent_bus": "/machine/i440fx/pci.0", "addr": 40}[name]

    def _listed(self, path: str) -> list[dict[str, str]]:
        if path.endswith("peripheral"):
            return [{"name": name} for name in sorted(self.devices)]
        inside = self.ports.get(path.rpartition("/")[2])
        return [{"name": "type"}, *([{"name": "child[0]"}] if inside else [])]

    @property
    def commands(self) -> list[str]:
        return [command for command, _arguments in self.log]


def run(machine: Machine, *steps: Any, seconds: float = 5.0) -> None:
    image = Image("/a", "raw")
    plugger = Plugger("vm1", machine, lambda _disk: image, seconds, lambda: machine.now)  # type: ignore[arg-type]
    plugger.run(steps)


def test_a_card_gets_the_first_name_that_is_free() -> None:
    machine = Machine("nic0")
    machine.said = (
        "nic0: index=0,type=nic,model=e1000,macaddr=52:00:00:00:00:01\n"
        " \\ net1: index=0,type=tap,ifname=tap9,script=no\n"
    )
    run(machine, (hotplug.PLUG_NIC, {"item": NIC}))
    (_netdev, device) = machine.log
    assert machine.commands == ["netdev_add", "device_add"] and device[1]["id"] == "nic2"
    assert _netdev[1]["id"] == device[1]["netdev"] == "net2" and "bus" not in device[1]


def test_a_card_that_is_down_is_so_before_the_guest_sees_it() -> None:
    machine = Machine()
    run(machine, (hotplug.PLUG_NIC, {"item": {**NIC, "link": "down"}}))
    assert machine.commands == ["netdev_add", "set_link", "device_add", "set_link"]
    assert [arguments["name"] for word, arguments in machine.log if word == "set_link"] == [
        "net0",
        "nic0",
    ]


@pytest.mark.parametrize("netdev", ["net0", "theirs"])
def test_a_tap_that_is_held_for_no_card_is_let_go_first(netdev: str) -> None:
    machine = Machine()
    machine.said = f"{netdev}: index=0,type=tap,ifname=tap1,script=no\n"
    run(machine, (hotplug.PLUG_NIC, {"item": NIC}))
    assert machine.log[0] == ("netdev_del", {"id": netdev})


def test_what_an_earlier_run_left_to_a_device_that_went_later_is_closed() -> None:
    machine = Machine("disk0-dev", "nic0")
    card = "nic0: index=0,type=nic,model=e1000,macaddr=52:00:00:00:00:01\n \\ net0: index=0,type=tap,ifname=tap1,script=no\n"
    machine.said = f"{card}net1: index=0,type=tap,ifname=tap2,script=no\nuser: index=0,type=user,net=10.0.2.0\n"
    machine.nodes = {"disk0": "/a", "disk1": "/b", "backup-1": "/c"}
    run(machine)
    assert machine.log == [
        ("netdev_del", {"id": "net1"}),
        ("blockdev-del", {"node-name": "disk1"}),
    ]


@pytest.mark.parametrize(
    ("step", "back"),
    [
        ((hotplug.PLUG_NIC, {"item": NIC}), ["netdev_add", "netdev_del"]),
        ((hotplug.PLUG_DISK, {"item": DISK}), ["blockdev-add", "blockdev-del"]),
    ],
)
def test_a_device_that_is_refused_leaves_no_back_end(step: Any, back: list[str]) -> None:
    machine = Machine("disk0-dev", refuses="device_add")
    if step[0] == hotplug.PLUG_DISK:
        machine.nodes["disk0"] = "/other"  # so the name is another one
    with pytest.raises(GuestError, match="refuses device_add"):
        run(machine, step)
    assert machine.commands[: len(back)] == back


def test_on_pci_express_a_device_goes_into_a_port_that_is_empty() -> None:
    machine = Machine("spare0", "spare1")
    machine.ports["spare0"] = "nic5"
    run(machine, (hotplug.PLUG_DISK, {"item": DISK}))
    assert machine.log[-1][1]["bus"] == "spare1"


def test_a_disk_on_scsi_goes_to_its_controller_and_gets_its_limits() -> None:
    machine = Machine("scsi0")
    machine.nodes["old"] = "/a"  # what somebody left behind when he took the disk out
    run(machine, (hotplug.PLUG_DISK, {"item": {**DISK, "bus": "scsi", "iops_total": 3}}))
    assert machine.commands == [
        "blockdev-del",
        "blockdev-add",
        "device_add",
        "block_set_io_throttle",
    ]
    assert machine.log[2][1]["bus"] == "scsi0.0" and machine.log[2][1]["drive"] == "disk0"
    assert machine.log[3][1]["iops"] == 3


def test_what_the_guest_lets_go_of_is_taken_away_whole() -> None:
    machine = Machine("nic0", "disk0-dev", lazy=3)
    machine.nodes["disk0"] = "/a"
    run(machine, (hotplug.UNPLUG, {"device": "nic0", "netdev": "net0", "files": ()}))
    run(
        machine, (hotplug.UNPLUG, {"device": "disk0-dev", "netdev": None, "files": ("/a", "/gone")})
    )
    assert machine.commands == ["device_del", "netdev_del", "device_del", "blockdev-del"]
    assert machine.devices == set()


def test_what_the_guest_keeps_is_told_and_its_back_end_stays() -> None:
    machine = Machine("nic0", lazy=99)
    with pytest.raises(GuestError, match="does not let go of nic0 within 2 s"):
        run(machine, (hotplug.UNPLUG, {"device": "nic0", "netdev": "net0", "files": ()}), seconds=2)
    assert machine.commands == ["device_del"]


@pytest.mark.parametrize("event", ["DEVICE_UNPLUG_GUEST_ERROR", "MEM_UNPLUG_ERROR"])
def test_a_guest_that_refuses_is_told_at_once(event: str) -> None:
    machine = Machine("nic0", lazy=99)
    machine.events = [
        {"event": "RTC_CHANGE"},
        {"event": event, "data": {"device": "nic1"}},
        {"event": event, "data": {"device": "nic0", "msg": "busy"}},
    ]
    with pytest.raises(GuestError, match=r"refuses to let go of nic0 \(busy\); have it use"):
        run(machine, (hotplug.UNPLUG, {"device": "nic0", "netdev": "net0", "files": ()}))
    assert machine.commands == ["device_del"] and machine.now < 1


def deleted(device: str) -> dict[str, Any]:
    return {"event": "DEVICE_DELETED", "data": {"device": device, "path": "/machine/peripheral/x"}}


@pytest.mark.parametrize(
    ("verb", "item", "device", "left"),
    [
        (hotplug.PLUG_NIC, NIC, "nic0", ("netdev_del", {"id": "net0"})),
        (hotplug.PLUG_DISK, DISK, "disk1-dev", ("blockdev-del", {"node-name": "disk1"})),
    ],
)
def test_what_goes_again_from_its_port_is_told_and_leaves_nothing(
    verb: str, item: Any, device: str, left: Any
) -> None:
    machine = Machine("spare0", "disk0-dev")
    machine.events = [{"event": "DEVICE_DELETED", "data": {"path": "/x"}}, deleted(device)]
    with pytest.raises(GuestError, match=f"let go of {device} right after it was plugged in"):
        run(machine, (verb, {"item": item}))
    assert machine.log[-1] == left and machine.now < 1


def test_what_is_in_a_port_is_listened_for_once_after_all_and_elsewhere_nothing_is() -> None:
    machine = Machine("spare0", "spare1")
    machine.events = [deleted("other")]
    run(machine, *2 * [(hotplug.PLUG_NIC, {"item": NIC})])
    assert 5 < machine.now < 10
    machine = Machine()
    run(machine, (hotplug.PLUG_NIC, {"item": NIC}))
    assert machine.now == 0


def test_what_an_earlier_run_asked_for_is_waited_for() -> None:
    """QEMU refuses to ask twice: on PCI Express for 5 s, and elsewhere while the guest stands still."""
    machine = Machine("nic0", refuses="device_del")
    machine._leaving = "nic0"
    machine.why = "Device nic0 is already in the process of unplug"
    run(machine, (hotplug.UNPLUG, {"device": "nic0", "netdev": "net0", "files": ()}))
    assert machine.commands == ["netdev_del"] and machine.devices == set()
    machine = Machine("nic0", refuses="device_del")
    with pytest.raises(GuestError, match="refuses device_del: no"):
        run(machine, (hotplug.UNPLUG, {"device": "nic0", "netdev": "net0", "files": ()}))


def test_a_balloon_is_waited_for_and_let_be_where_the_guest_does_not_fill_it() -> None:
    machine = Machine()
    run(machine, (hotplug.BALLOON, {"value": 32 << 20}))
    assert machine.actual == 32 << 20
    machine = Machine(lazy=99)
    with pytest.raises(GuestError, match="does not come to 32 MiB"):
        run(machine, (hotplug.BALLOON, {"value": 32 << 20}))
    assert [arguments["value"] >> 20 for _word, arguments in machine.log] == [32, 64]


def test_what_is_a_command_of_qmp_is_sent_as_it_is() -> None:
    machine = Machine()
    run(machine, ("set_link", {"name": "nic0", "up": False}))
    assert machine.log == [("set_link", {"name": "nic0", "up": False})]


def test_the_places_of_what_is_on_pci() -> None:
    machine = Machine("nic0", "disk9-dev", "spare0")
    plugger = Plugger("vm1", machine, lambda _disk: Image("/a", "raw"), 1.0)  # type: ignore[arg-type]
    assert plugger.slots() == {"nic0": {"addr": "5.0"}}
