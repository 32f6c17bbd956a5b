# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of guests that run and that do not, and whatever is killed in the middle. The oracle is qemu-img and qemu-io."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import RUN
from ansible_collections.hypervisor.network.tests.harness.host.snapshots import (
    KEPT,
    Monitor,
    pattern_at,
    sound,
    tags,
    write_image,
)
from ansible_collections.hypervisor.network.tests.harness.model.guest_agent import (
    LIMIT,
    FakeAgent,
    refusing,
)

A, B = "before", "before-2"


def test_h20_an_internal_snapshot_of_a_stopped_guest_is_made_gone_back_to_and_removed(kept):
    guest = kept(disks=2)
    guest.define()
    for disk in guest.disks:
        write_image(disk, 1, 0)
    made = guest.once(A)
    assert made["snapshot"]["kind"] == "internal" and made["snapshot"]["consistency"] == "stopped"
    assert [tags(disk) for disk in guest.disks] == [[A], [A]]
    assert not guest.run(A, state="reverted")["changed"]
    for disk in guest.disks:
        write_image(disk, 2, 0)
    guest.once(A, state="reverted")
    assert [pattern_at(disk, 0) for disk in guest.disks] == [1, 1]
    guest.once(A, state="absent")
    assert [tags(disk) for disk in guest.disks] == [[], []] and guest.record() == {}
    assert all(map(sound, guest.disks))


def test_h21_an_internal_snapshot_of_a_running_guest_holds_every_writable_drive_and_its_memory(
    kept,
):
    guest = kept(disks=2)
    guest.start()
    guest.write(1, 0, 1)
    made = guest.once(A, kind="internal")
    assert made["snapshot"]["memory"] and [tags(disk) for disk in guest.disks] == [[A], [A]]
    guest.write(2, 0, 1)
    back = guest.run(A, state="reverted")
    assert back["changed"] and back["jobs"], back
    assert guest.status() == "running"
    guest.once(A, state="absent")
    assert [tags(disk) for disk in guest.disks] == [[], []]
    guest.stop()
    assert pattern_at(guest.disks[1], 0) == 1


def test_h21_a_raw_disk_would_be_left_out_of_an_internal_snapshot(kept):
    guest = kept(form="raw")
    guest.start()
    message = guest.refused(A, kind="internal")
    assert "is not qcow2" in message and "external" in message
    guest.write(1, 0)
    guest.once(A)
    guest.write(2, 0)
    assert pattern_at(guest.disks[0], 0, "raw") == 1
    guest.once(A, state="absent")
    guest.stop()
    assert pattern_at(guest.disks[0], 0, "raw") == 2


def test_h22_an_external_snapshot_of_a_running_guest_is_what_its_next_start_opens(kept):
    """Trap 5: a start on the base would write there what makes the overlay worthless."""
    guest = kept(disks=2)
    guest.start()
    guest.write(1, 0)
    made = guest.once(A)
    assert made["snapshot"]["consistency"] == "crash"
    overlays = [guest.overlay(A, number) for number in (0, 1)]
    assert guest.tops() == overlays
    guest.write(2, 0)
    assert pattern_at(guest.disks[0], 0) == 1 and pattern_at(overlays[0], 0) == 2
    guest.kill()
    assert all(map(sound, [*guest.disks, *overlays]))
    guest.start()
    assert guest.tops() == overlays
    guest.stop()
    guest.start()
    assert guest.tops() == overlays
    merged = guest.once(A, state="absent")
    assert [job["total"] > 0 for job in merged["jobs"]] == [True, False]
    assert guest.tops() == guest.disks and guest.status() == "running"
    assert not any(map(os.path.exists, overlays)) and guest.record() == {}
    guest.stop()
    assert pattern_at(guest.disks[0], 0) == 2 and all(map(sound, guest.disks))


def test_h22_a_disk_is_cached_and_discarded_above_a_snapshot_as_below_it(kept):
    """What QEMU has open is the overlay from then on; its own word for the cache, and what a discard comes to in the image."""
    guest = kept(disks=2)
    cached, keeping = guest.disks
    disks = [{"path": cached, "cache": "none"}, {"path": keeping, "discard": "ignore"}]
    guest.start(disks=disks)
    before = guest.cached()
    assert before == [(True, 0), (False, 1)]
    guest.once(A)
    assert guest.cached() == before
    guest.once(A, state="absent")
    assert guest.cached() == before
    guest.once(B)
    guest.kill()
    guest.start(disks=disks)
    assert guest.cached() == before
    guest.once(B, state="absent")
    assert guest.cached() == before


def test_h22_merged_while_it_runs_since_the_snapshot_was_made(kept):
    guest = kept()
    guest.start()
    guest.once(A)
    guest.write(2, 3)
    guest.once(A, state="absent")
    assert guest.tops() == guest.disks
    guest.write(3, 4)
    guest.stop()
    assert [pattern_at(guest.disks[0], at) for at in (3, 4)] == [2, 3] and sound(guest.disks[0])


def test_h23_two_snapshots_the_older_one_removed_from_the_middle_while_it_runs(kept):
    guest = kept()
    guest.start()
    guest.write(1, 0)
    guest.once(A)
    guest.write(2, 1)
    guest.once(B)
    guest.write(3, 2)
    assert f"{B} is newer" in guest.refused(A, state="reverted")
    guest.once(A, state="absent")
    assert guest.tops() == [guest.overlay(B)] and not os.path.exists(guest.overlay(A))
    assert [pattern_at(guest.disks[0], at) for at in (0, 1, 2)] == [1, 2, 0]
    guest.kill()
    guest.start()
    assert guest.tops() == [guest.overlay(B)]
    guest.stop()
    assert [pattern_at(guest.overlay(B), at) for at in (0, 1, 2)] == [1, 2, 3]
    guest.once(B, state="reverted")
    assert [pattern_at(guest.overlay(B), at) for at in (0, 1, 2)] == [1, 2, 0]
    guest.once(B, state="absent")
    assert [pattern_at(guest.disks[0], at) for at in (0, 1, 2)] == [1, 2, 0]


def test_h23_two_external_snapshots_of_a_stopped_guest_the_older_one_removed(kept):
    guest = kept()
    guest.define()
    write_image(guest.disks[0], 1, 0)
    guest.once(A, kind="external")
    assert not guest.run(A, state="reverted")["changed"], "nothing was written since"
    write_image(guest.overlay(A), 2, 1)
    guest.once(B, kind="external")
    write_image(guest.overlay(B), 3, 2)
    guest.once(A, state="absent")
    assert [pattern_at(guest.overlay(B), at) for at in (0, 1, 2)] == [1, 2, 3]
    guest.once(B, state="absent")
    assert [pattern_at(guest.disks[0], at) for at in (0, 1, 2)] == [1, 2, 3]
    assert sound(guest.disks[0]) and [path.name for path in guest.folder.iterdir()] == [
        "disk0.qcow2"
    ]


def test_h23_an_internal_snapshot_within_an_overlay_keeps_that_from_being_merged(kept):
    guest = kept()
    guest.define()
    guest.once(A, kind="external")
    guest.once("inside", kind="internal")
    for state in ("absent", "reverted"):
        if state == "reverted":
            write_image(guest.overlay(A), 1, 0)
        assert "holds the internal snapshot inside" in guest.refused(A, state=state)
    guest.once("inside", state="absent")
    guest.once(A, state="absent")


def test_h24_a_running_guest_does_not_go_back_by_disks_alone(kept):
    guest = kept()
    guest.start()
    guest.once(A)
    guest.write(1, 0)
    assert "stop it with qemu_guest" in guest.refused(A, state="reverted")
    for state, name in (("present", B), ("absent", A)):
        assert "live: false" in guest.refused(name, state=state, live=False)


@pytest.mark.parametrize("written", [False, True])
def test_h25_killed_before_the_transaction_was_sent(kept, written):
    """The record says pending, and QEMU runs on the base."""
    guest = kept()
    guest.define()
    guest.once(A, kind="external")
    guest.set_phase(A, "pending")
    os.rename(KEPT / f"{guest.name}.json", KEPT / f"{guest.name}.aside")
    guest.start()
    os.rename(KEPT / f"{guest.name}.aside", KEPT / f"{guest.name}.json")
    if written:
        guest.write(1, 0)
    done = guest.once(A)
    assert [one["action"] for one in done["changes"]] == ["discard", "create"]
    assert guest.tops() == [guest.overlay(A)]
    guest.stop()
    assert pattern_at(guest.overlay(A), 0) == int(written)


def test_h25_killed_after_the_transaction(kept):
    guest = kept()
    guest.start()
    guest.once(A)
    guest.set_phase(A, "pending")
    done = guest.once(A)
    assert [one["action"] for one in done["changes"]] == ["complete"]
    guest.set_phase(A, "pending")
    guest.write(1, 0)
    guest.kill()
    guest.start()
    assert guest.tops() == [guest.overlay(A)]


def test_h25_killed_while_the_overlays_were_made(kept):
    guest = kept(disks=2)
    guest.start()
    guest.once(A)
    guest.once(A, state="absent")
    disks = {disk: guest.overlay(A, number) for number, disk in enumerate(guest.disks)}
    entry = {"name": A, "kind": "external", "phase": "making", "disks": disks}
    (KEPT / f"{guest.name}.json").write_text(json.dumps({"entries": [entry]}), encoding="utf-8")
    Path(guest.overlay(A)).touch()
    guest.kill()
    guest.start()
    assert guest.tops() == guest.disks
    guest.once(A)


def test_h26_qemu_is_killed_in_the_middle_of_a_merge_and_the_next_run_goes_on(kept):
    guest = kept()
    guest.written_above(A)
    guest.set_phase(A, "deleting")
    guest.kill()
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 1 0 1M", guest.disks[0]], check=True, capture_output=True)  # fmt: skip
    guest.start()
    assert guest.tops() == [guest.overlay(A)], "what is half merged is below what is whole"
    done = guest.once(A, state="absent")
    assert [one["action"] for one in done["changes"]] == ["delete"]
    guest.stop()
    assert {pattern_at(guest.disks[0], at) for at in range(8)} == {1}


def test_h26_a_run_is_killed_in_the_pause_of_a_merge_and_the_next_one_lets_the_guest_go_on(kept):
    guest = kept()
    guest.start()
    guest.once(A)
    guest.write(1, 0)
    # where the run was killed: QEMU has let go of the overlay, and the record does not know it
    guest.set_phase(A, "deleting")
    (RUN / f".{guest.name}" / "held.json").write_text('{"paused": true}', encoding="utf-8")
    with Monitor(RUN / guest.name) as asked:
        node = asked.node()
        asked.ask("stop")
        asked.ask("block-commit", **{"job-id": "hypervisor-network-merge-x", "device": node})
        while "ready" not in [one["status"] for one in asked.ask("query-jobs")]:
            pass
        asked.ask("job-complete", id="hypervisor-network-merge-x")
    assert guest.status() == "paused"
    done = guest.once(A, state="absent")
    # the other way round, a power cut in between would lose what the guest has written since
    assert [one["action"] for one in done["changes"]] == ["delete", "release"]
    assert guest.status() == "running" and guest.tops() == guest.disks
    guest.stop()
    assert pattern_at(guest.disks[0], 0) == 1


def test_h27_going_back_was_interrupted_and_nothing_starts_on_disks_of_two_moments(kept, guests):
    guest = kept(disks=2)
    guest.define()
    guest.once(A, kind="external")
    for number in (0, 1):
        write_image(guest.overlay(A, number), 1, 0)
    guest.set_phase(A, "reverting")
    message = guests.run(nics=[], disks=[{"path": disk} for disk in guest.disks])["msg"]
    assert "of two moments" in message
    guest.once(A, state="reverted")
    assert [pattern_at(guest.overlay(A, number), 0) for number in (0, 1)] == [0, 0]


def test_h28_an_overlay_that_is_there_already_and_a_name_that_is_no_name(kept):
    guest = kept()
    guest.start()
    Path(guest.overlay(A)).touch()
    assert "is there already" in guest.refused(A)
    assert Path(guest.overlay(A)).stat().st_size == 0
    for name in ("../x", "a,b", "-c", "a/b", "", "x" * 64, "a\nb", "$(id)", "{{ 7*7 }}"):
        assert "not a usable name" in guest.run(name)["msg"]


def test_h28_a_guest_that_does_not_answer_or_is_not_there(kept):
    guest = kept()
    assert "There is no guest" in guest.refused(A)
    guest.start()
    os.kill(guest.pid, signal.SIGSTOP)
    assert "does not answer" in guest.refused(A)
    os.kill(guest.pid, signal.SIGCONT)


def test_h28_an_image_that_another_process_holds(kept):
    guest = kept()
    guest.define()
    with subprocess.Popen(
        ["qemu-io", "-f", "qcow2", guest.disks[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdin.write(b"read 0 512\n")
        other.stdin.flush()
        other.stdout.readline()
        result = guest.run(A)
        other.stdin.close()
    assert "qemu-img cannot snapshot" in result["msg"] and "lock" in result["msg"], result
    assert guest.record() == {} and tags(guest.disks[0]) == []


def test_h28_a_snapshot_that_only_one_disk_has(kept):
    guest = kept(disks=2)
    guest.define()
    subprocess.run(["qemu-img", "snapshot", "-c", A, guest.disks[0]], check=True)
    assert "of no single moment" in guest.refused(A)
    assert "of no single moment" in guest.refused(A, state="reverted")
    guest.once(A, state="absent")
    assert tags(guest.disks[0]) == []


def test_h29_the_agent_holds_the_guest_s_file_systems_still_meanwhile(kept):
    guest = kept(disks=2)
    guest.start()
    assert "agent does not answer" in guest.refused(A, quiesce=True)
    with FakeAgent(RUN / guest.name / "agent.sock") as agent:
        made = guest.once(A, quiesce=True)
        assert made["snapshot"]["consistency"] == "quiesced" and made["snapshot"]["note"] is None
        assert agent.seen == ["guest-fsfreeze-freeze", "guest-fsfreeze-thaw"]


def test_h29_a_guest_that_let_go_too_early_and_one_that_did_not_let_go(kept):
    """After ten seconds a guest lets go by itself: then the snapshot is only as after a power cut, and that is told."""
    guest = kept()
    guest.start()
    path = RUN / guest.name / "agent.sock"
    with FakeAgent(path, {"guest-fsfreeze-thaw": refusing(LIMIT)}):
        made = guest.run(A, quiesce=True)
    assert made["snapshot"]["consistency"] == "crash" and LIMIT in made["snapshot"]["note"]
    assert "not consistent" in str(made["warnings"]) and guest.tops() == [guest.overlay(A)]
    # where a run was killed in between, the next one lets go, whatever it is asked for
    (RUN / f".{guest.name}" / "held.json").write_text('{"frozen": true}', encoding="utf-8")
    path.unlink()
    with FakeAgent(path) as agent:
        agent.frozen = True
        done = guest.once(A)
        assert [one["action"] for one in done["changes"]] == ["release"] and not agent.frozen
