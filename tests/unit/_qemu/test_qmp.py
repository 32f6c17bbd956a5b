# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The QMP client against a server that behaves as badly as QEMU can."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp, connect_any
from ansible_collections.hypervisor.network.tests.harness.model.monitors import (
    GREETING,
    Server,
    serving,
    well,
)

SOON = 0.3  # seconds that are long enough to answer, and short enough to wait for


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    with serving(tmp_path) as make:
        yield make


def test_negotiates_and_runs_a_command(serve: Callable[..., Server]) -> None:
    server = serve()
    with Qmp(server.path, SOON) as monitor:
        assert monitor.execute("query-status") == {"status": "running"}
    assert server.seen == ["qmp_capabilities", "query-status"]


def test_arguments_are_sent(serve: Callable[..., Server]) -> None:
    server = serve(
        answer=lambda request: [{"return": request.get("arguments"), "id": request["id"]}]
    )
    with Qmp(server.path, SOON) as monitor:
        assert monitor.execute("qom-get", path="/", property="type") == {
            "path": "/",
            "property": "type",
        }


def test_h03_the_greeting_never_comes(serve: Callable[..., Server]) -> None:
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="does not answer"):
        Qmp(serve(greeting=None).path, SOON)
    assert SOON * 0.9 <= time.monotonic() - begin < SOON + 2


def test_an_answer_never_comes(serve: Callable[..., Server]) -> None:
    server = serve(
        answer=lambda request: [] if request["execute"] == "query-status" else well(request)
    )
    with Qmp(server.path, SOON) as monitor, pytest.raises(DeadlineExceeded):
        monitor.execute("query-status")


def test_a_peer_that_keeps_talking_does_not_move_the_deadline(serve: Callable[..., Server]) -> None:
    def chatter(request: dict[str, Any]) -> Iterator[Any]:
        if request["execute"] == "query-status":
            until = time.monotonic() + 5 * SOON
            while time.monotonic() < until:
                yield {"event": "RTC_CHANGE"}
                time.sleep(0.01)
        yield from well(request)

    begin = time.monotonic()
    with Qmp(serve(answer=chatter).path, SOON) as monitor, pytest.raises(DeadlineExceeded):
        monitor.execute("query-status")
    assert time.monotonic() - begin < SOON + 2


def test_events_in_between_are_passed_over(serve: Callable[..., Server]) -> None:
    def noisy(request: dict[str, Any]) -> list[Any]:
        return [{"event": "STOP", "data": {}}, *well(request), {"event": "RESUME", "data": {}}]

    with Qmp(serve(answer=noisy).path, SOON) as monitor:
        for _again in range(2):
            assert monitor.execute("query-status") == {"status": "running"}


def test_an_error_is_qemus_own_sentence(serve: Callable[..., Server]) -> None:
    def refuse(request: dict[str, Any]) -> list[Any]:
        if request["execute"] == "qmp_capabilities":
            return well(request)
        return [
            {
                "error": {"class": "CommandNotFound", "desc": "The command x has not been found"},
                "id": request["id"],
            }
        ]

    with (
        Qmp(serve(answer=refuse).path, SOON) as monitor,
        pytest.raises(GuestError, match="The command x has not been found"),
    ):
        monitor.execute("x")


def test_an_answer_to_an_earlier_command_is_not_taken_for_this_one(
    serve: Callable[..., Server],
) -> None:
    server = serve(
        answer=lambda request: [{"return": "late", "id": request["id"] - 1}, *well(request)]
    )
    with Qmp(server.path, SOON) as monitor:
        assert monitor.execute("query-status") == {"status": "running"}


def test_a_line_in_pieces_and_two_lines_in_one(serve: Callable[..., Server]) -> None:
    def pieces(request: dict[str, Any]) -> list[Any]:
        line = json.dumps(well(request)[0]).encode() + b"\n"
        return [line[:5], line[5:] + b'{"event": "STOP"}\n']

    with Qmp(serve(answer=pieces).path, SOON) as monitor:
        assert monitor.execute("query-status") == {"status": "running"}
        assert monitor.execute("query-status") == {"status": "running"}


@pytest.mark.parametrize("greeting", [b"SSH-2.0\n", b"[]\n", {"hello": 1}])
def test_what_is_not_qmp(serve: Callable[..., Server], greeting: Any) -> None:
    with pytest.raises(GuestError, match="does not speak QMP"):
        Qmp(serve(greeting=greeting).path, SOON)


def test_qemu_hangs_up(serve: Callable[..., Server]) -> None:
    server = serve(
        answer=lambda request: [None] if request["execute"] == "query-status" else well(request)
    )
    with Qmp(server.path, SOON) as monitor, pytest.raises(GuestError, match="closed"):
        monitor.execute("query-status")


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(GuestError, match="Nobody answers"):
        Qmp(str(tmp_path / "none.sock"), SOON)


def test_h04_the_second_monitor_answers_where_another_client_holds_the_first(
    serve: Callable[..., Server],
) -> None:
    held, spare = serve(greeting=None), serve()
    with connect_any([held.path, spare.path], 2 * SOON) as monitor:
        assert monitor.path == spare.path


def test_both_monitors_are_silent_and_the_deadline_holds_for_both_together(
    serve: Callable[..., Server],
) -> None:
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        connect_any([serve(greeting=None).path, serve(greeting=None).path], 2 * SOON)
    assert time.monotonic() - begin < 2 * SOON + 2


def test_events_are_kept_for_who_asks_for_them_and_none_is_an_answer(
    serve: Callable[..., Server],
) -> None:
    def answer(request: dict[str, Any]) -> list[Any]:
        before, after = ({"event": name, "data": {}} for name in ("BEFORE", "AFTER"))
        return [before, *well(request), *([after] if request["execute"] == "query-status" else [])]

    with Qmp(serve(answer=answer).path, SOON) as monitor:
        assert monitor.execute("query-status") == {"status": "running"}
        seen = [monitor.event(SOON) for _one in range(4)]
    assert [one and one["event"] for one in seen] == ["BEFORE", "BEFORE", "AFTER", None]


def test_a_descriptor_goes_with_a_command(tmp_path: Path) -> None:
    """Of a command that is longer than the socket takes at once, too."""
    ours, theirs = socket.socketpair()
    got: dict[str, Any] = {}

    def serve() -> None:
        theirs.sendall(json.dumps(GREETING).encode() + b"\n")
        assert b"qmp_capabilities" in theirs.recv(65536)
        theirs.sendall(b'{"return": {}, "id": 1}\n')
        data, descriptors, _flags, _address = socket.recv_fds(theirs, 65536, 4)
        while b"\n" not in data:
            data += theirs.recv(2**20)
        got.update(json.loads(data), descriptors=descriptors)
        theirs.sendall(b'{"return": {"fdset-id": 0}, "id": 2}\n')

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with (tmp_path / "file").open("wb") as file:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Qmp, "_connect", lambda self: None)
            patch.setattr(socket, "socket", lambda *_kind: ours)
            monitor = Qmp("/nowhere", 10)
        with monitor:
            answer = monitor.execute("add-fd", None, [file.fileno()], opaque="x" * 2**20)
        thread.join(10)
        (descriptor,) = got["descriptors"]
        assert os.path.sameopenfile(descriptor, file.fileno())
        os.close(descriptor)
    assert answer == {"fdset-id": 0} and len(got["arguments"]["opaque"]) == 2**20
    theirs.close()


def test_a_greeting_that_tells_no_version(tmp_path: Path) -> None:
    server = Server(tmp_path / "qmp", {"QMP": {}}, well)
    with Qmp(server.path, SOON) as monitor:
        assert monitor.version is None
    server.close()
