# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H where guests are units of systemd, in short: what /proc says of one, a kill, and a boot of the host. tests/faults/lab has it at length."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.container import Container
from ansible_collections.hypervisor.network.tests.harness.lab.unit_host import (
    COMMON,
    MACS,
    UNIT,
    USER,
    UnitHost,
    guest,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

pytestmark = pytest.mark.skipif(
    not LONG, reason="its boots take a minute or two, and its image as long: make faults has them"
)
GUESTS = [
    {**guest("vm1", start_order=1), "console": True, "serial_log": "/var/log/vm1/serial"},
    {"name": "vm2", "nics": [{"tap": "tap-2", "mac": MACS["vm2"], "link": "down"}]},
]
WISH = {**COMMON, "shutdown_timeout": 1, "guests": GUESTS}


@pytest.fixture(scope="module")
def host() -> Iterator[UnitHost]:
    with Container() as container:
        made = UnitHost(container)
        made.sh(f"mkdir /var/log/vm1 && chown {USER} /var/log/vm1")
        made.wish(**WISH)
        yield made


def test_h12_a_unit_s_guest_is_nobody_s_root(host: UnitHost) -> None:
    uid = host.sh(f"id -u {USER}").strip()
    status = host.sh(f"cat /proc/{host.pid('vm1')}/status")
    for line in (f"Uid:\t{uid}\t{uid}", f"CapBnd:\t{'0' * 16}", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert line in status
    folder = "/run/hypervisor-network/vm1"
    sockets = " ".join(f"{folder}/{name}.sock" for name in ("qmp", "spare", "console"))
    modes = host.sh(f"stat -c '%a %U' {folder} {sockets}")
    assert modes.splitlines() == [f"700 {USER}", *[f"600 {USER}"] * 3]
    assert not host.wish(**WISH)["changed"]


def test_h01_a_unit_that_is_killed_says_so_and_the_next_run_starts_it(host: UnitHost) -> None:
    host.sh(f"kill -9 {host.pid('vm1')}")
    host.lab.until(f"systemctl is-failed --quiet {UNIT.format('vm1')}")
    found = host.info("vm1")
    assert (found["status"], found["crash_reason"]) == ("crashed", "killed by signal 9")
    (change,) = host.wish(**WISH)["changes"]
    assert (change["action"], change["name"]) == ("start", "vm1")


def test_a_unit_that_runs_and_has_lost_its_definition_is_ended_and_made_again(
    host: UnitHost,
) -> None:
    pid = host.pid("vm1")
    host.sh("rm /var/lib/hypervisor-network/definitions/vm1.json")
    assert (host.info("vm1")["status"], host.info("vm1")["pid"]) == ("unresponsive", pid)
    refused = host.lab.run("qemu_guest", **WISH)
    assert f"vm1 runs as process {pid} and its definition is gone" in refused["msg"]
    assert host.pid("vm1") == pid, "it runs on"
    host.wish(name="vm1", state="stopped", shutdown_timeout=0)
    assert host.show("vm1", "ActiveState") == "inactive"
    assert host.wish(**WISH)["changed"]
    assert host.pid("vm1") not in (0, pid)
    assert not host.wish(**WISH)["changed"]


def reloads(host: UnitHost) -> int:
    """How often systemd has read its units, by its own words."""
    return int(host.sh("journalctl --sync; journalctl -b --no-pager -o cat _PID=1 | grep -c '^Reloading\\.' || true"))  # fmt: skip


def test_guests_of_one_task_are_read_once_and_begin_and_one_that_does_not_is_told_by_itself(
    host: UnitHost,
) -> None:
    names = ["vm6", "vm7", "vm8", "vm9"]
    wish = {**COMMON, "boot": "c", "nics": [], "state": "paused", "shutdown_timeout": 0}
    wish["guests"] = [{"name": name} for name in names]
    before = reloads(host)
    assert [one["action"] for one in host.wish(**wish)["changes"]] == ["start"] * len(names)
    assert reloads(host) == before + 1
    assert len({host.pid(name) for name in names} - {0}) == len(names)
    assert not host.wish(**wish)["changed"]
    host.wish(**{**wish, "state": "absent"})
    assert reloads(host) == before + 2
    masked = f"/etc/systemd/system/{UNIT.format('vm7')}"
    host.sh(f"ln -s /dev/null {masked} && systemctl daemon-reload")
    failed = host.lab.run("qemu_guest", **wish)
    host.sh(f"rm {masked} && systemctl daemon-reload")
    assert f"vm7 is not started: systemctl start {UNIT.format('vm7')} failed" in failed["msg"]
    assert "is masked" in failed["msg"] and not {"vm6", "vm8", "vm9"} & set(failed["msg"].split())
    assert [host.show(name, "ActiveState") for name in names] == ["inactive"] * len(names)
    assert host.sh("find /etc/systemd/system /run/hypervisor-network -name '*vm[6-9]*'") == ""


def test_a_list_that_is_stopped_keeps_the_order_of_its_starts(host: UnitHost) -> None:
    """None has a system that hears its button, so the one that comes last is asked when the others have had their time."""
    places = {"vm6": 1, "vm7": 2, "vm8": 2}
    wish = {**COMMON, "boot": "c", "nics": [], "autostart": False, "shutdown_timeout": 2}
    wish["guests"] = [{"name": name, "start_order": place} for name, place in places.items()]
    host.wish(**wish)
    (steps, *_others) = [one["stop_steps"] for one in host.wish(**wish, state="stopped")["guests"]]
    assert [one["step"] for one in steps] == ["system_powerdown", "SIGTERM"]
    ended = {
        name: int(entry["__MONOTONIC_TIMESTAMP"])
        for name in places
        for entry in host.journal(f"_PID=1 UNIT={UNIT.format(name)}")
        if "Deactivated successfully" in entry["MESSAGE"]
    }
    assert ended["vm6"] - max(ended["vm7"], ended["vm8"]) >= 1_900_000, ended
    host.wish(**wish, state="absent")


def test_after_a_boot_guests_run_with_no_play_and_a_link_that_is_down_is_down(
    host: UnitHost,
) -> None:
    before = host.pid("vm1"), host.sh("cat /proc/sys/kernel/random/boot_id")
    host.lab.reboot()
    host.heard("vm1")
    assert (host.pid("vm1"), host.sh("cat /proc/sys/kernel/random/boot_id")) != before
    assert host.show("vm2", "ActiveState") == "active"
    # its firmware has had the time that vm1's took to ask for an address
    assert f"{MACS['vm2']} dev tap-2" not in host.sh("bridge fdb show br br9")
    assert not host.wish(**WISH)["changed"]
    said = host.sh(f"journalctl -b -1 --no-pager -o cat -u {UNIT.format('vm1')}")
    assert "The guest did not shut down within 1 s; QEMU is ended." in said
