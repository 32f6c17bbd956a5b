# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that a unit is begun and stopped by: a stop ends in time and with status 0, whatever QEMU has become; a start never goes on half done."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import unit_monitor

Behave = Callable[[socket.socket, list[str]], None]


class Qemu:
    """A monitor of a guest that behaves as a test wants, and the commands that it got."""

    def __init__(self, path: Path, behave: Behave) -> None:
        self.commands: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._behave = behave
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            client, _address = self._listener.accept()
            with client:
                self._behave(client, self.commands)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()


def answering(status: str = "running", ends: bool = True, refuses: bool = False) -> Behave:
    """A guest that greets, answers, and ends when it is asked to, or does not."""

    def behave(client: socket.socket, commands: list[str]) -> None:
        client.sendall(b'{"QMP": {}}\n')
        for line in client.makefile("rb"):
            said = json.loads(line)
            command = said["execute"]
            commands.append(" ".join([command, *map(str, said["arguments"].values())]))
            if command == "system_powerdown" and refuses:
                client.sendall(b'{"error": {"desc": "no"}}\n')
                continue
            answer = {"return": {"status": status} if command == "query-status" else {}}
            client.sendall(b'{"event": "NOTHING"}\n' + json.dumps(answer).encode() + b"\n")
            if command == "system_powerdown" and ends:
                client.sendall(b'{"event": "SHUTDOWN"}\n')
                return

    return behave


def silent(client: socket.socket, _commands: list[str]) -> None:
    client.recv(1)


def says(what: bytes) -> Behave:
    def behave(client: socket.socket, _commands: list[str]) -> None:
        client.sendall(what)

    return behave


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Callable[..., Qemu]]:
    made: list[Qemu] = []

    def make(behave: Behave, name: str = "qmp.sock") -> Qemu:
        made.append(Qemu(tmp_path / name, behave))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_guest_that_shuts_down(guest: Callable[..., Qemu], tmp_path: Path) -> None:
    qemu = guest(answering())
    assert unit_monitor.ask(str(tmp_path), 5).startswith("The guest shut down by itself within ")
    assert qemu.commands == ["qmp_capabilities", "query-status", "system_powerdown"]


@pytest.mark.parametrize("status", ["paused", "prelaunch"])
def test_one_that_is_paused_goes_on_first(
    guest: Callable[..., Qemu], tmp_path: Path, status: str
) -> None:
    qemu = guest(answering(status))
    assert "by itself" in unit_monitor.ask(str(tmp_path), 5)
    assert qemu.commands[2:] == ["cont", "system_powerdown"]


def test_trap_1_one_that_ignores_it_is_waited_for_no_longer_than_was_said(
    guest: Callable[..., Qemu], tmp_path: Path
) -> None:
    guest(answering(ends=False))
    begin = time.monotonic()
    assert (
        unit_monitor.ask(str(tmp_path), 0.5)
        == "The guest did not shut down within 0.5 s; QEMU is ended."
    )
    assert 0.5 <= time.monotonic() - begin < 3


def test_a_guest_that_has_ended_already_is_a_success(tmp_path: Path) -> None:
    assert unit_monitor.ask(str(tmp_path), 5) == "QEMU has ended already."


def test_a_socket_that_nobody_listens_at_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "qmp.sock"))
    assert unit_monitor.ask(str(tmp_path), 5) == "QEMU has ended already."


def test_a_monitor_that_another_client_holds_is_passed_over(
    guest: Callable[..., Qemu], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_monitor, "_GREETING", 0.3)
    guest(silent)
    qemu = guest(answering(), "spare.sock")
    assert "by itself" in unit_monitor.ask(str(tmp_path), 5)
    assert qemu.commands[-1] == "system_powerdown"


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (silent, "its monitor does not answer|timed out"),
        (says(b"[]\n"), "that is no monitor"),
        (says(b"x\n"), "Expecting value"),
        (says(b"[" * 100_000 + b"\n"), "recursion"),
        (says(b""), "its monitor does not answer"),
        (answering(refuses=True), "QEMU refuses system_powerdown"),
    ],
)
def test_one_that_cannot_be_asked(
    guest: Callable[..., Qemu],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    behave: Behave,
    why: str,
) -> None:
    monkeypatch.setattr(unit_monitor, "_GREETING", 0.3)
    guest(behave)
    said = unit_monitor.ask(str(tmp_path), 2)
    assert said.startswith("The guest could not be asked to shut down: ") and said.endswith(
        "QEMU is ended."
    )
    assert any(word in said for word in why.split("|")), said


def test_without_time_it_is_not_asked(guest: Callable[..., Qemu], tmp_path: Path) -> None:
    qemu = guest(answering())
    assert "no time" in unit_monitor.ask(str(tmp_path), 0)
    assert qemu.commands == []


def test_a_line_without_an_end_is_given_up(
    guest: Callable[..., Qemu], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_monitor, "_LONGEST", 10)
    guest(says(b"x" * 100))
    assert "does not answer" in unit_monitor.ask(str(tmp_path), 1)


@pytest.mark.parametrize(
    "words", [[], ["stop"], ["stop", "/nowhere", "x"], ["stop", "/nowhere", "1"]]
)
def test_a_stop_never_fails(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert unit_monitor.main(words) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and (said.startswith("The guest could not") or "already" in said)


DOWN = json.dumps([["set_link", {"name": "nic0", "up": False}]])


@pytest.mark.parametrize(("paused", "then"), [([], ["cont"]), (["-S"], [])])
def test_a_guest_begins_once_it_has_taken_over_what_no_command_line_says(
    guest: Callable[..., Qemu], tmp_path: Path, paused: list[str], then: list[str]
) -> None:
    qemu = guest(answering())
    assert unit_monitor.main(["begin", str(tmp_path), DOWN, *paused], str(os.getpid())) == 0
    assert qemu.commands == ["qmp_capabilities", "set_link nic0 False", *then]


@pytest.mark.parametrize("named", [False, True])
def test_it_waits_for_a_monitor_that_is_not_there_yet_or_has_but_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """By what QEMU does: a name, then it listens, which is no event, then the name of its next socket. Each wait ends by one of these, or lasts a minute."""
    listener, wait = socket.socket(socket.AF_UNIX), select.select
    path = str(tmp_path / "qmp.sock")

    def bind() -> None:
        listener.bind(path)

    def listen() -> None:
        listener.listen(1)
        (tmp_path / "spare.sock").touch()
        threading.Thread(target=serve, daemon=True).start()

    def serve() -> None:
        client, _address = listener.accept()
        with client:
            answering()(client, [])

    acts = [listen] if named else [bind, listen]
    if named:
        bind()

    def look(*asked: Any) -> Any:
        acts.pop(
            0
        )()  # after the look, so nothing can be missed; and none left: it would look for nothing
        return wait(*asked)

    monkeypatch.setattr(unit_monitor.select, "select", look)
    with listener:
        assert unit_monitor.main(["begin", str(tmp_path), DOWN], str(os.getpid())) == 0
    assert acts == []


def test_a_directory_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = os.listdir("/proc/self/fd")
    assert unit_monitor.main(["begin", str(tmp_path / "none"), DOWN], str(os.getpid())) == 1
    assert "No such file or directory, by inotify" in capsys.readouterr().out
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (says(b""), "{StopIteration()}"),
        (says(b'{"QMP": {}}\n{"return": {}}\n'), "QEMU has ended"),
        (answering(refuses=True), "QEMU refuses system_powerdown"),
    ],
)
def test_a_guest_that_cannot_take_it_over_does_not_run_on(
    guest: Callable[..., Qemu],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    behave: Behave,
    why: str,
) -> None:
    guest(behave)
    steps = json.dumps([["system_powerdown", {}]]) if "refuses" in why else DOWN
    assert unit_monitor.main(["begin", str(tmp_path), steps], str(os.getpid())) == 1
    assert capsys.readouterr().out.startswith("The guest cannot begin as it was asked for: ")


def test_a_qemu_that_ended_before_it_listened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert unit_monitor.main(["begin", str(tmp_path), DOWN], str(child.pid)) == 1
    child.wait()
    assert "QEMU has ended" in capsys.readouterr().out


def test_a_monitor_that_never_comes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_monitor, "_LONGEST_START", 0.05)
    assert unit_monitor.main(["begin", str(tmp_path), DOWN], str(os.getpid())) == 1
    assert "its monitor does not come" in capsys.readouterr().out
