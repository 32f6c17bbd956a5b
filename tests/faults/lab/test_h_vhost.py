# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H where the kernel moves a guest's frames: vhost under both supervisors, by /proc, the kernel's own threads and the bridge's table."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.powered import PoweredLab
from ansible_collections.hypervisor.network.tests.harness.lab.unit_host import (
    COMMON,
    MACS,
    RESET,
    USER,
    UnitHost,
)

DEVICE = "/dev/vhost-net"
QUEUES = 2
TAP = "tap-1"
NIC = {"tap": TAP, "mac": MACS["vm1"], "queues": QUEUES, "vhost": True}
BARE = {**COMMON, "name": "vm1", "shutdown_timeout": 0}
WISH = {**BARE, "nics": [NIC]}
PLAIN = {**WISH, "supervisor": "process"}
GONE = {"name": "vm1", "state": "absent", "shutdown_timeout": 0}


@pytest.fixture(scope="module")
def host(lab: PoweredLab) -> UnitHost:
    made = UnitHost(lab.fresh())
    made.sh(f"ip link delete {TAP}")
    made.sh(f"ip tuntap add {TAP} mode tap multi_queue user {USER}")
    made.sh(f"ip link set {TAP} master br9 up")
    return made


def opened(host: UnitHost, pid: int) -> int:
    """How often a process has vhost open, by /proc: once for each pair of queues."""
    return int(host.sh(f"readlink /proc/{pid}/fd/* | grep -cx {DEVICE} || true"))


def workers(host: UnitHost, pid: int) -> list[int]:
    """The kernel's threads that move the frames of a process, which are its own from Linux 6.4 on."""
    lines = host.sh("ps -eLo lwp=,comm=").splitlines()
    found = [line.split() for line in lines]
    return [int(words[0]) for words in found if words[1:] == [f"vhost-{pid}"]]


def wakes(host: UnitHost, threads: list[int]) -> int:
    """How often these threads have slept, so have had something to do."""
    files = " ".join(f"/proc/{one}/status" for one in threads)
    lines = host.sh(f"grep -h '^voluntary_ctxt_switches' {files}").splitlines()
    return sum(int(line.split()[1]) for line in lines)


def moved_by_the_kernel(host: UnitHost, pid: int) -> None:
    """Its frames come from its own MAC, and it is vhost that took them from it."""
    assert opened(host, pid) == QUEUES
    threads = workers(host, pid)
    assert len(threads) == QUEUES
    host.heard("vm1")
    before = wakes(host, threads)
    host.sh("ip link set br9 type bridge fdb_flush")
    host.sh(f"python3 - vm1 <<'END'\n{RESET}END")
    host.heard("vm1")
    assert wakes(host, threads) > before


def again(host: UnitHost, **wish: Any) -> dict[str, Any]:
    """The second run of a wish, which changes nothing."""
    result = host.wish(**wish)
    assert not result["changed"], result
    return result["guest"]


def test_h12_a_unit_without_rights_has_vhost(host: UnitHost) -> None:
    """By the group that udev gave the device to, within the unit's sandbox."""
    assert host.wish(**WISH)["guest"]["supervisor"] == "systemd"
    pid = host.pid("vm1")
    moved_by_the_kernel(host, pid)
    assert again(host, **WISH)["pid"] == pid
    assert "CapEff:\t0000000000000000\n" in host.sh(f"cat /proc/{pid}/status")
    assert host.info("vm1")["pending_changes"] == {}


def test_n01_the_link_of_such_a_card_is_unplugged_and_plugged(host: UnitHost) -> None:
    host.wish(**WISH)
    pid = host.pid("vm1")
    for link in ("down", "up"):
        wish = {**WISH, "nics": [{**NIC, "link": link}], "on_change": "hotplug"}
        assert host.wish(**wish)["changed"]
        assert again(host, **wish)["pid"] == pid
    moved_by_the_kernel(host, pid)


def test_such_a_card_waits_for_the_next_start(host: UnitHost) -> None:
    """QEMU 7.2 would die of a device that it may not open after all; so nothing of vhost is plugged in."""
    bare = {**BARE, "nics": []}
    host.wish(**bare, on_change="restart")
    pid = host.pid("vm1")
    assert opened(host, pid) == 0
    pending = host.wish(**{**WISH, "on_change": "hotplug"})
    assert not pending["changed"] and "nics" in pending["guest"]["pending_changes"]
    host.wish(**{**WISH, "on_change": "restart"})
    assert host.pid("vm1") != pid and opened(host, host.pid("vm1")) == QUEUES


def test_vsock_of_a_unit(host: UnitHost) -> None:
    wish = {**BARE, "nics": [], "vsock": 4711, "on_change": "restart"}
    host.wish(**wish)
    fds = host.sh(f"readlink /proc/{host.pid('vm1')}/fd/*")
    assert "/dev/vhost-vsock" in fds.splitlines()
    again(host, **wish)


def test_a_process_whose_user_may_not_is_refused_and_one_that_may_has_vhost(
    host: UnitHost,
) -> None:
    """A process has its user's groups and no others."""
    host.wish(**GONE)
    refused = host.lab.run("qemu_guest", **PLAIN)
    assert refused["failed"] and f"may not open {DEVICE}" in refused["msg"]
    assert f"usermod -aG kvm {USER}" in refused["msg"] and "\n" not in refused["msg"]
    host.sh(f"usermod -aG kvm {USER}")
    pid = host.wish(**PLAIN)["guest"]["pid"]
    moved_by_the_kernel(host, pid)
    assert again(host, **PLAIN)["pid"] == pid
    assert host.info("vm1")["supervisor_used"] == "process"


@pytest.mark.parametrize("wish", [WISH, PLAIN], ids=["unit", "process"])
def test_h07_no_vhost_on_the_host(host: UnitHost, wish: dict[str, Any]) -> None:
    host.wish(**GONE)
    host.sh(f"mv {DEVICE} {DEVICE}.away")
    try:
        refused = host.lab.run("qemu_guest", **wish)
    finally:
        host.sh(f"mv {DEVICE}.away {DEVICE}")
    assert refused["failed"] and "modprobe vhost_net" in refused["msg"]
    assert "\n" not in refused["msg"] and "vm1" not in host.sh("ls /run/hypervisor-network")
