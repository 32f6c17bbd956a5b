# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and cards as QEMU is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import devices
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image

BASE = Image("/base", "raw")
IMAGE = Image("/a,b", "qcow2", BASE, "/data")
DISK: dict[str, Any] = {
    "path": "/a,b", "bus": "virtio", "read_only": False, "serial": None, "boot_index": None,
}  # fmt: skip
NIC: dict[str, Any] = {
    "tap": "tap1", "mac": "52:00:00:00:00:01", "model": "virtio", "queues": 1, "vhost": False, "mtu": None, "boot_index": None,
}  # fmt: skip


def test_an_image_is_spelled_out_with_all_below_it() -> None:
    found = devices.block("disk0", IMAGE, False, discard="ignore")
    assert found["discard"] == "ignore" and found["data-file"]["filename"] == "/data"
    assert found["backing"]["read-only"] and found["backing"]["file"]["filename"] == "/base"
    assert found["backing"]["discard"] == "ignore"
    assert "discard" not in devices.block("disk0", IMAGE, False)["backing"]
    assert "backing" not in devices.opened(BASE, True)


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({"iops_total": 5}, {"throttling.iops-total": "5"}),
        ({"bps_read": 1, "cache": "none"}, {"throttling.bps-read": "1", "cache.direct": "on"}),
        ({"bps_write": 1, "read_only": True}, {"throttling.bps-write": "1", "readonly": "on"}),
    ],
)
def test_a_disk_with_limits_hangs_on_a_drive(more: Any, options: dict[str, str]) -> None:
    disk = {**DISK, **more}
    backend = devices.block("disk0", IMAGE, disk["read_only"], **devices.caching(disk))
    found = devices.throttled(disk, backend)
    assert found == {"if": "none", "id": "disk0-drive", **options}
    assert devices.disk_device("disk0", disk)["drive"] == "disk0-drive"
    assert devices.disk_device("disk0", DISK)["drive"] == "disk0"


def test_what_a_disk_hangs_on() -> None:
    disk = {**DISK, "bus": "scsi", "serial": "-a", "boot_index": 1, "cache": "writethrough"}
    assert devices.disk_device("disk0", disk, bus="scsi0.0") == {
        "driver": "scsi-hd", "bus": "scsi0.0", "write-cache": "off", "id": "disk0-dev", "drive": "disk0", "serial": "-a", "bootindex": 1,
    }  # fmt: skip


def test_a_card_with_queues_and_one_without() -> None:
    nic = {**NIC, "queues": 2, "mtu": 1400}
    assert devices.netdev(3, nic)["queues"] == 2 and "queues" not in devices.netdev(3, NIC)
    assert devices.nic_device(3, nic) == {
        "driver": "virtio-net-pci", "id": "nic3", "netdev": "net3", "mac": NIC["mac"], "mq": True, "vectors": 6, "host_mtu": 1400,
    }  # fmt: skip
    assert devices.nic_device(0, {**NIC, "model": "e1000"})["driver"] == "e1000"
