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

from ansible_collections.hypervisor.network.plugins.module_utils._backup import allocated, live
from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import PREFIX
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor import opened
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import live as drives
from ansible_collections.hypervisor.network.tests.harness.host.guests import RUN, guest_user
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


@pytest.fixture
def sparse(kept, form: str) -> Iterator[tuple[Kept, dict[str, Any], list[str]]]:
    """A guest that runs, whose disk of 512 MiB holds 2 MiB, above a template another MiB, what asks for its backup, and what reads the disk."""
    guest = kept(form="raw" if form == "raw" else "qcow2")
    guest.define()
    own = guest.disks[0]
    fill = ["qemu-io", "-f", "qcow2", "-c", "write -P 3 100M 1M"]
    if form == "overlay":
        template = f"{own}.base"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", template, "512M"], check=True)
        subprocess.run([*fill, template], check=True, capture_output=True)
        words = ["qemu-img", "rebase", "-u", "-f", "qcow2", "-b", template, "-F", "qcow2", own]
        subprocess.run(words, check=True)
    subprocess.run(["qemu-img", "resize", "-q", "-f", guest.form, own, "512M"], check=True)
    guest.start()
    guest.write(1, 5)
    guest.write(2, 400)
    with tempfile.TemporaryDirectory(prefix="hypervisor-network-", dir="/var/tmp") as target:
        wish = {"guest": guest.name, "target": target, "mode": "full", "rate": "8M"}
        yield guest, wish, ["qemu-img", "compare", "-q", "-f", guest.form, own]


@pytest.mark.parametrize("form", ["qcow2", "raw", "overlay"])
def test_the_empty_part_of_a_running_guest_s_disk_takes_no_time_of_its_rate(
    sparse, run_module
) -> None:
    """With it, the 512 MiB took 64 s, and were told as what there is to write; the data of the backup is that of the disk."""
    guest, wish, same = sparse
    result = run_module("qemu_backup", wish)
    assert not result["failed"], result
    (job,) = result["jobs"]
    assert 2 * MIB <= job["total"] <= 17 * MIB and job["seconds"] < 512 / 8 / 2, job
    with Monitor(RUN / guest.name) as asked:
        assert asked.ask("query-block-exports") == []
        nodes = asked.ask("query-named-block-nodes", flat=True)
        left = [bitmap["name"] for one in nodes for bitmap in one.get("dirty-bitmaps", ())]
        assert not [name for name in left if name.endswith(("-whole", "-since"))], left
        asked.ask("nbd-server-start", addr={"type": "unix", "data": {"path": str(RUN / guest.name / "another.sock")}})  # fmt: skip
        asked.ask("nbd-server-stop")
    assert sorted(path.suffix for path in Path(wish["target"]).rglob("*.*")) == [".json", ".qcow2"]
    guest.stop()
    (copy,) = Path(wish["target"]).rglob("*.qcow2")
    subprocess.run([*same, str(copy)], check=True, capture_output=True)


def test_each_of_two_disks_is_asked_for_what_it_holds(kept, run_module, tmp_path) -> None:
    guest = kept(2, "raw")
    guest.start()
    guest.write(1, 5)
    guest.write(2, 6, 1)
    wish = {"guest": guest.name, "target": str(tmp_path), "mode": "full", "rate": "8M"}
    result = run_module("qemu_backup", wish)
    assert [MIB <= job["total"] < 2 * MIB for job in result["jobs"]] == [True, True], result
    guest.stop()
    copies = sorted(tmp_path.rglob("*.qcow2"))
    for own, copy in zip(sorted(guest.disks), copies):
        words = ["qemu-img", "compare", "-q", "-f", "raw", own, str(copy)]
        subprocess.run(words, check=True, capture_output=True)


@pytest.mark.parametrize("form", ["raw"])
def test_what_is_written_while_empty_parts_are_looked_for_is_none_of_them(sparse) -> None:
    guest, wish, _same = sparse
    with opened([str(RUN / guest.name / "qmp.sock")]) as asked:
        (drive,) = drives.writable(asked.drives())
        place = allocated.Place(str(RUN / guest.name), guest_user(), wish["target"])
        first = allocated.actions(asked, drive, f"{PREFIX}0-map", place)
        guest.write(3, 300)
        asked.ask("transaction", actions=first)
        (drive,) = drives.writable(asked.drives())
        counts = {one["name"]: one["count"] for one in drive.bitmaps}
        # the first block of a raw image is made with it
        assert 3 * MIB <= counts[allocated.WHOLE] < 4 * MIB, counts
        live.clear(asked)
        (drive,) = drives.writable(asked.drives())
        assert drive.bitmaps == ()


@pytest.mark.parametrize("form", ["raw"])
def test_what_a_run_that_was_killed_left_of_that_is_cleared_away(sparse, run_module) -> None:
    guest, wish, _same = sparse
    with Monitor(RUN / guest.name) as asked:
        path, node = str(RUN / guest.name / "map.sock"), asked.node()
        asked.ask("nbd-server-start", addr={"type": "unix", "data": {"path": path}})
        asked.ask("block-export-add", type="nbd", id=f"{PREFIX}0-map", **{"node-name": node}, name="allocated")  # fmt: skip
        asked.ask("block-dirty-bitmap-add", node=node, name=f"{PREFIX}since")
    result = run_module("qemu_backup", wish)
    assert not result["failed"] and result["jobs"][0]["total"] <= 17 * MIB, result
    with Monitor(RUN / guest.name) as asked:
        assert asked.ask("query-block-exports") == []


@pytest.mark.parametrize("form", ["raw"])
def test_an_nbd_server_of_somebody_else_s_stays_and_the_disk_is_read_whole(
    sparse, run_module
) -> None:
    guest, wish, same = sparse
    path = str(RUN / guest.name / "theirs.sock")
    with Monitor(RUN / guest.name) as asked:
        asked.ask("nbd-server-start", addr={"type": "unix", "data": {"path": path}})
    result = run_module("qemu_backup", {**wish, "rate": "256M"})
    assert not result["failed"] and result["jobs"][0]["total"] == 512 * MIB, result
    with Monitor(RUN / guest.name) as asked:
        asked.ask("nbd-server-stop")
    guest.stop()
    (copy,) = Path(wish["target"]).rglob("*.qcow2")
    subprocess.run([*same, str(copy)], check=True, capture_output=True)


def test_the_rate_of_a_stopped_guest_s_backup_is_held(full, run_module) -> None:
    _guest, wish = full
    begin = time.monotonic()
    assert not run_module("qemu_backup", wish)["failed"]
    assert time.monotonic() - begin >= least(16 * MIB, 8 * MIB, 2 * MIB)
