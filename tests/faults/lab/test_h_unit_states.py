# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H where guests are units of systemd, and what befalls them: each ends in a state that says what it is, and the next run repairs it."""

from __future__ import annotations

import base64
import time

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.powered import PoweredLab
from ansible_collections.hypervisor.network.tests.harness.lab.unit_host import (
    COMMON,
    UNIT,
    USER,
    UnitHost,
)

FOLDER = "/srv/guests"
QEMU = "/usr/bin/qemu-system-i386"
BARE = {**COMMON, "shutdown_timeout": 0, "nics": []}
DISK = f"{FOLDER}/vm1.qcow2"
WISH = {**BARE, "name": "vm1", "disks": [{"path": DISK, "format": "qcow2", "size": "16M"}]}
UNIT1 = UNIT.format("vm1")
# A system that writes to its disk for ever, 32 KiB at a time: xor ax,ax; mov ds,ax; mov si,0x7c20; again: mov ax,0x4300; int 0x13;
# add dword [0x7c28],0x40; jmp again. At 0x7c20 is what the firmware shall write: so many sectors, from where, and to which one on
WRITER = bytes.fromhex("31c08ed8be207cb80043cd13668306287c40ebf3").ljust(32, b"\0")
WRITER += bytes.fromhex("10004000008000000100000000000000")
BOOT = base64.b64encode(WRITER.ljust(510, b"\0") + b"\x55\xaa").decode()


@pytest.fixture(scope="module")
def host(lab: PoweredLab) -> UnitHost:
    made = UnitHost(lab.fresh())
    made.sh(f"mkdir -p {FOLDER} /srv/small && chown {USER} {FOLDER}")
    return made


@pytest.fixture
def guest(host: UnitHost) -> UnitHost:
    """The guest vm1 as a unit that runs."""
    host.wish(**WISH)
    return host


def opened(host: UnitHost) -> str:
    """The images that vm1 has open, by /proc."""
    return host.sh(f"readlink /proc/{host.pid('vm1')}/fd/* | grep {FOLDER} || true")


def test_h06_an_image_that_another_process_holds(guest: UnitHost) -> None:
    guest.wish(name="vm1", state="stopped")
    holder = f"{QEMU} -display none -S -blockdev driver=file,node-name=f,filename={DISK} -device virtio-blk,drive=f"
    guest.sh(f"systemd-run --quiet --collect --unit=holder {holder}")
    guest.lab.until(f"readlink /proc/$(systemctl show --value -p MainPID holder)/fd/* | grep -q {DISK}")  # fmt: skip
    failed = guest.lab.run("qemu_guest", **WISH)
    assert failed["failed"] and 'Failed to get "write" lock' in failed["msg"], failed
    # started by systemd, as at a boot, it says the same of itself
    guest.sh(f"systemctl start {UNIT1} || true")
    guest.lab.until(f"systemctl is-failed --quiet {UNIT1}")
    found = guest.info("vm1")
    assert found["status"] == "crashed" and 'Failed to get "write" lock' in found["crash_reason"]
    guest.sh("systemctl stop holder")
    assert guest.wish(**WISH)["guest"]["status"] == "running"


def test_a_disk_that_is_full_holds_the_guest_and_the_next_run_lets_it_go_on(host: UnitHost) -> None:
    host.sh("mount -t tmpfs -o size=1M none /srv/small")
    host.sh(f"echo {BOOT} | base64 -d > /srv/small/vm2.img && truncate -s 64M /srv/small/vm2.img")
    host.sh(f"chown -R {USER} /srv/small")
    disk = {"path": "/srv/small/vm2.img", "format": "raw", "bus": "ide"}
    wish = {**BARE, "name": "vm2", "boot": "c", "disks": [disk]}
    pid = host.wish(**wish)["guest"]["pid"]
    end = time.monotonic() + 120
    while (found := host.info("vm2"))["status"] != "io-error":
        assert time.monotonic() < end, found
    (problem,) = found["problems"]
    assert "/srv/small/vm2.img" in problem and "full" in problem
    host.sh("mount -o remount,size=128M /srv/small")
    again = host.wish(**wish)
    assert [change["action"] for change in again["changes"]] == ["resume"]
    assert again["guest"]["pid"] == pid and host.info("vm2")["status"] == "running"
    host.wish(name="vm2", state="absent", shutdown_timeout=0)


def test_h03_one_that_does_not_answer_is_not_taken_for_running(guest: UnitHost) -> None:
    pid = guest.pid("vm1")
    guest.sh(f"kill -STOP {pid}")
    failed = guest.lab.run("qemu_guest", **WISH)
    assert failed["failed"] and "does not answer its monitor" in failed["msg"]
    guest.sh(f"kill -CONT {pid}")
    assert not guest.wish(**WISH)["changed"] and guest.pid("vm1") == pid


def test_a_record_whose_number_is_somebody_else_s_process_by_now(guest: UnitHost) -> None:
    """Left by a guest that was a plain process: whoever has its number now is neither the guest nor ended for it."""
    guest.sh(f"kill -9 {guest.pid('vm1')}")
    guest.lab.until(f"systemctl is-failed --quiet {UNIT1}")
    other = int(guest.sh("systemctl show --value -p MainPID ssh"))
    record = '{"pid": %d, "start_time": 1, "boot_id": "\'$(cat /proc/sys/kernel/random/boot_id)\'"}'
    guest.sh(f"echo '{record % other}' > /run/hypervisor-network/.vm1/process.json")
    assert guest.info("vm1")["status"] in ("stopped", "crashed")
    assert guest.wish(**WISH)["guest"]["pid"] == guest.pid("vm1") != other
    assert int(guest.sh("systemctl show --value -p MainPID ssh")) == other


def test_qemu_that_is_upgraded_under_a_guest(guest: UnitHost) -> None:
    pid = guest.pid("vm1")
    newer = f'[ "$1" = --version ] && echo "QEMU emulator version 99.1.0" && exit; exec {QEMU}.real "$@"'
    guest.sh(f"cp -p {QEMU} {QEMU}.real && printf '#!/bin/sh\\n%s\\n' '{newer}' > {QEMU}.new && chmod 755 {QEMU}.new && mv {QEMU}.new {QEMU}")  # fmt: skip
    try:
        found = guest.info("vm1")
        assert (found["status"], found["pid"]) == ("running", pid)
        assert found["qemu_installed"] == "99.1.0" != found["qemu_version"]
        (pending,) = found["pending_restart"]
        assert "99.1.0 is installed" in pending
        assert not guest.wish(**WISH)["changed"] and guest.pid("vm1") == pid
    finally:
        guest.sh(f"mv {QEMU}.real {QEMU}")
    guest.wish(name="vm1", state="stopped", shutdown_timeout=0)
    assert guest.wish(**WISH)["guest"]["status"] == "running"
    assert guest.info("vm1")["pending_restart"] == []


def test_a_unit_that_was_masked_by_hand_says_so(guest: UnitHost) -> None:
    guest.wish(name="vm1", state="stopped", shutdown_timeout=0)
    guest.sh(f"systemctl mask --quiet {UNIT1}")
    failed = guest.lab.run("qemu_guest", **WISH)
    assert failed["failed"] and "masked" in failed["msg"], failed
    guest.sh(f"systemctl unmask --quiet {UNIT1}")
    assert guest.wish(**WISH)["guest"]["status"] == "running"


def test_a_snapshot_of_a_unit_is_what_systemd_starts_next(guest: UnitHost) -> None:
    overlay = f"{FOLDER}/vm1.before.qcow2"
    made = guest.lab.run("qemu_snapshot", guest="vm1", name="before", kind="external")
    assert made.get("changed") and made["snapshot"]["kind"] == "external", made
    assert overlay in opened(guest)
    guest.sh(f"systemctl restart {UNIT1}")
    guest.lab.until(f"readlink /proc/$(systemctl show --value -p MainPID {UNIT1})/fd/* | grep -q {overlay}")  # fmt: skip
    assert not guest.wish(**WISH)["changed"]
    gone = guest.lab.run("qemu_snapshot", guest="vm1", name="before", state="absent")
    assert gone.get("changed"), gone
    assert opened(guest).split() == [DISK] and guest.sh(f"ls {FOLDER}").split() == ["vm1.qcow2"]
    guest.sh(f"systemctl restart {UNIT1}")
    guest.lab.until(f"readlink /proc/$(systemctl show --value -p MainPID {UNIT1})/fd/* | grep -q {DISK}")  # fmt: skip
    assert guest.info("vm1")["edited" if "edited" in guest.info("vm1") else "problems"] == []


def test_backups_of_a_unit(guest: UnitHost) -> None:
    """QEMU has the right to write to none of these directories: it is handed the files."""
    guest.sh("mkdir -p -m 700 /srv/backups")
    first = guest.lab.run("qemu_backup", guest="vm1", target="/srv/backups")
    assert first.get("changed"), first
    second = guest.lab.run("qemu_backup", guest="vm1", target="/srv/backups", mode="incremental")
    assert second.get("changed"), second
    newest = guest.sh("ls -t $(find /srv/backups -name '*.qcow2') | head -1").strip()
    guest.wish(name="vm1", state="stopped", shutdown_timeout=0)
    assert "identical" in guest.sh(f"qemu-img compare {newest} {DISK}")


def test_a_backup_of_a_unit_takes_no_time_of_its_rate_for_what_is_empty(host: UnitHost) -> None:
    """QEMU's NBD server, which is asked for that, is within its sandbox; with the empty part this took four minutes."""
    disk = {"path": f"{FOLDER}/vm2.img", "format": "raw", "size": "256M"}
    host.wish(**BARE, name="vm2", disks=[disk])
    host.sh("mkdir -p -m 700 /srv/backups")
    done = host.lab.run("qemu_backup", guest="vm2", target="/srv/backups", rate="1M")
    assert done.get("changed") and done["jobs"][0]["total"] < 2**20, done
    host.wish(name="vm2", state="absent", shutdown_timeout=0)
    host.sh(f"rm {disk['path']}")


def test_what_is_plugged_into_a_unit_that_runs(guest: UnitHost) -> None:
    """A card and a disk, each within its sandbox; a disk that this closes waits for the next start."""
    pid = guest.pid("vm1")
    nic = {"tap": "tap-3", "mac": "52:00:00:00:09:08"}
    more = {"path": f"{FOLDER}/more.qcow2", "format": "qcow2", "size": "8M"}
    wish = {**WISH, "nics": [nic], "disks": [*WISH["disks"], more], "on_change": "hotplug"}
    assert [one["action"] for one in guest.wish(**wish)["changes"]] == ["create", "adjust"]
    assert guest.pid("vm1") == pid and more["path"] in opened(guest)
    assert guest.sh(f"grep -h '^iff:' /proc/{pid}/fdinfo/*").split() == ["iff:", "tap-3"]
    assert not guest.wish(**wish)["changed"]
    guest.sh(f"mkdir -p /srv/apart && chown {USER} /srv/apart")
    apart = {**more, "path": "/srv/apart/more.qcow2"}
    wish["disks"] = [*wish["disks"], apart]
    pending = guest.wish(**wish)["guest"]
    assert "disks" in pending["pending_changes"] and pending["pid"] == pid
    done = guest.wish(**{**wish, "on_change": "restart"})
    assert guest.pid("vm1") != pid and done["guest"]["pending_changes"] == {}
    assert guest.sh(f"readlink /proc/{guest.pid('vm1')}/fd/* | grep -c more.qcow2").strip() == "2"
    guest.wish(name="vm1", state="absent", shutdown_timeout=0)
    guest.sh(f"rm -r /srv/apart {more['path']}")
