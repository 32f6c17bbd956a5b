# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running guest can take over of a changed definition, and what waits for its next start."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import hotplug
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import Drive
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.hotplug import (
    at_start,
    taken_over,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import Card, Seen


def nic(tap: str = "tap1", **more: Any) -> dict[str, Any]:
    return {"tap": tap, "mac": "52:00:00:00:00:01", **more}


DOWN = ("set_link", {"name": "nic0", "up": False})
UP = ("set_link", {"name": "nic0", "up": True})


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ([nic()], [nic(link="down")], [DOWN]),
        ([nic(link="up")], [nic(link="down")], [DOWN]),
        ([nic(link="down")], [nic(link="up")], [UP]),
        ([nic(link="down")], [nic()], [UP]),
        (
            [nic(), nic("tap2")],
            [nic(), nic("tap2", link="down")],
            [("set_link", {"name": "nic1", "up": False})],
        ),
        ([nic()], [nic(link="up")], []),
    ],
)
def test_a_link_is_changed_while_the_guest_runs(before: Any, after: Any, steps: Any) -> None:
    assert taken_over({"nics": before}, {"nics": after}) == ({"nics": after}, steps)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([nic()], [nic()]),
        ([nic()], [nic("tap2", link="down")]),
        ([nic()], [nic(link="down"), nic("tap2")]),
        ([nic(link="down")], []),
    ],
)
def test_other_changes_of_cards_are_not(before: Any, after: Any) -> None:
    assert taken_over({"nics": before}, {"nics": after}) == ({}, [])


def test_a_link_that_is_down_is_so_from_the_start() -> None:
    assert at_start({"nics": [nic(link="down"), nic("tap2", link="up"), nic("tap3")]}) == [DOWN]
    assert at_start({}) == []


DISK = {"path": "/a", "bus": "virtio", "read_only": False}
SECOND = {**DISK, "path": "/b"}
# Only such a one may be there more than once
IMAGE = {**DISK, "read_only": True}
ONE, TWO = nic(), nic("tap2", mac="52:00:00:00:00:02")


def drive(device: str, file: str, **more: Any) -> Drive:
    return Drive(
        f"/machine/peripheral/{device}/virtio-backend", "n", "raw", file, files=(file,), **more
    )


SEEN = Seen(
    (Card("nic0", ONE["mac"], "virtio-net-pci", "tap1", "net0"),),
    {"disk0-dev": drive("disk0-dev", "/a"), "x": drive("x", "/x")},
    {"/a": "disk0-dev"},
    frozenset(("nic0", "disk0-dev")),
    64,
    64,
)
GONE = (hotplug.UNPLUG, {"device": "nic0", "netdev": "net0", "files": ()})


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ([ONE], [ONE, TWO], [(hotplug.PLUG_NIC, {"item": TWO})]),
        ([ONE], [], [GONE]),
        ([TWO, ONE], [TWO], [GONE]),
        ([ONE], [TWO], [GONE, (hotplug.PLUG_NIC, {"item": TWO})]),
        ([ONE], [{**ONE, "mtu": 1400}], [GONE, (hotplug.PLUG_NIC, {"item": {**ONE, "mtu": 1400}})]),
        ([ONE], [{**ONE, "bridge": "br1"}], []),
        ([ONE], [{**ONE, "boot_index": 1}], None),
        ([ONE], [ONE, {**TWO, "vhost": True}], None),
        ([ONE, TWO], [TWO, ONE], None),
        ([TWO], [], None),
    ],
)
def test_cards_come_and_go(before: Any, after: Any, steps: Any) -> None:
    expected = ({}, []) if steps is None else ({"nics": after}, steps)
    assert taken_over({"nics": before}, {"nics": after}, SEEN) == expected


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ([DISK], [DISK, SECOND], [(hotplug.PLUG_DISK, {"item": SECOND})]),
        ([DISK], [], [(hotplug.UNPLUG, {"device": "disk0-dev", "netdev": None, "files": ("/a",)})]),
        (
            [DISK, {"path": "/x", "format": "raw"}],
            [DISK],
            [(hotplug.UNPLUG, {"device": "x", "netdev": None, "files": ("/x",)})],
        ),
        (
            [IMAGE, {**IMAGE}],
            [IMAGE],
            [(hotplug.UNPLUG, {"device": "disk0-dev", "netdev": None, "files": ("/a",)})],
        ),
        ([DISK], [{**DISK, "cache": "none"}], None),
        ([DISK], [DISK, {**SECOND, "bus": "sata"}], None),
        ([DISK], [DISK, {**SECOND, "bus": "scsi"}], None),
        ([{**DISK, "bus": "ide"}], [], None),
        ([SECOND], [], None),
        ([SECOND], [{**SECOND, "iops_total": 1}], None),
    ],
)
def test_disks_come_and_go(before: Any, after: Any, steps: Any) -> None:
    expected = ({}, []) if steps is None else ({"disks": after}, steps)
    assert taken_over({"disks": before}, {"disks": after}, SEEN) == expected
    assert taken_over({"disks": before}, {"disks": after}) == ({}, []), "on a guess"


OWN = {"path": "/srv/a/1", "bus": "virtio", "read_only": False}


@pytest.mark.parametrize(
    ("new", "takes"),
    [
        ({"path": "/srv/a/2"}, True),
        ({"path": "/srv/a/2", "backing_file": "/srv/images/base"}, True),
        ({"path": "/srv/logs/2"}, True),
        ({"path": "/srv/b/2"}, False),
        ({"path": "/srv/a/below/2"}, False),
        ({"path": "/srv/seen/2"}, False),
        ({"path": "/srv/b/2", "read_only": True}, True),
        ({"path": "/srv/a/2", "backing_file": "/root/base"}, False),
        ({"path": "/run/user/2", "read_only": True}, False),
        ({"path": "/tmp/2", "read_only": True}, False),
        ({"path": "/tmpfiles/2", "read_only": True}, True),
    ],
)
def test_a_disk_that_the_sandbox_of_a_unit_closes_waits_for_the_next_start(
    new: dict[str, Any], takes: bool
) -> None:
    seen_by_unit = {**OWN, "path": "/srv/seen/1", "read_only": True}
    unit = {"disks": [OWN, seen_by_unit], "serial_log": "/srv/logs/vm1"}
    wanted = {"disks": [*unit["disks"], {**OWN, **new}]}
    assert ("disks" in taken_over(unit, wanted, SEEN, unit)[0]) is takes
    assert "disks" in taken_over(unit, wanted, SEEN)[0], (
        "a plain process opens whatever its user may"
    )


def test_a_disk_goes_to_a_controller_that_is_there() -> None:
    there = dataclasses.replace(SEEN, devices=frozenset(("scsi0",)))
    disk = {**SECOND, "bus": "scsi"}
    found, steps = taken_over({"disks": [DISK]}, {"disks": [DISK, disk]}, there)
    assert found and steps == [(hotplug.PLUG_DISK, {"item": disk})]
    assert hotplug.plugged(steps, hotplug.PLUG_DISK) == [disk]
    assert hotplug.moves(steps) and not hotplug.moves([UP])


def test_limits_are_set_on_what_the_disk_hangs_on() -> None:
    wanted = [{**DISK, "bps_read": 5}]
    _found, ((command, arguments),) = taken_over({"disks": [DISK]}, {"disks": wanted}, SEEN)
    assert command == "block_set_io_throttle" and arguments["bps_rd"] == 5
    assert arguments["id"] == "/machine/peripheral/disk0-dev/virtio-backend"


@pytest.mark.parametrize(("wanted", "takes"), [(32, True), (64, True), (65, False), (None, False)])
def test_a_balloon_makes_no_guest_larger_than_it_was(wanted: Any, takes: bool) -> None:
    found, steps = taken_over({"memory": 48}, {"memory": wanted}, SEEN)
    assert bool(found) is takes and hotplug.needs_the_guest(steps) is takes


@pytest.mark.parametrize("seen", [None, dataclasses.replace(SEEN, booted=None)])
def test_no_balloon_is_set_in_a_guest_that_nobody_knows_the_size_of(seen: Seen | None) -> None:
    assert taken_over({"memory": 48}, {"memory": 32}, seen) == ({}, [])


@pytest.mark.parametrize(
    ("inside", "before", "after", "takes"),
    [
        ([None], [ONE], [ONE, TWO], True),
        (["x"], [ONE], [ONE, TWO], False),
        ([], [ONE], [ONE, TWO], False),
        ([None], [ONE], [], False),
        (["nic0"], [ONE], [], True),
        (["nic0"], [ONE], [TWO], True),
    ],
)
def test_on_pci_express_what_comes_needs_a_port_and_what_goes_is_in_one(
    inside: list[str | None], before: Any, after: Any, takes: bool
) -> None:
    ports = {f"spare{number}": one for number, one in enumerate(inside)}
    seen = dataclasses.replace(SEEN, ports=ports)
    now = {"machine": "q35", "nics": before}
    assert bool(taken_over(now, {**now, "nics": after}, seen)[0]) is takes
