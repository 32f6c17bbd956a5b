# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A monitor that is waited for: it comes, it does not, or QEMU ends. Every wait here ends by what happens, or the test takes a minute."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._host.inotify import Watch
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import monitor_wait
from ansible_collections.hypervisor.network.tests.harness.model.monitors import Server, serving

LONG = 60.0


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "600"])
    yield child
    child.kill()
    child.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    with serving(tmp_path) as make:
        yield make


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens before the first wait, the second ...: nothing can be missed between a look and a wait."""
    acts: list[Callable[[], object]] = []
    wait = Watch.wait

    def acted(self: Watch, seconds: float, *others: int) -> list[int]:
        assert acts, "it looks again although nothing has happened"
        acts.pop(0)()
        return wait(self, seconds, *others)

    monkeypatch.setattr(Watch, "wait", acted)
    return acts


def who(process: subprocess.Popen[bytes]) -> procfs.Identity:
    found = procfs.Process(process.pid).identity()
    assert found is not None
    return found


def test_one_that_is_there_is_not_waited_for(
    serve: Callable[..., Server], process: subprocess.Popen[bytes]
) -> None:
    server = serve()
    assert monitor_wait.unanswered(server.path, who(process), LONG) is None
    assert server.seen == ["qmp_capabilities"]


def test_one_that_comes_later_is_told_by_its_directory(
    serve: Callable[..., Server],
    tmp_path: Path,
    process: subprocess.Popen[bytes],
    waits: list[Callable[[], object]],
) -> None:
    waits.append(serve)
    assert monitor_wait.unanswered(str(tmp_path / "0.sock"), who(process), LONG) is None
    assert waits == []


def test_one_that_has_but_a_name_is_told_by_the_next_socket(
    tmp_path: Path,
    process: subprocess.Popen[bytes],
    waits: list[Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As QEMU makes them: a name, then somebody listens, which is no event, then the next name."""
    path, listener = tmp_path / "qmp.sock", socket.socket(socket.AF_UNIX)

    def listens() -> None:
        listener.listen(1)
        (tmp_path / "spare.sock").touch()

    waits += [lambda: listener.bind(str(path)), listens]
    with listener, monkeypatch.context() as patched:
        connected: list[str] = []

        class Connects:
            def __init__(self, where: str, _seconds: float) -> None:
                with socket.socket(socket.AF_UNIX) as client:
                    try:
                        client.connect(where)
                    except OSError as error:
                        raise GuestError(error.strerror) from None
                connected.append(where)

            def close(self) -> None:
                """It is done."""

        patched.setattr(monitor_wait, "Qmp", Connects)
        assert monitor_wait.unanswered(str(path), who(process), LONG) is None
        assert connected == [str(path)] and waits == []


def test_h09_a_qemu_that_ends_meanwhile_is_told_at_once(
    tmp_path: Path, process: subprocess.Popen[bytes], waits: list[Callable[[], object]]
) -> None:
    begin = time.monotonic()
    waits.append(process.kill)
    assert "Nobody answers" in str(
        monitor_wait.unanswered(str(tmp_path / "qmp.sock"), who(process), LONG)
    )
    assert time.monotonic() - begin < LONG / 2


def test_one_that_hangs_up_and_ends_is_told_by_what_it_said_last(
    serve: Callable[..., Server],
    process: subprocess.Popen[bytes],
    waits: list[Callable[[], object]],
) -> None:
    server = serve(answer=lambda _asked: [None])
    waits.append(process.kill)
    assert "QEMU closed" in str(monitor_wait.unanswered(server.path, who(process), LONG))


def test_one_that_ended_before_is_not_waited_for(tmp_path: Path) -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    gone = who(child)
    child.wait()
    assert "has ended" in str(monitor_wait.unanswered(str(tmp_path / "qmp.sock"), gone, LONG))


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_one_that_never_comes(
    tmp_path: Path, process: subprocess.Popen[bytes], seconds: float
) -> None:
    assert "Nobody answers" in str(
        monitor_wait.unanswered(str(tmp_path / "qmp.sock"), who(process), seconds)
    )


@pytest.mark.parametrize("ends", [True, False])
def test_a_directory_that_is_gone_is_told_where_its_process_lives(
    tmp_path: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    """systemd removes it after the end of its process, which may be after we looked for that."""
    monkeypatch.setattr(procfs, "ended", lambda _process, _seconds: ends)
    path = str(tmp_path / "none" / "qmp.sock")
    if ends:
        assert monitor_wait.unanswered(path, who(process), LONG) == "it has ended"
    else:
        with pytest.raises(Refused, match="cannot be watched"):
            monitor_wait.unanswered(path, who(process), LONG)


def test_h03_a_qemu_that_is_stopped_is_given_up(
    serve: Callable[..., Server], process: subprocess.Popen[bytes]
) -> None:
    server = serve(greeting=None)
    assert "QEMU does not answer" in str(monitor_wait.unanswered(server.path, who(process), 0.1))
