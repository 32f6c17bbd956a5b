# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: what QEMU, its images, its taps and its accelerator can do to us."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervisor import Supervisor
from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    DEFINITIONS,
    MAC,
    MEMORY,
    NOBODY,
    RUN,
    Guests,
    guest_user,
    holds_qmp,
    image,
    process_state,
    qemus,
    without_capabilities,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for


@pytest.fixture
def tun(tmp_path) -> Callable[[Guests, int], None]:
    """A function that gives the module a /dev/net/tun of this mode, in a mount namespace of its own: hosts differ there."""

    def install(guests: Guests, mode: int) -> None:
        node = tmp_path / "tun"
        os.mknod(node, mode | stat.S_IFCHR, os.makedev(10, 200))
        os.chmod(node, mode)
        guests.wrapper = (
            "unshare",
            "-m",
            "sh",
            "-c",
            f'mount --bind {node} /dev/net/tun && exec "$@"',
            "sh",
        )

    return install


def test_h01_a_killed_guest_is_reported_cleaned_and_started_again(guests, guest_folder):
    disk = image(guest_folder / "disk.qcow2")
    first = guests.done(disks=[{"path": disk}])
    os.kill(first["pid"], signal.SIGKILL)
    _until_gone(first["pid"])
    assert guests.info()["status"] == "crashed"
    assert (guests.folder() / "pid").exists() and (guests.folder() / "qmp.sock").exists(), (
        "nothing stale: this proves nothing"
    )
    predicted = guests.run(disks=[{"path": disk}], check=True)
    assert predicted["changes"][0]["before"] == {"status": "crashed"}
    second = guests.done(disks=[{"path": disk}])
    assert second["changed"] and second["status"] == "running" and second["pid"] != first["pid"]
    guests.done(state="stopped")
    assert (
        "No errors"
        in subprocess.run(
            ["qemu-img", "check", disk], check=True, capture_output=True, text=True
        ).stdout
    )


def test_h01_a_killed_guest_is_not_stopped_twice_and_leaves_nothing_when_absent(guests):
    pid = guests.done()["pid"]
    os.kill(pid, signal.SIGKILL)
    _until_gone(pid)
    assert guests.done(state="absent")["changed"]
    assert guests.left() == []
    assert not guests.done(state="absent")["changed"]


def test_x20_a_guest_that_ended_by_itself_is_stopped_and_not_crashed(guests):
    pid = guests.done()["pid"]
    with holds_qmp(guests.folder()) as client:
        client.sendall(b'{"execute": "qmp_capabilities"}\n{"execute": "quit"}\n')
        _until_gone(pid)
    assert guests.info()["status"] == "stopped"


def test_x21_a_pid_that_another_process_has_by_now_is_not_touched(guests):
    """The record names a pid whose start time is another: the process with that number is a stranger."""
    pid = guests.done()["pid"]
    os.kill(pid, signal.SIGKILL)
    _until_gone(pid)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = Path("/run/hypervisor-network", f".{guests.name()}", "process.json")
        record.write_text(
            record.read_text(encoding="utf-8").replace(f'"pid": {pid},', f'"pid": {stranger.pid},'),
            encoding="utf-8",
        )
        assert f'"pid": {stranger.pid},' in record.read_text(encoding="utf-8")
        guests.done(state="absent")
        assert stranger.poll() is None
        stranger.kill()


def test_h03_a_stopped_process_is_unresponsive_within_5_s_and_killed_at_a_stop(guests):
    pid = guests.done()["pid"]
    os.kill(pid, signal.SIGSTOP)
    assert _status_within_5_s(guests) == guests.info()["status"] == "unresponsive"
    message = guests.run()["msg"]
    assert "does not answer" in message and "state: stopped" in message
    assert process_state(pid) == "T"
    stopped = guests.done(state="stopped", shutdown_timeout=1)
    assert [step["step"] for step in stopped["stop_steps"]] == [
        "system_powerdown",
        "SIGTERM",
        "SIGKILL",
    ]
    assert [step["outcome"] for step in stopped["stop_steps"]][1:] == ["still running", "ended"]
    assert process_state(pid) is None
    assert guests.done()["status"] == "running"


def test_h04_another_client_holds_the_monitor_and_the_second_one_is_used(guests):
    pid = guests.done()["pid"]
    with holds_qmp(guests.folder()):
        assert guests.info()["status"] == "running"
        again = guests.done()
        assert not again["changed"] and again["pid"] == pid
        assert guests.done(state="paused")["status"] == "paused"


def test_h04_clients_that_hold_both_monitors_are_an_answer_within_5_s(guests):
    guests.done()
    with holds_qmp(guests.folder()), socket.socket(socket.AF_UNIX) as spare:
        spare.connect(str(guests.folder() / "spare.sock"))
        assert _status_within_5_s(guests) == guests.info()["status"] == "unresponsive"


def test_h05_a_guest_that_ignores_acpi_is_ended_and_each_step_is_told(guests):
    pid = guests.done()["pid"]
    steps = guests.done(state="stopped", shutdown_timeout=1.5)["stop_steps"]
    assert [(step["step"], step["outcome"]) for step in steps] == [
        ("system_powerdown", "still running"),
        ("SIGTERM", "ended"),
    ]
    assert 1.4 <= steps[0]["seconds"] < 4
    assert process_state(pid) is None


@pytest.mark.parametrize(
    ("lines", "nic", "part"),
    [
        ("link delete tap1", {}, "there is no tap"),
        ("link set tap1 nomaster", {}, "in no bridge"),
        ("link set tap1 down", {}, "down"),
        ("link add br1 type bridge\nlink set tap1 master br1", {"bridge": "br0"}, "not of br0"),
        (
            "link delete tap1\nlink add tap1 type veth peer name other\nlink set tap1 master br0 up",
            {},
            "no tap",
        ),
    ],
)
def test_h07_a_tap_that_is_not_ready(guests, lines, nic, part):
    batch(guests.netns, lines + "\n")
    links = {link["ifname"] for link in ip_json(guests.netns, "link", "show")}
    assert part in guests.refused(nics=[{"tap": "tap1", "mac": MAC, **nic}])
    assert {link["ifname"] for link in ip_json(guests.netns, "link", "show")} == links


def test_h07_a_tap_of_another_user(guests, tun):
    tun(guests, 0o666)
    assert str(NOBODY) in guests.refused(user="nobody")
    batch(
        guests.netns,
        "link delete tap1\ntuntap add tap1 mode tap user 4242\nlink set tap1 master br0 up\n",
    )
    assert str(NOBODY) in guests.refused(user="nobody")


def test_h07_a_tap_that_another_guest_holds(guests):
    guests.done()
    assert "held by another process" in guests.refused("vm2")


def test_h09_qemu_that_exits_right_after_its_start(guests):
    message = guests.refused(extra_args=["-device", "usb-tablet"])
    assert "died right after its start" in message and "'usb-bus'" in message


def test_h09_a_guest_that_resets_is_ended_by_no_reboot_and_not_started_by_anybody_else(
    guests, guest_folder
):
    disk = guest_folder / "reset.img"
    # lidt of an empty table, then int 3: a triple fault, which resets the machine
    disk.write_bytes(bytes.fromhex("fa0f011e087ccc90000000000000").ljust(510, b"\0") + b"\x55\xaa")
    os.chown(disk, guest_user().pw_uid, -1)
    started = guests.run(
        disks=[{"path": str(disk), "format": "raw", "bus": "ide"}],
        extra_args=["-no-reboot"],
        boot="c",
    )
    if not started["failed"]:  # it may be over before the read-back, and then nothing is left of it
        _until_gone(started["guest"]["pid"])
        assert guests.info()["status"] == "stopped"
    assert not any(Path(f"/proc/{pid}").exists() for pid in qemus(guests.name()))


def test_h11_a_guest_that_the_kernel_killed_for_memory_is_reported_as_that(guests, tmp_path):
    """The kernel's words are put in place of its log here; the hypervisors of the lab have a real kill (test_lab.py)."""
    pid = guests.done()["pid"]
    os.kill(pid, signal.SIGKILL)
    _until_gone(pid)
    log = tmp_path / "kmsg"
    line = "3,1085,41903427,-;Out of memory: Killed process {} (qemu-system-i38) total-vm:1004848kB, anon-rss:98340kB, oom_score_adj:200\n"
    for other, reason in ((pid * 10, None), (pid, "out of memory: the kernel killed it")):
        log.write_text(line.format(other), encoding="ascii")
        guests.wrapper = (
            "unshare",
            "-m",
            "sh",
            "-c",
            f'mount --bind {log} /dev/kmsg && exec "$@"',
            "sh",
        )
        predicted = guests.run(check=True)
        assert predicted["changes"][0]["before"] == {
            "status": "crashed",
            **({"crash_reason": reason} if reason else {}),
        }
    assert guests.done()["status"] == "running"


@pytest.mark.parametrize("where", ["kept over a boot", "in the run directory, as 0.1 had it"])
def test_h14_a_guest_of_another_version_is_adopted_as_it_runs(guests, where):
    """What that version wrote has an option that this one does not know, and lacks one that it does."""
    first = guests.done()
    record = DEFINITIONS / f"{guests.name()}.json"
    if where != "kept over a boot":
        record = Path(shutil.move(record, RUN / f".{guests.name()}" / "guest.json"))
    written = json.loads(record.read_text(encoding="utf-8"))
    assert written["spec"].pop("cpus") == 1
    written["spec"]["option_to_come"] = "some value"
    written["field_to_come"] = {}
    record.write_text(json.dumps(written), encoding="utf-8")
    for wish in ({}, {"memory": MEMORY}):
        again = guests.done(**wish)
        assert not again["changed"] and again["pid"] == first["pid"]
    assert guests.info()["status"] == "running"
    assert guests.done(state="stopped")["stop_steps"][-1]["outcome"] == "ended"


def test_x23_a_user_who_may_not_open_dev_net_tun(guests, tun):
    batch(
        guests.netns,
        "link delete tap1\ntuntap add tap1 mode tap user nobody\nlink set tap1 master br0 up\n",
    )
    tun(guests, 0o600)
    assert "may not open /dev/net/tun" in guests.refused(user="nobody")


def test_h12_inside_its_filter_and_as_its_user(guests, tun):
    batch(
        guests.netns,
        "link delete tap1\ntuntap add tap1 mode tap user nobody\nlink set tap1 master br0 up\n",
    )
    tun(guests, 0o666)
    guest = guests.done(user="nobody", disks=[])
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{guest['pid']}/status").read_text(encoding="utf-8").splitlines()
    )
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(NOBODY)}
    assert without_capabilities(guest["pid"])
    assert (
        guests.folder().stat().st_uid == NOBODY and guests.folder().stat().st_mode & 0o777 == 0o700
    )
    assert (guests.folder() / "qmp.sock").stat().st_mode & 0o777 == 0o600
    descriptors = {
        os.readlink(f"/proc/{guest['pid']}/fd/{name}")
        for name in os.listdir(f"/proc/{guest['pid']}/fd")
    }
    assert not any("pipe:" in name or "/tmp/" in name for name in descriptors), descriptors
    assert not guests.done(user="nobody")["changed"]
    assert guests.done(state="stopped")["stop_steps"][-1]["outcome"] == "ended"


def test_x22_waiting_for_a_mac_that_never_comes_takes_the_guest_back(guests):
    message = guests.refused(boot="c", wait_for=["mac_learned"], wait_timeout=1)
    assert MAC in message and "tap1" in message and "undone" in message
    assert qemus(guests.name()) == []


def _status_within_5_s(guests: Guests) -> str:
    """Read in this process: how long Python takes to start on a busy host is another matter."""
    begin = time.monotonic()
    status = Supervisor().read(guests.name()).status
    assert time.monotonic() - begin < 5
    return status


def _until_gone(pid: int, timeout: float = 10) -> None:
    wait_for(lambda: process_state(pid) is None, f"the end of the process {pid}", timeout)


_LEADER_GOES_FIRST = """
import ctypes, fcntl, os, sys, threading, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
threading.Thread(target=time.sleep, args=(1.0,)).start()
print("held", flush=True)
ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)  # exit(2): of this thread alone
"""


def test_x25_a_process_is_gone_when_its_last_thread_is(tmp_path):
    """Of a QEMU that ends, the first thread is a zombie while others still hold its lock and its disks."""
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", _LEADER_GOES_FIRST, str(lock)], stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        fields = (
            Path("/proc", str(process.pid), "stat")
            .read_text(encoding="utf-8")
            .rpartition(")")[2]
            .split()
        )
        who = procfs.Identity(process.pid, int(fields[19]), procfs.boot_id())
        end = time.monotonic() + 5
        while who.alive:
            assert time.monotonic() < end
        assert procfs.wait_gone(who, 5)
        with lock.open("w", encoding="ascii") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
