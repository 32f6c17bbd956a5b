# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is asked for, and that a host without it, or with one that does not answer, goes on. What it does then is seen in the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import systemd
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done


def busctl(tmp_path: Path, then: str = "true") -> str:
    """A program that writes down how it was called."""
    path = tmp_path / "busctl"
    path.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/called"\n{then}\n', encoding="ascii")
    path.chmod(0o755)
    return str(path)


def test_the_processes_are_named_with_their_number(tmp_path: Path) -> None:
    systemd.enter("one", (17, 18), str(tmp_path), busctl(tmp_path))
    said = (tmp_path / "called").read_text(encoding="ascii")
    assert (
        "StartTransientUnit ssa(sv)a(sa(sv)) one.scope fail 5 PIDs au 2 17 18 Slice s system.slice"
        in said
        and said.endswith(" OOMPolicy s continue 0\n")
    )
    assert said.count("\n") == 1


def test_a_systemd_that_knows_no_memory_policy_for_scopes_is_asked_without(tmp_path: Path) -> None:
    systemd.enter(
        "one",
        (17,),
        str(tmp_path),
        busctl(tmp_path, then='case "$*" in *OOMPolicy*) exit 1;; esac'),
    )
    _refused, said = (tmp_path / "called").read_text(encoding="ascii").splitlines()
    assert (
        "one.scope fail 4 PIDs au 1 17 Slice s system.slice" in said
        and "OOMPolicy" not in said
        and said.endswith(" 0")
    )


def test_without_systemd_nobody_is_asked(tmp_path: Path) -> None:
    systemd.enter("one", (17,), str(tmp_path / "missing"), busctl(tmp_path))
    assert not (tmp_path / "called").exists()


def test_a_refusal_or_a_missing_program_is_no_failure(tmp_path: Path) -> None:
    systemd.enter("one", (17,), str(tmp_path), busctl(tmp_path, then="false"))
    systemd.enter("one", (17,), str(tmp_path), str(tmp_path / "nothing"))


def manager(
    tmp_path: Path, *answers: Done | OSError, programs: Sequence[str] = ("systemctl", "journalctl")
) -> tuple[systemd.Manager, list[list[str]]]:
    """A manager whose programs give these answers, and what they are asked."""
    left, asked = list(answers), []

    def run(words: Sequence[str], seconds: float) -> Done:
        asked.append(list(words))
        answer = left.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def path_of(name: str) -> str | None:
        return f"/bin/{name}" if name in programs else None

    return systemd.Manager(run, path_of, str(tmp_path)), asked


def test_systemd_is_there_where_it_is_the_first_process_and_answers(tmp_path: Path) -> None:
    one, asked = manager(tmp_path, Done(0, "252"))
    assert one.there and one.answers()
    assert asked[0][3:] == ["show", "--property=Version", "--value"]
    assert not systemd.Manager(runs=str(tmp_path / "missing")).answers()
    assert not manager(tmp_path, programs=())[0].there


@pytest.mark.parametrize("answer", [Done(1, "", "refused"), TimeoutError(), OSError()])
def test_one_that_does_not_answer_keeps_nothing(tmp_path: Path, answer: Any) -> None:
    assert not manager(tmp_path, answer)[0].answers()


def test_what_it_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    one, asked = manager(tmp_path, Done(0), Done(1, "", "Unit x is\nmasked.\n"), Done(4))
    one.call("start", "x")
    assert asked[0] == ["/bin/systemctl", "--no-pager", "--no-ask-password", "start", "x"]
    with pytest.raises(GuestError, match=r"systemctl start x failed \(Unit x is masked\.\)\."):
        one.call("start", "x")
    with pytest.raises(GuestError, match=r"\(exit status 4\)"):
        one.call("start", "x")
    with pytest.raises(GuestError, match="not installed"):
        manager(tmp_path, programs=())[0].call("start", "x")


def test_properties_of_many_units_come_in_their_order(tmp_path: Path) -> None:
    one, asked = manager(tmp_path, Done(0, "Id=a\nResult=x=y\n\nId=b\nResult=\n"))
    assert one.show(["a", "b"], ["Id", "Result"]) == {
        "a": {"Id": "a", "Result": "x=y"},
        "b": {"Id": "b", "Result": ""},
    }
    assert asked[0][3:] == ["show", "--property=Id,Result", "--", "a", "b"]
    assert one.show([], ["Id"]) == {}


@pytest.mark.parametrize("answer", [Done(0, "Id=a\n"), Done(1, "", "no bus"), TimeoutError()])
def test_one_that_does_not_tell_of_units_is_no_state_of_theirs(tmp_path: Path, answer: Any) -> None:
    with pytest.raises(GuestError, match="systemd does not tell of a"):
        manager(tmp_path, answer)[0].show(["a", "b"], ["Id"])


def test_the_journal_of_one_run_in_one_line(tmp_path: Path) -> None:
    one, asked = manager(tmp_path, Done(0), Done(0, "first\n  second \n"))
    assert one.journal("abc") == "first second"
    assert asked[0][1:] == ["--sync"] and asked[1][-1] == "_SYSTEMD_INVOCATION_ID=abc"
    assert manager(tmp_path)[0].journal("") == ""
    assert manager(tmp_path, programs=())[0].journal("abc") == ""
    assert manager(tmp_path, OSError())[0].journal("abc") == ""
