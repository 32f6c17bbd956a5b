# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives and jobs of a monitor that a list of answers stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import monitor
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor import (
    PREFIX,
    Done,
    Monitor,
)

SAVE, OTHER = f"{PREFIX}save", f"{PREFIX}other"


class Clock:
    """Time that passes only while an event is waited for."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Qmp:
    """Answers C(looks) one after the other to query-jobs, the last again and again; notes every other command."""

    def __init__(self, clock: Clock, looks: list[list[dict[str, Any]]], **answers: Any) -> None:
        self.clock, self.looks, self.answers = clock, looks, answers
        self.seen: list[tuple[str, Any]] = []

    def execute(
        self, command: str, _timeout: float, handing: Sequence[int] = (), **arguments: Any
    ) -> Any:
        if command == "query-jobs":
            return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        self.seen.append((command, arguments.get("id")))
        answer = self.answers.get(command.replace("-", "_"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def event(self, seconds: float) -> None:
        self.clock.now += seconds


def job(ident: str, status: str, at: int = 0, error: str | None = None) -> dict[str, Any]:
    found = {"id": ident, "status": status, "current-progress": at, "total-progress": 100, "type": "x"}  # fmt: skip
    return found if error is None else {**found, "error": error}


def asked(*looks: list[dict[str, Any]], **answers: Any) -> tuple[Monitor, Qmp]:
    clock = Clock()
    qmp = Qmp(clock, list(looks), **answers)
    return Monitor(qmp, clock), qmp


def test_a_job_is_waited_for_and_dismissed() -> None:
    one, qmp = asked([job(SAVE, "running")], [job(SAVE, "running", 100)], [job(SAVE, "concluded", 100)])  # fmt: skip
    assert one.finish([SAVE]) == [Done(SAVE, 2.0, 100)]
    assert qmp.seen == [("job-dismiss", SAVE)]
    assert Done(SAVE, 2.0, 100).as_dict() == {"job": SAVE, "seconds": 2.0, "total": 100}


def test_a_job_that_is_ready_is_told_once_and_not_taken_for_done() -> None:
    """abbbi and backup-vm: 100 % is not ready, and ready is not over."""
    full = [job(SAVE, "running", 100)]
    one, _qmp = asked(full, [job(SAVE, "ready", 100)], [job(SAVE, "ready", 100)], [job(SAVE, "concluded", 100)])  # fmt: skip
    told: list[str] = []
    moved: list[tuple[int, int]] = []
    one.finish([SAVE], told.append, lambda at, total: moved.append((at, total)))
    assert told == [SAVE] and moved == [(100, 100)] * 3


def test_how_a_job_ended_is_in_query_jobs_and_the_others_are_cancelled() -> None:
    one, qmp = asked(
        [job(SAVE, "running"), job(OTHER, "running")],
        [job(SAVE, "concluded", error="No space left"), job(OTHER, "running")],
        [job(OTHER, "running")],
        [job(OTHER, "aborting")],
        [job(OTHER, "concluded", error="Operation canceled")],
        [],
    )
    with pytest.raises(GuestError, match="No space left"):
        one.finish([SAVE, OTHER])
    assert qmp.seen == [("job-dismiss", SAVE), ("job-cancel", OTHER), ("job-dismiss", OTHER)]


def test_a_job_that_is_gone() -> None:
    one, _qmp = asked([])
    with pytest.raises(GuestError, match="nobody says"):
        one.finish([SAVE])


def test_a_job_that_does_not_move_is_cancelled() -> None:
    one, qmp = asked([job(SAVE, "running", 5)])
    with pytest.raises(DeadlineExceeded, match="has not moved"):
        one.finish([SAVE])
    assert ("job-cancel", SAVE) in qmp.seen


def test_cancelling_what_has_just_ended_is_fine() -> None:
    one, qmp = asked([job(SAVE, "running")], [], job_cancel=GuestError("gone"))
    one.cancel([SAVE])
    assert qmp.seen == [("job-cancel", SAVE)]


def test_only_our_own_jobs_are_seen_and_those_that_ended_cleared_away() -> None:
    theirs = {**job("theirs", "concluded")}
    one, qmp = asked([theirs, job(SAVE, "concluded"), job(OTHER, "running")])
    assert set(one.jobs()) == {SAVE, OTHER}
    one.dismiss_ended()
    assert qmp.seen == [("job-dismiss", SAVE)]


BLOCK = {
    "qdev": "/machine/peripheral/disk0-dev/virtio-backend",
    "inserted": {
        "node-name": "snapshot-1", "drv": "qcow2", "file": "/d.a.qcow2", "ro": False, "dirty-bitmaps": [{"name": "b"}],
        "image": {
            "filename": 'json:{"driver": "qcow2", "file": {"driver": "file", "filename": "/d.a.qcow2"}}', "virtual-size": 5,
            "snapshots": [{"name": "s"}], "backing-image": {"filename": "/d.qcow2"},
        },
    },
}  # fmt: skip


def test_a_drive_with_its_chain() -> None:
    one, _qmp = asked([], query_block=[BLOCK, {"qdev": "empty"}], query_status={"status": "running"})  # fmt: skip
    (drive,) = one.drives()
    assert (drive.node, drive.format, drive.size, drive.read_only) == ("snapshot-1", "qcow2", 5, False)  # fmt: skip
    assert drive.files == ("/d.a.qcow2", "/d.qcow2") and drive.snapshots == ("s",)
    assert drive.bitmaps == ({"name": "b"},) and one.status == "running"


def test_a_drive_that_a_job_works_on_is_seen_through_the_job_s_node() -> None:
    job_s = {"node-name": "#block1", "drv": "copy-before-write", "file": "/d.a.qcow2", "ro": False}
    others = {**job_s, "file": "/other"}
    nodes = [{**BLOCK["inserted"], "drv": "file"}, BLOCK["inserted"]]
    one, _qmp = asked(
        [],
        query_block=[{"qdev": "x", "inserted": job_s}, {"qdev": "y", "inserted": others}],
        query_named_block_nodes=nodes,
    )
    first, second = one.drives()
    assert first.qdev == "x" and first.node == "snapshot-1" and first.bitmaps
    assert second.node == "#block1"


def test_a_file_is_handed_over_and_taken_back() -> None:
    sets = [{"fdset-id": 3, "fds": [{"fd": 9, "opaque": "ours-1"}]}, {"fdset-id": 4, "fds": [{"fd": 8}]}]  # fmt: skip
    one, qmp = asked([], add_fd={"fdset-id": 3}, query_fdsets=sets)
    assert one.hand(5, "ours-1") == "/dev/fdset/3"
    one.take_back("ours")
    assert [command for command, _ident in qmp.seen].count("remove-fd") == 1


def test_a_node_by_its_file() -> None:
    nodes = [{"drv": "file", "file": "/d", "node-name": "p"}, {"drv": "raw", "file": "/d", "node-name": "n"}]  # fmt: skip
    one, qmp = asked([], query_named_block_nodes=nodes)
    assert one.node_of("/d") == "n" and one.node_of("/e") is None
    one.forget_node("/e")
    assert "blockdev-del" not in dict(qmp.seen)
    one.forget_node("/d")
    assert "blockdev-del" in dict(qmp.seen)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/d", "/d"),
        ('json:{"driver": "raw", "file": {"filename": "/d"}}', "/d"),
        ('json:{"file": "node"}', "node"),
        ("json:{", "json:{"),
        ("json:[1]", "json:[1]"),
        ('json:{"driver": "null-co"}', 'json:{"driver": "null-co"}'),
    ],
)
def test_what_qemu_calls_a_file(name: str, path: str) -> None:
    assert monitor.file_of(name) == path


def test_a_monitor_is_opened_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Connection:
        def __enter__(self) -> str:
            return "qmp"

        def __exit__(self, *_unused: object) -> None:
            closed.append(True)

    monkeypatch.setattr(monitor, "connect_any", lambda _sockets, _deadline: Connection())
    with monitor.opened(["/s"]) as one:
        assert isinstance(one, Monitor) and not closed
    assert closed
