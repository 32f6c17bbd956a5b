# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives out of query-block."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import (
    Drive,
    drive,
    file_of,
    limits_of,
    throttling,
)

BASE = {"filename": "/base.qcow2", "format": "qcow2", "virtual-size": 8, "actual-size": 4}
TOP = {
    "filename": 'json:{"driver": "qcow2", "file": {"driver": "file", "filename": "/a,b"}}',
    "format": "qcow2",
    "virtual-size": 16,
    "actual-size": 2,
    "backing-image": BASE,
    "snapshots": [{"name": "one"}],
}


def block(**more: Any) -> dict[str, Any]:
    inserted = {"node-name": "disk0", "drv": "qcow2", "ro": False, "file": "/a,b", "image": TOP}
    return {
        "qdev": "/machine/peripheral/disk0-dev/virtio-backend",
        "inserted": {**inserted, **more},
    }


def test_a_drive_with_what_is_below_it_and_its_limits() -> None:
    found = drive(block(iops=100, iops_rd=0, bps_wr=7))
    assert (found.node, found.file, found.size, found.files) == (
        "disk0",
        "/a,b",
        16,
        ("/a,b", "/base.qcow2"),
    )
    assert found.snapshots == ("one",) and found.limits == {"iops_total": 100, "bps_write": 7}
    assert found.layers[1] == {
        "path": "/base.qcow2",
        "format": "qcow2",
        "size": 8,
        "allocated": 4,
    }


@pytest.mark.parametrize(
    ("qdev", "device"),
    [
        ("/machine/peripheral/disk0-dev/virtio-backend", "disk0-dev"),
        ("/machine/peripheral/disk1-dev", "disk1-dev"),
        ("disk2-dev", "disk2-dev"),
        ("/machine/peripheral-anon/device[0]/virtio-backend", None),
        ("/machine/system.flash0", None),
        ("", None),
    ],
)
def test_the_device_of_a_drive(qdev: str, device: str | None) -> None:
    assert Drive(qdev, "node", "raw", "/a").device == device


@pytest.mark.parametrize(
    "name", ["json:{", "json:[]", 'json:{"file": 1}', "/plain", "json:" + "[" * 100_000]
)
def test_a_name_that_leads_to_no_file_stays_as_it_is(name: str) -> None:
    assert file_of(name) == name


def test_a_limit_that_is_not_named_is_lifted() -> None:
    disk = {"path": "/a", "iops_read": 5, "bps_total": None}
    assert limits_of(disk) == {"iops_read": 5}
    assert throttling("/machine/x", disk) == {
        "id": "/machine/x", "iops": 0, "iops_rd": 5, "iops_wr": 0, "bps": 0, "bps_rd": 0, "bps_wr": 0,
    }  # fmt: skip
