# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: UEFI firmware, and the variable store that each guest has of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    Guests,
    guest_user,
    kept,
    words_of,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

UEFI: dict[str, Any] = {
    "emulator": "qemu-system-x86_64",
    "firmware": "uefi",
    "memory": "256",
    "nics": [],
    "state": "paused",
}


def store(guests: Guests) -> Path:
    (found,) = kept(guests.name()).glob("vars-*")
    return found


def image_info(path: Path) -> dict[str, Any]:
    """What qemu-img says of an image that a guest may have open."""
    done = subprocess.run(
        ["qemu-img", "info", "-U", "--output=json", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_u01_a_guest_has_variables_of_its_own_beside_code_that_nobody_writes(guests):
    guest = guests.done(**UEFI)
    found = image_info(store(guests))
    template = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
    assert (found["format"], found["virtual-size"]) == ("qcow2", template.stat().st_size)
    assert store(guests).stat().st_mode & 0o777 == 0o600
    assert store(guests).stat().st_uid == guest_user().pw_uid
    assert kept(guests.name()).stat().st_mode & 0o777 == 0o710
    machine = words_of(guest["pid"])[words_of(guest["pid"]).index("-machine") + 1]
    assert machine.endswith(",pflash0=firmware,pflash1=variables")
    assert not guests.done(**UEFI)["changed"]


def test_u02_the_shell_of_the_firmware_speaks_on_the_serial_line(guests, guest_folder):
    log = guest_folder / "serial.log"
    guests.done(**{**UEFI, "state": "running", "machine": "q35"}, serial_log=str(log))
    wait_for(lambda: b"UEFI Interactive Shell" in log.read_bytes(), "the UEFI shell", 120)


def test_u03_the_store_outlives_a_stop_and_goes_with_the_guest(guests):
    guests.done(**UEFI)
    inode = store(guests).stat().st_ino
    guests.done(state="stopped")
    guests.done(**UEFI)
    assert store(guests).stat().st_ino == inode
    guests.done(state="absent")
    assert not kept(guests.name()).exists()


def test_u04_a_store_of_another_size_is_refused_since_it_would_forget_everything(guests):
    guests.done(**UEFI)
    guests.done(state="stopped")
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", str(store(guests)), "128K"], check=True
    )
    result = guests.run(**UEFI)
    assert result["failed"]
    assert "has 131072 bytes" in result["msg"] and "forgets everything" in result["msg"]
    assert result["msg"].startswith(f"{guests.name()} is not started")


def test_u05_a_store_makes_no_snapshot_of_the_machine_impossible(guests):
    """A raw one would: Device 'variables' is writable but does not support snapshots."""
    guests.done(**UEFI)
    assert image_info(store(guests))["format"] == "qcow2"


@pytest.mark.parametrize("machine", ["pc", "pc-i440fx-7.2", None])
def test_u06_secure_boot_on_a_machine_that_would_hang_in_silence(guests, machine):
    message = guests.refused(**UEFI, machine=machine, secure_boot=True)
    assert "is for pc-q35-*" in message and "say machine: q35" in message
    assert not kept(guests.name()).exists()


def test_u07_secure_boot_has_its_keys_and_the_management_mode(guests, guest_folder):
    log = guest_folder / "serial.log"
    wish = {**UEFI, "state": "running", "machine": "q35", "secure_boot": True}
    guest = guests.done(**wish, serial_log=str(log))
    words = words_of(guest["pid"])
    assert words[words.index("-machine") + 1].endswith(",smm=on")
    assert "driver=cfi.pflash01,property=secure,value=on" in words
    assert any("OVMF_CODE_4M.ms.fd" in word for word in words)
    wait_for(lambda: b"No bootable option" in log.read_bytes(), "the firmware gives up", 120)


def test_u08_with_and_without_secure_boot_are_two_stores(guests):
    guests.done(**UEFI, machine="q35")
    plain = store(guests)
    guests.done(state="stopped")
    guests.done(**UEFI, machine="q35", secure_boot=True)
    both = sorted(kept(guests.name()).glob("vars-*"))
    assert len(both) == 2 and plain in both


def test_u09_a_start_that_fails_leaves_no_store_behind(guests):
    guests.refused(**UEFI, extra_args=["-device", "usb-tablet"])
    assert not kept(guests.name()).exists()


def test_u10_a_guest_that_is_absent_with_a_store_left_by_a_boot_loses_it(guests):
    """/run is empty after a boot of the host, and nobody knows the guest any more; what it kept is found by its name."""
    guests.done(**UEFI)
    guests.done(state="stopped")
    subprocess.run(["rm", "-r", f"/run/hypervisor-network/.{guests.name()}"], check=True)
    assert guests.run(state="absent", check=True)["changed"]
    assert guests.done(state="absent")["changed"]
    assert not kept(guests.name()).exists()
    assert not guests.done(state="absent")["changed"]
