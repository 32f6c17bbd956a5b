# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hands take the checks from both ends of one row; a stand-in for nox writes down which were run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tools import check

CHECK = Path(__file__).parents[3] / "tools" / "check.py"
# The longest check ends only when the one that is named in WAITS_FOR has begun
NOX = """\
#!/bin/sh
while [ "$1" != -s ]; do shift; done
echo "$2" >> "$RAN"
[ "$2" != acceptance ] || until grep -qx "$WAITS_FOR" "$RAN"; do sleep 0.01; done
[ "$2" != "$FAILS" ]
"""


@pytest.fixture
def run(tmp_path: Path):
    (tmp_path / "nox").write_text(NOX, encoding="utf-8")
    (tmp_path / "nox").chmod(0o755)
    ran = tmp_path / "ran"

    def checks(*names: str, waits_for: str = "acceptance", fails: str = ""):
        done = subprocess.run(
            [sys.executable, str(CHECK), *names],
            env={
                "PATH": f"{tmp_path}:/usr/bin:/bin",
                "HYPERVISOR_NETWORK_CACHE": str(tmp_path),
                "RAN": str(ran),
                "WAITS_FOR": waits_for,
                "FAILS": fails,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, ran.read_text("utf-8").split() if ran.exists() else []

    return checks


def test_each_check_runs_once_and_those_that_want_a_name_do_not(run) -> None:
    done, ran = run()
    assert done.returncode == 0, done.stdout + done.stderr
    declared = {session for _title, session, _is_pytest in check.STEPS}
    assert sorted(ran) == sorted(declared - set(check.WHEN_NAMED))


def test_the_longest_starts_first_and_all_others_run_beside_it(run) -> None:
    done, ran = run(waits_for="faults-networks")
    assert done.returncode == 0, done.stdout + done.stderr
    # the other hand held the longest all the while
    declared = [session for _title, session, _is_pytest in check.STEPS]
    ran.remove("acceptance")
    assert ran == [one for one in declared[:-1] if one not in check.WHEN_NAMED]


def test_one_named_check_runs_once(run) -> None:
    done, ran = run("ruff")
    assert (done.returncode, ran) == (0, ["ruff"])


def test_a_check_that_fails_is_told_and_the_others_run(run) -> None:
    done, ran = run("ruff", "imports", fails="ruff")
    assert (done.returncode, sorted(ran)) == (1, ["imports", "ruff"])
    assert "FAILED Python lint" in done.stdout
    assert "==== 1 passed, 1 failed" in done.stdout


def test_a_name_that_nobody_knows_is_told_with_those_there_are(run) -> None:
    done, ran = run("rufff")
    assert (done.returncode, ran) == (2, [])
    assert "There is no check named rufff; there are: acceptance, " in done.stdout
