# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the host is the one in the system's folders, and what it prints may be any bytes."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import programs


def test_the_callers_path_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat", "only-here"):
        (tmp_path / name).write_text("#!/bin/sh\necho evil\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert programs.path_of("cat") in ("/usr/bin/cat", "/bin/cat")
    assert programs.path_of("only-here") is None and programs.printed(("only-here",)) is None
    assert programs.printed(("sh", "-c", "cat /dev/null; echo $PATH")) == f"{programs.PATH}\n"


def test_what_is_no_text_is_replaced_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes(b"one\n\xff\xfe\ntwo\n")
    assert programs.printed(("cat", str(tmp_path / "said"))) == "one\n\ufffd\ufffd\ntwo\n"


def test_one_that_fails_says_what_it_said() -> None:
    assert programs.printed(("sh", "-c", "echo half; exit 3")) == "half\n"


def test_one_that_does_not_answer_in_time_printed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(words: list[str]) -> programs.Done:
        raise TimeoutError(110, f"{words[0]} did not end")

    monkeypatch.setattr(programs, "run", late)
    assert programs.printed(("cat",)) == ""


def test_the_last_words_are_one_line() -> None:
    assert programs.last_words("first\n  second\n\n") == "first second"
    assert programs.last_words("0123456789", most=4) == "6789"


def test_both_what_it_says_and_how_it_ends_are_told() -> None:
    done = programs.run(["sh", "-c", "echo out; echo bad >&2; exit 3"])
    assert done == programs.Done(3, "out\n", "bad\n")


def test_one_that_does_not_end_is_killed() -> None:
    with pytest.raises(TimeoutError, match="sleep did not end within 0.1 s"):
        programs.run(["sleep", "60"], 0.1)


@pytest.mark.parametrize("begin", [programs.run, lambda words: programs.start(words, lambda: None)])
def test_one_that_is_missing_is_an_os_error(begin) -> None:
    with pytest.raises(OSError) as caught:
        begin(["/no/such/program"])
    assert caught.value.strerror == "No such file or directory"


@pytest.mark.parametrize(
    "begin",
    [
        lambda fail: programs.run(["true"], before=fail),
        lambda fail: programs.start(["true"], fail),
    ],
)
def test_what_goes_wrong_before_the_program_is_an_os_error_too(begin) -> None:
    with pytest.raises(OSError, match="preexec_fn"):
        begin(lambda: 1 / 0)


def test_a_descriptor_that_is_handed_over_stays_open(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file:
        programs.run(
            ["sh", "-c", f"echo through > /dev/fd/{file.fileno()}"], descriptors=[file.fileno()]
        )
        assert file.read() == b"through\n"


def test_complaints_go_to_a_file_where_a_daemon_may_be_left_behind() -> None:
    with tempfile.TemporaryFile() as said:
        done = programs.run(["sh", "-c", "echo bad >&2; sleep 60 & echo $! >&2"], 20, said=said)
        said.seek(0)
        complaint, pid = said.read().decode().split()
    os.kill(int(pid), signal.SIGKILL)
    assert done.status == 0 and complaint == "bad"


def test_a_daemon_lives_on_when_it_is_not_waited_for_any_longer(tmp_path: Path) -> None:
    wait = programs.start(["sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60"], lambda: None)
    wait(0.2)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGKILL)  # raises where it is gone
