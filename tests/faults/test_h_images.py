# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H06: images that QEMU can't open, or must not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.guests import image
from ansible_collections.hypervisor.network.tests.harness.netns import batch, ip_json


def test_h06_an_image_that_is_missing(guests, tmp_path):
    assert "No such file" in guests.refused(disks=[{"path": str(tmp_path / "none.qcow2")}])


def test_h06_an_image_whose_format_is_not_said_and_not_qcow2(guests, tmp_path):
    raw = image(tmp_path / "raw.img", "1M", "raw")
    assert "say format: raw" in guests.refused(disks=[{"path": raw}])


def test_h06_an_image_that_another_guest_has_open(guests, tmp_path):
    batch(guests.netns, "tuntap add tap2 mode tap\nlink set tap2 master br0 up\n")
    disk = image(tmp_path / "disk.qcow2")
    guests.done(disks=[{"path": disk}])
    before = _sha(disk)
    message = guests.refused("vm2", nics=[{"tap": "tap2"}], disks=[{"path": disk}])
    assert "lock" in message and "died right after its start" in message
    assert _sha(disk) == before
    (link,) = ip_json(guests.netns, "link", "show", "tap2")
    assert "LOWER_UP" not in link["flags"]


@pytest.mark.parametrize("broken", ["wrong format", "truncated", "no backing file"])
def test_h06_an_image_that_qemu_will_not_open(guests, tmp_path, broken):
    path = tmp_path / "disk.qcow2"
    given = {"path": str(path)}
    if broken == "wrong format":
        image(path, "1M", "raw")
        given["format"] = "qcow2"
    elif broken == "truncated":
        image(path)
        os.truncate(path, 80)
    else:
        backing = image(tmp_path / "base.qcow2")
        image(path, "8M", "qcow2", "-b", backing, "-F", "qcow2")
        os.unlink(backing)
    before = _sha(str(path))
    message = guests.refused(disks=[given])
    assert "died right after its start" in message and "disk.qcow2" in message + str(path)
    assert _sha(str(path)) == before
    (link,) = ip_json(guests.netns, "link", "show", "tap1")
    assert "LOWER_UP" not in link["flags"]


def test_h06_an_image_made_for_a_start_that_fails_is_removed_again(guests, tmp_path):
    disk = tmp_path / "new.qcow2"
    assert "undone" in guests.refused(
        disks=[{"path": str(disk), "size": "8M"}], extra_args=["-no-such-option"]
    )
    assert not disk.exists()


def _sha(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
