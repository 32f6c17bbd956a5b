# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H where guests are units of systemd: what /proc, systemctl and the journal say of them, over kills and reboots. A story on one hypervisor."""

from __future__ import annotations

import re

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.powered import HOST, PoweredLab
from ansible_collections.hypervisor.network.tests.harness.lab.unit_host import (
    COMMON,
    MACS,
    RESET,
    TPM_USER,
    UNIT,
    USER,
    UnitHost,
    guest,
)

DISK = '/srv/a $b/"%h;c\\d.img'
NAMES = ("vm1", "vm2", "vm3", "vm4", "vm5")
HEARD = NAMES[:3]
UNPLUGGED = "vm4"
FIRMWARE = "/var/log/guests/vm5.log"
GUESTS = [
    guest("vm1", start_order=1, serial_log="/var/log/guests/vm1.log"),
    guest("vm2", start_order=2, start_delay=2, disks=[{"path": DISK, "format": "raw"}]),
    guest("vm3"),
    {"name": UNPLUGGED, "nics": [{"tap": "tap-4", "mac": MACS["vm4"], "link": "down"}]},
    {
        "name": "vm5",
        "emulator": "qemu-system-x86_64",
        "machine": "q35",
        "memory": "256",
        "memory_max": "700",
        "firmware": "uefi",
        "tpm": True,
        "serial_log": FIRMWARE,
    },
]


@pytest.fixture(scope="module")
def host(lab: PoweredLab) -> UnitHost:
    made = UnitHost(lab.fresh())
    made.sh(f"mkdir -p '/srv/a $b' /var/log/guests && truncate -s 8M '{DISK}'")
    made.sh(f"chown -R {USER} /srv/* /var/log/guests")
    return made


@pytest.fixture(scope="module")
def started(host: UnitHost) -> UnitHost:
    for one in GUESTS:  # an emulated host takes its time for each
        assert host.wish(**{**COMMON, **one})["guest"]["supervisor"] == "systemd"
    return host


@pytest.fixture(scope="module")
def rebooted(started: UnitHost) -> UnitHost:
    started.lab.reboot(HOST)
    return started


def without_rights(host: UnitHost, pid: int, user: str = USER) -> None:
    """Nothing of root's is in a process, by /proc."""
    uid = host.sh(f"id -u {user}").strip()
    status = host.sh(f"cat /proc/{pid}/status")
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
    for key, wanted in (
        ("CapEff", "0" * 16),
        ("CapBnd", "0" * 16),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ):
        assert f"{key}:\t{wanted}\n" in status


def limiting(host: UnitHost) -> None:
    """Skip what wants a kernel whose limits systemd may set: a container's are this machine's, which may keep them in older hierarchies."""
    if "memory" not in host.sh("cat /sys/fs/cgroup/cgroup.controllers").split():
        pytest.skip(
            "systemd sets no limits in this container; the lab's machine has them, in make faults"
        )


def test_h12_nothing_of_a_unit_is_root_and_its_sockets_are_its_user_s(started: UnitHost) -> None:
    for name in NAMES:
        without_rights(started, started.pid(name))
        assert f"/machine.slice/{UNIT.format(name)}" in started.sh(
            f"cat /proc/{started.pid(name)}/cgroup"
        )
        folder = f"/run/hypervisor-network/{name}"
        modes = started.sh(f"stat -c '%a %U' {folder} {folder}/qmp.sock {folder}/spare.sock")
        assert modes.split("\n")[:3] == [f"700 {USER}", f"600 {USER}", f"600 {USER}"]


def test_h12_the_tpm_of_a_unit_has_no_rights_either_and_is_another_user_s(
    started: UnitHost,
) -> None:
    (pid,) = started.tpms("vm5")
    without_rights(started, pid, TPM_USER)
    assert started.info("vm5")["problems"] == []


def test_j03_a_path_that_means_something_to_systemd_reaches_qemu_as_it_is(
    started: UnitHost,
) -> None:
    assert DISK in started.sh(f"readlink /proc/{started.pid('vm2')}/fd/* || true").splitlines()


def test_the_second_run_changes_nothing_and_guests_are_heard(started: UnitHost) -> None:
    started.heard(*HEARD)
    assert started.wish(**COMMON, guests=GUESTS)["changed"] is False
    found = started.info("vm1")
    assert (found["unit_state"], found["pending_restart"]) == ("active (running)", [])
    assert found["memory_used"] > 2**20 and found["qemu_version"] == found["qemu_installed"]
    # by the program that becomes QEMU; what comes through the line is seen in tests/unit/_qemu/test_serial_log.py
    assert started.sh("stat -c '%a %U' /var/log/guests/vm1.log").strip() == f"600 {USER}"


def test_limits_are_taken_over_by_a_guest_that_runs(started: UnitHost) -> None:
    limiting(started)
    pid = started.pid("vm3")
    wish = {
        **COMMON,
        **guest("vm3", memory_max="768", cpu_quota=50, cpu_weight=20, cpu_affinity=["0"]),
    }
    assert [change["action"] for change in started.wish(**wish)["changes"]] == ["update"]
    folder = f"/sys/fs/cgroup/machine.slice/{UNIT.format('vm3')}"
    files = ("memory.max", "cpu.max", "cpu.weight", "cpuset.cpus.effective")
    read = started.sh(" && ".join(f"cat {folder}/{file}" for file in files))
    assert read.splitlines() == [str(768 * 2**20), "50000 100000", "20", "0"]
    assert started.pid("vm3") == pid and started.wish(**wish)["changed"] is False


def test_f04_networking_is_restarted_under_guests_that_stay_connected(started: UnitHost) -> None:
    pids = {name: started.pid(name) for name in HEARD}
    # in a unit of its own: the session hangs on the network that goes away
    started.sh("systemd-run --quiet --collect systemctl restart networking")
    started.lab.until(
        "systemctl is-active --quiet networking && ! systemctl list-jobs --no-legend | grep -q networking",
        90,
    )
    # what boots from a network that has no server is silent after a while, so each is told to begin anew
    for name in HEARD:
        started.sh(f"python3 - {name} <<'END'\n{RESET}END")
    started.heard(*HEARD)
    assert {name: started.pid(name) for name in HEARD} == pids


def test_after_a_reboot_guests_run_in_their_bridge_with_no_play(rebooted: UnitHost) -> None:
    rebooted.heard(*HEARD)
    rebooted.lab.until("systemctl is-active --quiet multi-user.target")
    assert rebooted.sh("systemctl --failed --no-legend") == ""
    assert rebooted.wish(**COMMON, guests=GUESTS)["changed"] is False


def test_guests_begin_in_their_order_with_a_delay(rebooted: UnitHost) -> None:
    begun = {
        entry["UNIT"]: int(entry["__MONOTONIC_TIMESTAMP"])
        for entry in rebooted.journal("_PID=1 JOB_TYPE=start")
        if "hypervisor-network-guest@" in entry.get("UNIT", "")
        and entry.get("JOB_RESULT") == "done"
    }
    assert begun[UNIT.format("vm2")] - begun[UNIT.format("vm1")] >= 2_000_000


def test_guests_were_shut_down_in_reverse_before_the_network_and_none_failed(
    rebooted: UnitHost,
) -> None:
    lines = rebooted.sh("journalctl -b -1 --no-pager -o cat _PID=1").splitlines()
    ended = [
        at
        for at, line in enumerate(lines)
        for name in ("vm2", "vm1")
        if re.match(rf"Stopped .*guest@{name}|Stopped QEMU guest {name}", line)
    ]
    network = next(
        at
        for at, line in reversed(list(enumerate(lines)))
        if re.match(r"Stopping networking\.service|Stopping Raise network", line)
    )
    names = [re.search(r"vm\d", lines[at]).group() for at in ended]
    assert names[-2:] == ["vm2", "vm1"] and max(ended) < network
    assert not [
        line for line in lines if "hypervisor-network-guest" in line and "Failed with" in line
    ]
    said = rebooted.sh("journalctl -b -1 --no-pager -o cat -u 'hypervisor-network-guest@*'")
    assert said.count("The guest did not shut down within 4 s; QEMU is ended.") == len(NAMES)


def test_a_link_that_is_down_is_down_after_a_boot_too(rebooted: UnitHost) -> None:
    """The firmware asks for an address on every card that it finds a link at; those beside it were heard by now."""
    learned = (
        f"bridge fdb show br br9 | grep -c '^{MACS[UNPLUGGED]} dev tap-4 master br9 *$' || true"
    )
    assert rebooted.show(UNPLUGGED, "ActiveState") == "active"
    assert rebooted.sh(learned).strip() == "0"
    assert "Set before the guest begins" in rebooted.sh(f"journalctl -b --no-pager -o cat -u {UNIT.format(UNPLUGGED)}")  # fmt: skip
    pid = rebooted.pid(UNPLUGGED)
    plugged = {"tap": "tap-4", "mac": MACS[UNPLUGGED], "link": "up"}
    wish = {"name": UNPLUGGED, "nics": [plugged], "on_change": "hotplug"}
    assert rebooted.wish(**wish)["changed"]
    rebooted.sh(f"python3 - {UNPLUGGED} <<'END'\n{RESET}END")
    rebooted.heard(UNPLUGGED)
    assert rebooted.pid(UNPLUGGED) == pid and not rebooted.wish(**wish)["changed"]


def test_uefi_and_its_tpm_are_there_after_a_boot_of_the_host(rebooted: UnitHost) -> None:
    (pid,) = rebooted.tpms("vm5")
    rebooted.lab.until(f"grep -q 'UEFI Interactive Shell' {FIRMWARE}", 300)
    rebooted.sh(f"kill -9 {pid}")
    (problem,) = rebooted.info("vm5")["problems"]
    assert "its TPM is gone" in problem
    result = rebooted.wish(name="vm5", on_change="restart", shutdown_timeout=0)
    assert result["changed"] and result["guest"]["problems"] == []
    (again,) = rebooted.tpms("vm5")
    rebooted.wish(name="vm5", state="stopped", shutdown_timeout=0)
    assert again != pid and rebooted.sh("pgrep -x swtpm || true") == ""
    assert rebooted.show("vm5", "ActiveState") == "inactive"


@pytest.mark.parametrize(
    ("how", "status", "why"),
    [
        ("kill -9 $(systemctl show --value -p MainPID {0})", "crashed", "killed by signal 9"),
        ("kill -SEGV $(systemctl show --value -p MainPID {0})", "crashed", "killed by signal 11"),
        (
            "systemctl set-property --runtime {0} MemoryMax=8M",
            "crashed",
            "out of memory: the kernel killed it",
        ),
    ],
)
def test_h01_a_guest_that_is_killed_is_told_as_that_and_the_next_run_starts_it(
    rebooted: UnitHost, how: str, status: str, why: str
) -> None:
    unit = UNIT.format("vm3")
    if "MemoryMax" in how:
        limiting(rebooted)
    rebooted.sh(how.format(unit))
    rebooted.lab.until(f"systemctl is-failed --quiet {unit}", 60)
    found = rebooted.info("vm3")
    assert (found["status"], found["crash_reason"]) == (status, why)
    result = rebooted.wish(**{**COMMON, "name": "vm3"})
    assert result["changed"] and result["guest"]["status"] == "running"


def test_h03_a_stopped_process_is_unresponsive_and_ended_with_each_step_said(
    rebooted: UnitHost,
) -> None:
    rebooted.sh(f"kill -STOP {rebooted.pid('vm3')}")
    assert rebooted.info("vm3")["status"] == "unresponsive"
    result = rebooted.wish(name="vm3", state="stopped", shutdown_timeout=2)
    steps = [step["step"] for step in result["guest"]["stop_steps"]]
    assert steps == ["system_powerdown", "SIGTERM", "SIGKILL"]
    assert rebooted.sh(f"systemctl is-failed {UNIT.format('vm3')} || true").strip() == "inactive"


def test_a_unit_that_was_edited_by_hand_is_written_again(rebooted: UnitHost) -> None:
    path = f"/etc/systemd/system/{UNIT.format('vm1')}.d/guest.conf"
    pid = rebooted.pid("vm1")
    rebooted.sh(
        f"sed -i 's/^User=.*/User=root/' {path}; printf '[Service]\\nNice=1\\n' > {path[:-10]}override.conf"
    )
    (change,) = rebooted.wish(name="vm1")["changes"]
    assert change["before"]["edited"] == [path] and rebooted.pid("vm1") == pid
    assert f"User={USER}" in rebooted.sh(f"cat {path}")
    assert rebooted.show("vm1", "Nice") == "1" and rebooted.show("vm1", "User") == USER
    assert rebooted.wish(name="vm1")["changed"] is False


def test_h14_a_guest_that_is_a_process_is_adopted_and_becomes_a_unit_at_its_next_start(
    rebooted: UnitHost,
) -> None:
    rebooted.wish(**COMMON, **guest("vm3"), supervisor="process")
    found = rebooted.info("vm3")
    assert (found["supervisor_used"], found["unit"]) == ("process", None)
    result = rebooted.wish(name="vm3")
    assert [change["action"] for change in result["changes"]] == ["adopt"]
    assert "supervisor" in result["guest"]["pending_changes"]
    assert not rebooted.wish(name="vm3")["changed"]
    result = rebooted.wish(name="vm3", autostart=True)
    assert [change["action"] for change in result["changes"]] == ["update"]
    again = rebooted.info("vm3")
    assert again["pid"] == found["pid"] and len(again["pending_restart"]) == 1
    # by hand it cannot be started beside the process, whose monitors it would take
    assert "failed" in rebooted.sh(f"systemctl start {UNIT.format('vm3')} 2>&1 || true")
    assert rebooted.info("vm3")["status"] == "running"
    rebooted.wish(name="vm3", supervisor="systemd", on_change="restart", shutdown_timeout=0)
    assert rebooted.info("vm3")["supervisor_used"] == "systemd"


def test_a_tap_that_never_comes_does_not_hold_up_the_boot_and_is_told(rebooted: UnitHost) -> None:
    rebooted.sh("sed -i '/auto tap-3/,/^$/d' /etc/network/interfaces; sync")
    rebooted.lab.reboot(HOST)
    unit = UNIT.format("vm3")
    rebooted.lab.until(f"systemctl is-failed --quiet {unit}", 300)
    booted = rebooted.sh(
        "systemctl show --value -p ActiveEnterTimestampMonotonic multi-user.target"
    )
    assert 0 < int(booted) < int(rebooted.show("vm3", "InactiveEnterTimestampMonotonic"))
    rebooted.heard("vm1", "vm2")
    assert rebooted.info("vm3")["autostart"]
    assert "tap-3" in rebooted.info("vm3")["crash_reason"]
    rebooted.sh(f"ip tuntap add tap-3 mode tap user {USER} && ip link set tap-3 master br9 up")
    assert rebooted.wish(name="vm3")["guest"]["status"] == "running"


def test_what_is_absent_leaves_nothing_with_systemd(rebooted: UnitHost) -> None:
    rebooted.wish(state="absent", shutdown_timeout=0, guests=[{"name": name} for name in NAMES])
    left = rebooted.sh(
        "find /etc/systemd/system /run/systemd /run/hypervisor-network /var/lib/hypervisor-network -name '*vm[1-5]*'"
    )
    assert left == ""
    assert rebooted.sh("systemctl list-units --all --no-legend 'hypervisor-network-guest@*'") == ""
