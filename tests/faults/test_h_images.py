# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H06: images that QEMU can't open, or must not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import image
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json


def test_h06_an_image_that_is_missing(guests, guest_folder):
    assert "No such file" in guests.refused(disks=[{"path": str(guest_folder / "none.qcow2")}])


def test_h06_an_image_whose_format_is_not_said_and_not_qcow2(guests, guest_folder):
    raw = image(guest_folder / "raw.img", "1M", "raw")
    assert "say format: raw" in guests.refused(disks=[{"path": raw}])


def test_h06_an_image_that_another_guest_has_open(guests, guest_folder):
    batch(
        guests.netns,
        "tuntap add tap2 mode tap user hypervisor-guest\nlink set tap2 master br0 up\n",
    )
    disk = image(guest_folder / "disk.qcow2")
    guests.done(disks=[{"path": disk}])
    before = _sha(disk)
    message = guests.refused("vm2", nics=[{"tap": "tap2"}], disks=[{"path": disk}])
    assert "lock" in message and "died right after its start" in message
    assert _sha(disk) == before
    (link,) = ip_json(guests.netns, "link", "show", "tap2")
    assert "LOWER_UP" not in link["flags"]


@pytest.mark.parametrize("broken", ["wrong format", "truncated", "no backing file"])
def test_h06_an_image_that_qemu_will_not_open(guests, guest_folder, broken):
    path = guest_folder / "disk.qcow2"
    given = {"path": str(path)}
    if broken == "wrong format":
        image(path, "1M", "raw")
        given["format"] = "qcow2"
    elif broken == "truncated":
        image(path)
        os.truncate(path, 80)
    else:
        backing = image(guest_folder / "base.qcow2")
        image(path, "8M", "qcow2", "-b", backing, "-F", "qcow2")
        os.unlink(backing)
    before = _sha(str(path))
    message = guests.refused(disks=[given])
    assert "is not started" in message and str(guest_folder) in message
    assert _sha(str(path)) == before
    (link,) = ip_json(guests.netns, "link", "show", "tap1")
    assert "LOWER_UP" not in link["flags"]


def test_h06_an_image_made_for_a_start_that_fails_is_removed_again(guests, guest_folder):
    disk = guest_folder / "new.qcow2"
    assert "undone" in guests.refused(
        disks=[{"path": str(disk), "size": "8M"}], extra_args=["-device", "usb-tablet"]
    )
    assert not disk.exists()


def _sha(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
