# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H: that the limits of a disk and of a backup are held, by the clock. Each has a least time only: a host with other work to do is slower, never faster.

Without their limits, all of this takes some hundredths of a second, but for a backup by qemu-img, which takes some tenths.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import RUN
from ansible_collections.hypervisor.network.tests.harness.host.snapshots import Kept, Monitor

KIB, MIB = 1 << 10, 1 << 20
_BURST = 0.1  # seconds: what QEMU lets pass at once where no burst was asked for


def seconds_of(guest: Kept, verb: str, size: int, times: int) -> float:
    """How long a guest's own disk takes for so many requests of so many bytes, one after the other."""
    device = "/machine/peripheral/disk0-dev/virtio-backend"
    with Monitor(RUN / guest.name) as asked:
        begin = time.monotonic()
        for number in range(times):
            line = f'qemu-io -d {device} "{verb} {number * size} {size}"'
            asked.ask("human-monitor-command", **{"command-line": line})
        return time.monotonic() - begin


def least(total: int, rate: int, one: int) -> float:
    """Nearly the seconds that a rate allows for so much; the last C(one) begins as soon as what is before it is paid for."""
    return 0.9 * ((total - one) / rate - _BURST)


def disk(guest: Kept, **limits: Any) -> dict[str, Any]:
    return {"disks": [{"path": guest.disks[0], "format": "qcow2", **limits}]}


def test_bytes_a_second_of_a_disk_are_held(kept) -> None:
    guest = kept()
    guest.start(**disk(guest, bps_write="512K"))
    assert seconds_of(guest, "write", 64 * KIB, 12) >= least(768 * KIB, 512 * KIB, 64 * KIB)


def test_requests_a_second_are_held_by_a_guest_that_runs_when_it_is_given_them(kept) -> None:
    guest = kept()
    guest.start()
    pid = guest.pid
    guest.start(**disk(guest, iops_total=20), on_change="hotplug")
    assert guest.pid == pid
    assert seconds_of(guest, "read", 512, 25) >= least(25, 20, 1)


@pytest.fixture
def full(kept) -> Iterator[tuple[Kept, dict[str, Any]]]:
    """A guest whose disk of 16 MiB has data in all of it, and what asks for its backup of 8 MiB a second."""
    guest = kept()
    guest.define()
    fill = ["qemu-io", "-f", "qcow2", "-c", "write -P 1 0 16M", guest.disks[0]]
    subprocess.run(fill, check=True, capture_output=True)
    with tempfile.TemporaryDirectory(prefix="hypervisor-network-", dir="/var/tmp") as target:
        yield guest, {"guest": guest.name, "target": target, "mode": "full", "rate": "8M"}


def test_the_rate_of_a_running_guest_s_backup_is_held(full, run_module) -> None:
    """By QEMU's own word of what it has copied: first there is no job, and in the end one that stays until it was asked what became of it."""
    guest, wish = full
    guest.start()
    moved, seconds = 0, 0.0
    with Monitor(RUN / guest.name) as asked, ThreadPoolExecutor() as pool:
        running = pool.submit(run_module, "qemu_backup", wish)
        begin = time.monotonic()
        while not running.done():
            look = time.monotonic()
            copied = sum(job["current-progress"] for job in asked.ask("query-jobs"))
            if copied > moved:
                moved, seconds = copied, time.monotonic() - begin
            elif not moved:
                begin = look
            time.sleep(0.01)
    assert not running.result()["failed"]
    assert moved > 8 * MIB and seconds >= least(moved, 8 * MIB, 2 * MIB), (moved, seconds)


def test_the_empty_part_of_a_running_guest_s_disk_takes_no_time_of_its_rate(
    full, run_module
) -> None:
    """With it, the 512 MiB took 64 s, and were told as what there is to write; the data of the backup is that of the disk."""
    guest, wish = full
    subprocess.run(["qemu-img", "resize", "-q", guest.disks[0], "512M"], check=True)
    guest.start()
    result = run_module("qemu_backup", wish)
    assert not result["failed"], result
    (job,) = result["jobs"]
    assert job["total"] <= 17 * MIB and job["seconds"] < 512 / 8 / 2, job
    guest.stop()
    (copy,) = Path(wish["target"]).rglob("*.qcow2")
    words = ["qemu-img", "compare", "-q", guest.disks[0], str(copy)]
    subprocess.run(words, check=True, capture_output=True)


def test_the_rate_of_a_stopped_guest_s_backup_is_held(full, run_module) -> None:
    _guest, wish = full
    begin = time.monotonic()
    assert not run_module("qemu_backup", wish)["failed"]
    assert time.monotonic() - begin >= least(16 * MIB, 8 * MIB, 2 * MIB)
