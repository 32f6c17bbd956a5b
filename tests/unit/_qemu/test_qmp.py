# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The QMP client against a server that behaves as badly as QEMU can."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import qmp
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import (
    Qmp,
    ask_each,
    connect_any,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}, "capabilities": []}}
SOON = 0.3  # seconds that are long enough to answer, and short enough to wait for
Answer = Callable[[dict[str, Any]], Iterable[Any]]


class Server:
    """One monitor: what it greets with, and what it answers to each command (a list of lines; None hangs up)."""

    def __init__(self, path: Path, greeting: Any, answer: Answer) -> None:
        self.path = str(path)
        self.seen: list[str] = []
        self.said = 0  # messages
        self._greeting = greeting
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen(2)
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        for one in [self._socket, *self._open]:
            one.close()

    def _serve(self) -> None:
        try:
            while True:
                client, _name = self._socket.accept()
                self._open.append(client)
                self._talk(client)
        except OSError:
            return  # closed by the test

    def _talk(self, client: socket.socket) -> None:
        if self._greeting is None:
            return
        self._say(client, self._greeting)
        with client.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                self.seen.append(request["execute"])
                for answer in self._answer(request):
                    if answer is None:
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    self._say(client, answer)

    def _say(self, client: socket.socket, message: Any) -> None:
        client.sendall(
            message if isinstance(message, bytes) else json.dumps(message).encode() + b"\r\n"
        )
        self.said += 1


def well(request: dict[str, Any]) -> list[Any]:
    value = {"status": "running"} if request["execute"] == "query-status" else {}
    return [{"return": value, "id": request.get("id")}]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(**given: Any) -> Server:
        servers.append(
            Server(
                tmp_path / f"{len(servers)}.sock", **{"greeting": GREETING, "answer": well, **given}
            )
        )
        return servers[-1]

    yield make
    for server in servers:
        server.close()


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


QUESTIONS = [("query-status", {}), ("qom-list", {"path": "/"}), ("query-block", {})]


def in_order(request: dict[str, Any]) -> list[Any]:
    """One of the questions refused, and an event in between; none has a number, and none says what it does not have to."""
    assert request.keys() <= {"execute", "arguments"} and request.get("arguments") != {}
    if request["execute"] == "qom-list":
        return [{"event": "RESET"}, {"error": {"desc": "no"}}]
    return [{"return": request["execute"]}]


SAID = ["query-status", None, "query-block"], "7.2.0"


def test_several_monitors_are_asked_side_by_side(serve: Callable[..., Server]) -> None:
    """One that never greets costs the others nothing, and all that say nothing cost one deadline together."""
    mute = [serve(greeting=None) for _number in range(4)]
    well = [serve(answer=in_order) for _number in range(3)]
    begin = time.monotonic()
    found = ask_each({one.path: QUESTIONS for one in (*mute, *well)}, SOON)
    assert found == {one.path: SAID for one in well}
    assert SOON * 0.9 <= time.monotonic() - begin < SOON * 3


def test_who_answers_all_is_not_waited_for(serve: Callable[..., Server]) -> None:
    begin = time.monotonic()
    assert len(ask_each({serve(answer=in_order).path: QUESTIONS}, 60)) == 1
    assert time.monotonic() - begin < 30


def test_what_has_come_when_the_time_is_over_is_heard(serve: Callable[..., Server]) -> None:
    """This process may have been held still meanwhile."""
    server = serve(answer=in_order)
    times = iter([0.0, 1000.0])

    def clock() -> float:
        now = next(times)
        if now:
            wait_for(lambda: len(server.seen) == 4, "the questions", 60)
            wait_for(lambda: server.said == 6, "the answers", 60)
        return now

    assert ask_each({server.path: QUESTIONS}, 500, clock) == {server.path: SAID}


@pytest.mark.parametrize(
    "wrong",
    [
        {"greeting": {"hello": 1}},
        {"greeting": b"SSH-2.0\n"},
        {"greeting": b"x" * 200},
        {"answer": lambda _request: [None]},
        {"answer": lambda _request: [b"[]\n"]},
    ],
)
def test_a_monitor_that_says_what_is_no_qmp_says_nothing(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    monkeypatch.setattr(qmp, "_LONGEST_LINE", 150)
    one, other = serve(**wrong), serve(answer=in_order)
    begin = time.monotonic()
    assert ask_each({one.path: QUESTIONS, other.path: QUESTIONS}, 60).keys() == {other.path}
    assert time.monotonic() - begin < 30


def test_a_monitor_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert ask_each({str(tmp_path / "none"): QUESTIONS}, 60) == {}


def test_a_monitor_at_which_too_many_wait_says_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(str(tmp_path / "full"))
        listener.listen(0)
        for _number in range(3):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(str(tmp_path / "full"))
        assert ask_each({str(tmp_path / "full"): QUESTIONS}, 60) == {}
