# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that a unit is stopped by: it ends in time and with status 0, whatever QEMU has become."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import powerdown

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
            command = json.loads(line)["execute"]
            commands.append(command)
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
    assert powerdown.ask(str(tmp_path), 5).startswith("The guest shut down by itself within ")
    assert qemu.commands == ["qmp_capabilities", "query-status", "system_powerdown"]


@pytest.mark.parametrize("status", ["paused", "prelaunch"])
def test_one_that_is_paused_goes_on_first(
    guest: Callable[..., Qemu], tmp_path: Path, status: str
) -> None:
    qemu = guest(answering(status))
    assert "by itself" in powerdown.ask(str(tmp_path), 5)
    assert qemu.commands[2:] == ["cont", "system_powerdown"]


def test_trap_1_one_that_ignores_it_is_waited_for_no_longer_than_was_said(
    guest: Callable[..., Qemu], tmp_path: Path
) -> None:
    guest(answering(ends=False))
    begin = time.monotonic()
    assert (
        powerdown.ask(str(tmp_path), 0.5)
        == "The guest did not shut down within 0.5 s; QEMU is ended."
    )
    assert 0.5 <= time.monotonic() - begin < 3


def test_a_guest_that_has_ended_already_is_a_success(tmp_path: Path) -> None:
    assert powerdown.ask(str(tmp_path), 5) == "QEMU has ended already."


def test_a_socket_that_nobody_listens_at_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "qmp.sock"))
    assert powerdown.ask(str(tmp_path), 5) == "QEMU has ended already."


def test_a_monitor_that_another_client_holds_is_passed_over(
    guest: Callable[..., Qemu], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(powerdown, "_GREETING", 0.3)
    guest(silent)
    qemu = guest(answering(), "spare.sock")
    assert "by itself" in powerdown.ask(str(tmp_path), 5)
    assert qemu.commands[-1] == "system_powerdown"


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (silent, "its monitor does not answer|timed out"),
        (says(b"[]\n"), "that is no monitor"),
        (says(b"x\n"), "Expecting value"),
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
    monkeypatch.setattr(powerdown, "_GREETING", 0.3)
    guest(behave)
    said = powerdown.ask(str(tmp_path), 2)
    assert said.startswith("The guest could not be asked to shut down: ") and said.endswith(
        "QEMU is ended."
    )
    assert any(word in said for word in why.split("|")), said


def test_without_time_it_is_not_asked(guest: Callable[..., Qemu], tmp_path: Path) -> None:
    qemu = guest(answering())
    assert "no time" in powerdown.ask(str(tmp_path), 0)
    assert qemu.commands == []


def test_a_line_without_an_end_is_given_up(
    guest: Callable[..., Qemu], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(powerdown, "_LONGEST", 10)
    guest(says(b"x" * 100))
    assert "does not answer" in powerdown.ask(str(tmp_path), 1)


@pytest.mark.parametrize("words", [[], ["/nowhere", "x"], ["/nowhere", "1"]])
def test_the_program_never_fails(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    powerdown.main(words)
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and (said.startswith("The guest could not") or "already" in said)
