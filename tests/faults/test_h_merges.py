# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a merge has come, told while it is under way, and what cannot be done meanwhile. The oracle is QEMU."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.hypervisor.network.tests.harness.host.guests import RUN
from ansible_collections.hypervisor.network.tests.harness.host.snapshots import Monitor
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

A = "before"


def test_h26_how_far_a_merge_has_come_is_told_until_it_is_over(kept):
    guest = kept()
    guest.written_above(A)
    told = RUN / f".{guest.name}" / "snapshot.json"
    # a run that was killed had begun, and QEMU is slow: what it has written is told by the next
    job = f"hypervisor-network-merge-{hashlib.sha256(guest.overlay(A).encode()).hexdigest()[:12]}"
    with Monitor(RUN / guest.name) as asked, ThreadPoolExecutor(1) as beside:
        node = asked.node()
        begin = {"job-id": job, "device": node, "auto-dismiss": False, "speed": 1}
        asked.ask("block-commit", **begin)
        run = beside.submit(guest.run, A, state="absent")
        wait_for(lambda: told.exists() or run.done(), "how far it has come")
        said = json.loads(told.read_text("utf-8"))
        asked.ask("block-job-set-speed", device=job, speed=0)
        done = run.result()
    assert (said["name"], said["disk"]) == (A, guest.disks[0])
    assert 0 <= said["bytes"] <= said["total"] and said["total"] >= 8 << 16
    assert not done["failed"] and not told.exists() and guest.tops() == guest.disks
    assert [one["job"] for one in done["jobs"]] == [job]


def test_h26_a_snapshot_of_a_disk_that_somebody_merges_is_refused_and_leaves_nothing(kept):
    guest = kept()
    guest.written_above(A)
    with Monitor(RUN / guest.name) as asked:
        asked.ask("block-commit", **{"job-id": "theirs", "device": asked.node(), "speed": 1})
        said = guest.run("another")["msg"]
        asked.ask("block-job-cancel", device="theirs")
        wait_for(lambda: not asked.ask("query-jobs"), "the end of their job")
    assert "busy" in said or "in use" in said, said
    assert "\n" not in said and not os.path.exists(guest.overlay("another"))
    guest.once("another")
    assert guest.tops() == [guest.overlay("another")]
