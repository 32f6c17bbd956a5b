# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the test file of each file covers of it, alone: lines and branches, in per cent of both.

A file that is only run because others call it has no test of its own, however full its coverage looks. So the one run of all unit
tests is told apart by test file (coverage's contexts), and C(_link/port.py) gets the figures of C(_link/test_port.py). Lines that run on
import count for everybody.
"""

from __future__ import annotations

import ast
import functools
import importlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

import coverage
import pytest

from ansible_collections.hypervisor.network.tests.unit.covered_elsewhere import (
    ELSEWHERE,
    LEAST,
)

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.hypervisor.network"
ON_IMPORT = ""
TITLE = "what each file's own tests cover"


@functools.cache
def files_with_tests() -> dict[str, str]:
    """Each file that decides or touches, with the test file that is its own; paths from the root of the checkout.

    The modules and the action plugins are not among them: they are glue, and playbooks run them. Nor are files of names alone.
    """
    found = {path: test_file_of(PurePath(path)) for path in _listed("plugins")}
    return {
        path: test for path, test in found.items() if test is not None and _does_something(path)
    }


def _does_something(path: str) -> bool:
    """Whether a file has a function: one of constants and fields has nothing that a test could see fail."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))


@functools.cache
def own_tests() -> dict[str, list[str]]:
    """By file the test files that are its own. A long C(test_plan.py) has parts beside it: C(test_plan_properties.py)."""
    parts: dict[str, list[str]] = {path: [] for path in files_with_tests()}
    for test in _listed("tests/unit"):
        owners = [
            path
            for path, own in files_with_tests().items()
            if test == own or test.startswith(own[: -len(".py")] + "_")
        ]
        # test_bridge_ioctl.py is no part of test_bridge.py where there is a bridge_ioctl.py
        if owners:
            parts[max(owners, key=len)].append(test)
    return parts


def test_file_of(path: PurePath) -> str | None:
    """C(plugins/module_utils/_link/port.py) has C(tests/unit/_link/test_port.py), C(plugins/plugin_utils) its folder of that name."""
    if path.suffix != ".py" or path.stem == "__init__":
        return None
    name = f"test_{path.stem.lstrip('_')}.py"
    folder = path.parent.relative_to("plugins")
    if folder.parts[0] == "module_utils":
        folder = folder.relative_to("module_utils")
    elif folder.parts[0] == "filter":
        folder = "plugins" / folder
    elif folder.parts[0] != "plugin_utils":
        return None
    return str("tests/unit" / folder / name)


def _listed(folder: str) -> list[str]:
    """The files of the checkout below a folder, tracked or new."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return sorted({path for path in listed if (ROOT / path).is_file()})


class Figure(NamedTuple):
    """What a file's own tests cover of it."""

    path: str
    percent: float
    lines: int
    missing: str

    @property
    def least(self) -> float:
        return ELSEWHERE[self.path].least if self.path in ELSEWHERE else LEAST

    @property
    def verdict(self) -> str:
        """What is wrong with the figure, in a sentence; empty where nothing is."""
        if self.percent < self.least:
            return f"{self.path}: its own tests cover {self.percent:.1f} %, {self.least} % is the least; they miss {self.missing}"
        if self.path in ELSEWHERE and self.percent >= LEAST:
            return f"{self.path}: its own tests cover {self.percent:.1f} %, so it is no exception any more"
        return ""


class OwnCoverage:
    """A plugin of pytest that measures, prints the table, and fails the run where a file falls below."""

    def __init__(self) -> None:
        early = [name for name in sys.modules if name.startswith(f"{COLLECTION}.plugins.")]
        assert not early, f"imported before it could be measured: {early}"
        self.ran: set[str] = set()
        self.whole = True
        self.figures: list[Figure] = []
        self.measured = coverage.Coverage(
            data_file=None, config_file=False, branch=True, source=[str(ROOT / "plugins")]
        )
        # Contexts are what Python's newer way of measuring lacks
        self.measured.set_option("run:core", "ctrace")
        self.measured.start()
        for path in files_with_tests():
            importlib.import_module(f"{COLLECTION}.{path[: -len('.py')].replace('/', '.')}")

    def belongs_to(self, path: Path) -> None:
        """What runs from now on is on the account of this test file."""
        name = path.resolve().relative_to(ROOT).as_posix()
        self.ran.add(name)
        self.measured.switch_context(name)

    def pytest_deselected(self) -> None:
        """Of some tests alone nobody can say what a file's own tests cover."""
        self.whole = False

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        if isinstance(collector, pytest.Module):
            self.belongs_to(collector.path)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.belongs_to(item.path)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        self.measured.stop()
        # After a failure, or with -k, the figures would tell of what did not run
        if session.exitstatus == 0 and self.whole:
            self.figures = [
                self.figure(path, tests)
                for path, tests in own_tests().items()
                if self.ran & {*tests}
            ]
            if any(figure.verdict for figure in self.figures):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def figure(self, path: str, tests: list[str]) -> Figure:
        """What a file's own tests cover of it, and what they leave."""
        with tempfile.NamedTemporaryFile() as report:
            self.measured.json_report(
                morfs=[str(ROOT / path)],
                outfile=report.name,
                contexts=[f"^{re.escape(context)}$" for context in (ON_IMPORT, *tests)],
            )
            (told,) = json.loads(Path(report.name).read_bytes())["files"].values()
        summary = told["summary"]
        lines = [str(line) for line in told["missing_lines"]]
        arrows = [
            f"{start}->{'end' if end < 0 else end}"
            for start, end in told["missing_branches"]
            if start not in told["missing_lines"] and end not in told["missing_lines"]
        ]
        return Figure(
            path, summary["percent_covered"], summary["num_statements"], " ".join(lines + arrows)
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table, a line for each file; then what is wrong, where something is."""
        if not self.figures:
            return
        terminalreporter.section(TITLE)
        for figure in self.figures:
            where = f"   {ELSEWHERE[figure.path].where}" if figure.path in ELSEWHERE else ""
            terminalreporter.write_line(
                f"{figure.percent:5.0f} % of {figure.lines:3} lines  {figure.path}{where}"
            )
        for verdict in filter(None, (figure.verdict for figure in self.figures)):
            terminalreporter.write_line(verdict, red=True)
