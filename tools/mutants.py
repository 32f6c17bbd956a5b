# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one word of a planner after another and see whether its own tests notice, and those of what is refused; print each change that none has noticed.

tools/env local python tools/mutants.py [ROOM/FILE ...]

Without arguments all planners are tried, each in a copy of the checkout, as many side by side as there are processors: an hour or two. Exit status 1
where a change stays unnoticed that tests/mutants.yml does not explain, or where an explanation there has nothing left to explain.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ansible_collections.hypervisor.network.tests.unit.own_coverage import own_tests

ROOT = Path(__file__).resolve().parents[1]
EXPLAINED = ROOT / "tests" / "mutants.yml"
ROOMS = "plugins/module_utils/"
# What decides beside the files that have a function C(plan); what only reads or writes is run by playbooks instead
PLANNERS = (
    "_bridge_host/entries",
    "_bridge_host/foresight",
    "_core/guarding",
    "_core/plan",
    "_core/reconcile",
    "_core/vlan",
    "_ifupdown/files",
    "_isolation/plan",
    "_link/device",
    "_link/messages",
    "_link/own_addresses",
    "_link/reach",
    "_managers/stages",
    "_qemu/hotplug",
    "_uplink/changes",
)
# Where the own test of a refusal is its sentence
REFUSALS = "tests/unit/test_error_goldens.py::test_what_is_typed_is_told_exactly_this"
RUN = "python -m pytest -x -q -p no:cacheprovider"
# Of the changes that cosmic-ray knows: those that a slip of the hand could be
CONFIG = """\
[cosmic-ray]
module-path = "{path}"
timeout = 120.0
excluded-modules = []
test-command = "sh -c '{run} {tests} && exec {run} {refusals}'"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = [
  "core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add).*",
  "core/ReplaceUnaryOperator_.*",
  "core/NumberReplacer",
  "core/Variable.*",
  "core/ReplaceComparisonOperator_(Is|IsNot|Eq|NotEq)_(Lt|LtE|Gt|GtE).*",
  "core/ReplaceComparisonOperator_(Is|IsNot)_(Eq|NotEq)",
  "core/ReplaceComparisonOperator_(Eq|NotEq)_(Is|IsNot)",
  "core/ReplaceComparisonOperator_(Lt|LtE|Gt|GtE)_(Is|IsNot|Eq)",
]
"""


class Survivor(NamedTuple):
    """A change that no test has noticed: the lines before and after it, without their indent."""

    was: str
    becomes: str


class Tried(NamedTuple):
    """What became of a planner's mutants."""

    path: str
    noticed: int
    survivors: list[Survivor]


def main(names: list[str]) -> int:
    """Try the planners, print a line for each, then what went unnoticed."""
    tests = own_tests()
    paths = [f"{ROOMS}{name}.py" for name in names] or planners(tests)
    unknown = [path for path in paths if path not in tests]
    if unknown:
        print(
            f"There is no {', '.join(unknown)} with tests of its own; name files as in _fdb/plan."
        )
        return 2
    cosmic_ray = Path(os.environ["HYPERVISOR_NETWORK_MUTANTS_PYTHON"]).parent
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as hands:
        jobs = {
            path: hands.submit(tried, Path(scratch) / str(number), path, tests[path], cosmic_ray)
            for number, path in enumerate(paths)
        }
        failed = False
        for job in jobs.values():
            result = job.result()
            total = result.noticed + len(result.survivors)
            complaints = list(judged(result, explanations()))
            print(
                f"{result.path}: {result.noticed} of {total} noticed",
                *complaints,
                sep="\n",
                flush=True,
            )
            failed = failed or bool(complaints)
    return 1 if failed else 0


def planners(tests: dict[str, list[str]]) -> list[str]:
    """The paths of all that decide and touch nothing."""
    return [
        path
        for path in sorted(tests)
        if path.startswith(ROOMS) and (path[len(ROOMS) : -3] in PLANNERS or _plans(path))
    ]


def _plans(path: str) -> bool:
    """Whether a file that is PURE has a function C(plan)."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return (ast.get_docstring(tree) or "").startswith("PURE") and "plan" in names


def tried(place: Path, path: str, tests: list[str], cosmic_ray: Path) -> Tried:
    """Run the tests over each mutant of one planner, in a copy of the checkout that is made and removed here."""
    copy = place / "ansible_collections" / "hypervisor" / "network"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    config, session = str(place / "config.toml"), str(place / "session.sqlite")
    words = {"path": path, "run": RUN, "tests": " ".join(tests), "refusals": REFUSALS}
    Path(config).write_text(CONFIG.format(**words), encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(place), "ANSIBLE_COLLECTIONS_PATH": str(place)}

    def run(*words: str) -> str:
        return subprocess.run(
            [str(cosmic_ray / words[0]), *words[1:]],
            cwd=copy, env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ).stdout  # fmt: skip

    run("cosmic-ray", "baseline", config)
    run("cosmic-ray", "init", config, session)
    run("cr-filter-operators", session, config)
    run("cosmic-ray", "exec", config, session)
    items = [json.loads(line)[1] for line in run("cosmic-ray", "dump", session).splitlines()]
    shutil.rmtree(place)
    outcomes = [item for item in items if item["worker_outcome"] != "skipped"]
    unnoticed = [item for item in outcomes if item["test_outcome"] == "survived"]
    return Tried(path, len(outcomes) - len(unnoticed), [survivor(item) for item in unnoticed])


def survivor(item: dict[str, Any]) -> Survivor:
    """The changed line out of a mutant's diff."""
    lines = item["diff"].splitlines()[3:]
    was, becomes = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    return Survivor(was, becomes)


def explanations() -> dict[str, dict[str, str]]:
    """By path, and for all by C(everywhere): the line that a mutant makes, or a pattern of it, and why no test can or need notice."""
    return yaml.safe_load(EXPLAINED.read_text(encoding="utf-8"))


def judged(result: Tried, explained: dict[str, dict[str, str]]) -> Iterator[str]:
    """A line for each survivor without an explanation, and for each explanation without a survivor."""
    own = explained.get(result.path, {})
    for one in result.survivors:
        general = any(re.fullmatch(pattern, one.was) for pattern in explained["everywhere"])
        if one.becomes not in own and not general:
            yield f"  - {one.was}\n  + {one.becomes}"
    for line in sorted(set(own) - {one.becomes for one in result.survivors}):
        yield f"  tests/mutants.yml explains what a test notices by now: {line}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
