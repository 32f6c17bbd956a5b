# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some hands take the tests, the longest first, and one more the other checks, the quick ones first; a stand-in for nox writes down which were run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for
from ansible_collections.hypervisor.network.tools import check

CHECK = Path(__file__).parents[3] / "tools" / "check.py"
# The tests that are named in HELD end only when the check that is named in WAITS_FOR has begun, or after so many LOOKS for it. A file of each check has what
# had ended when it began
NOX = """\
#!/bin/sh
while [ "$1" != -s ]; do shift; done
[ ! -e "$ENDED" ] || cp "$ENDED" "$ENDED.$2"
echo "$2 $(nice)" >> "$RAN"
left=$LOOKS
case " $HELD " in *" $2 "*) until grep -q "^$WAITS_FOR " "$RAN" || [ "$left" = 0 ]; do sleep 0.01; left=$((left - 1)); done; esac
echo "$2" >> "$ENDED"
[ "$2" != "$FAILS" ]
"""
TELLS_INTERRUPTS = """\
import signal, sys
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
print("begun", flush=True)
sys.stdin.read()
"""
TESTS, OTHERS = (
    [
        session
        for _title, session, is_pytest in check.STEPS
        if is_pytest is wanted and session not in check.WHEN_NAMED
    ]
    for wanted in (True, False)
)
FIRST = TESTS[-check.HANDS :]  # one for each hand that takes tests
EARLY = [session for session in OTHERS if session not in check.LATER]
YIELDING = min(os.nice(0) + 10, 19)  # who runs all of it niced has nothing to go down to


@pytest.fixture
def run(tmp_path: Path):
    (tmp_path / "nox").write_text(NOX, encoding="utf-8")
    (tmp_path / "nox").chmod(0o755)
    ran = tmp_path / "ran"

    def checks(
        *names: str,
        held: str = "",
        waits_for: str = "",
        looks: int = -1,
        fails: str = "",
        ended_at: str = "",
    ):
        """What became of it, and what it ran; with C(ended_at) it gets TERM when that has begun."""
        with subprocess.Popen(
            [sys.executable, str(CHECK), *names],
            env={
                "PATH": f"{tmp_path}:/usr/bin:/bin",
                "HYPERVISOR_NETWORK_CACHE": str(tmp_path),
                "RAN": str(ran),
                "ENDED": str(tmp_path / "ended"),
                "HELD": held,
                "WAITS_FOR": waits_for,
                "LOOKS": str(looks),
                "FAILS": fails,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                if ended_at:
                    wait_for(lambda: ended_at in dict(begun()), f"{ended_at} began", 60)
                    process.terminate()
                said = process.communicate(timeout=60)
            except BaseException:
                process.kill()
                raise
        done = subprocess.CompletedProcess(names, process.returncode, *said)
        return done, begun()

    def begun() -> list[tuple[str, int]]:
        lines = ran.read_text("utf-8").splitlines() if ran.exists() else []
        return [(session, int(nice)) for session, nice in map(str.split, lines)]

    return checks


def test_each_check_runs_once_and_those_that_want_a_name_do_not(run) -> None:
    done, ran = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(session for session, _nice in ran) == sorted(TESTS + OTHERS)


def test_the_longest_start_first_and_one_hand_can_run_all_other_tests(run) -> None:
    held, others = FIRST[1:], TESTS[: -len(FIRST) + 1]
    done, ran = run(held=" ".join(held), waits_for=TESTS[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert [session for session, _nice in ran if session in others] == others[::-1]


def test_what_is_no_test_runs_beside_them_in_its_order_and_yields_to_them(run) -> None:
    done, ran = run(held=" ".join(FIRST), waits_for=EARLY[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert [session for session, _nice in ran if session in EARLY] == EARLY
    usual = {nice for session, nice in ran if session in (*TESTS, check.PUNCTUAL)}
    assert usual == {os.nice(0)}
    yielding = {nice for session, nice in ran if session in EARLY and session != check.PUNCTUAL}
    assert yielding == {YIELDING}


def test_what_takes_longest_of_it_begins_when_a_hand_is_past_its_first_test(
    run, tmp_path: Path
) -> None:
    done, _ran = run(held=" ".join(FIRST), waits_for=check.LATER[0], looks=200)
    assert done.returncode == 0, done.stdout + done.stderr
    for session in check.LATER:
        ended = (tmp_path / f"ended.{session}").read_text("utf-8").split()
        assert set(FIRST) & set(ended), session


def test_a_run_that_is_ended_begins_nothing_that_waited(run) -> None:
    done, ran = run(held=" ".join(FIRST), waits_for="nobody", ended_at=EARLY[-1])
    assert done.returncode == 130, done.stdout + done.stderr
    assert {session for session, _nice in ran} == {*EARLY, *FIRST}


def test_a_check_that_ends_as_the_run_is_ended_is_left_alone(tmp_path: Path) -> None:
    step = check.Step("Python lint", "ruff", False, tmp_path / "ruff.log")
    with subprocess.Popen(["true"], start_new_session=True) as process:
        process.wait()
    # what poll() says while another thread waits for it
    step.process = SimpleNamespace(pid=process.pid, poll=lambda: None)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    step.interrupt()
    step.signal(signal.SIGKILL)
    assert step.interrupted


def test_what_a_check_removes_at_its_end_is_interrupted_once(tmp_path: Path) -> None:
    step = check.Step("Python lint", "ruff", False, tmp_path / "ruff.log")
    with subprocess.Popen(
        [sys.executable, "-c", TELLS_INTERRUPTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as step.process:
        assert step.process.stdout.readline() == "begun\n"
        step.interrupt()
        assert step.process.stdout.readline() == "interrupted\n"
        step.interrupt()
        said, _nothing = step.process.communicate(timeout=60)
    assert said == ""


def test_who_has_no_test_left_takes_the_longest_of_what_is_none_and_yields_to_nobody(run) -> None:
    done, ran = run(held=OTHERS[0], waits_for=OTHERS[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert dict(ran)[OTHERS[0]] == YIELDING
    assert {dict(ran)[session] for session in OTHERS[1:]} == {os.nice(0)}
    assert ran.index((OTHERS[-1], os.nice(0))) < ran.index((OTHERS[1], os.nice(0)))


def test_one_named_check_runs_once(run) -> None:
    done, ran = run("ruff")
    assert (done.returncode, [session for session, _nice in ran]) == (0, ["ruff"])


def test_a_check_that_fails_is_told_and_the_others_run(run) -> None:
    done, ran = run("ruff", "imports", fails="ruff")
    assert done.returncode == 1 and sorted(session for session, _nice in ran) == ["imports", "ruff"]
    assert "FAILED Python lint" in done.stdout
    assert "==== 1 passed, 1 failed" in done.stdout


def test_a_name_that_nobody_knows_is_told_with_those_there_are(run) -> None:
    done, ran = run("rufff")
    assert (done.returncode, ran) == (2, [])
    assert "There is no check named rufff; there are: acceptance, " in done.stdout
