# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks that noxfile.py declares, side by side where they can, and tell how they went.

Without arguments all of them but the longest; else the named nox sessions. Each writes a log of its own; what fails is shown. Exit status 1
where anything failed, 130 where it was interrupted (after the tests have removed what they made).
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

# What a person reads, the nox session, and whether it is pytest's. So many HANDS take pytest's from the end of this row, where the longest stand: what takes
# longest starts first, beside what only reckons while images are built, and what is short fills the end. One more takes the others from its head, quick ones
# first, and has a tenth of a processor at least, and all that the tests leave while they wait for a guard or a lease: of these others one alone looks at a
# clock, and yields to nobody; many of those do. What takes longest of them waits for the end of a hand's first test: then come those that wait for guards, and
# leave processors that nobody wants. Who has no test left helps that hand.
STEPS = (
    ("Python lint", "ruff", False),
    ("floors and doors", "imports", False),
    ("YAML lint", "yamllint", False),
    ("stray files and spaces", "extra-checks", False),
    ("licences", "license-check", False),
    ("changelog", "changelog", False),
    ("the collection builds", "build-import-check", False),
    ("what Galaxy says of it", "galaxy-importer", False),
    ("the image of an execution environment", "execution-environment", False),
    ("blocks of the guides", "docs-check", False),
    ("documentation", "docs", False),
    ("the documentation's site", "docs-site", False),
    ("ansible-lint, profile production", "ansible-lint", False),
    ("ansible-test sanity", "sanity", False),
    ("sanity of the oldest core", "sanity-oldest", False),
    ("sanity of the newest core", "sanity-newest", False),
    ("modules as ansible-test runs them", "ansible-test", False),
    ("unit tests on the newest Python and core", "unit-newest", True),
    ("unit tests on the oldest Python", "unit-oldest", True),
    ("modules with other Pythons", "targets-elsewhere", True),
    ("fault matrix of managers", "faults-managers", True),
    ("fault matrix of networks", "faults-networks", True),
    ("fault matrix of guests", "faults-guests", True),
    ("fault matrix of the guard", "faults-guard", True),
    ("fault matrix in the lab", "faults-lab", True),
    ("unit tests", "unit", True),
    ("acceptance in the lab", "acceptance", True),
    ("modules in namespaces", "integration", True),
)
WHEN_NAMED = (
    "faults-lab",  # an hour of switching a machine off and on
    # the same again with other Pythons and cores; the workflow has them beside the others
    "unit-newest",
    "unit-oldest",
    "targets-elsewhere",
    "sanity-oldest",
    "sanity-newest",
    "ansible-test",  # and with another harness
)
LATER = ("sanity",)
HANDS = 3  # two processors are at work when one of three waits, and each waits for more than a third of its time
PUNCTUAL = "galaxy-importer"  # gives up after three minutes, however little it got of them
QUIET = 30  # seconds without a line before the run says what it is at
PATIENCE = 240  # seconds that an interrupted step has to remove what it made
KEPT = 10  # runs whose logs stay
SHOWN = 60  # lines of a failed step's log
TABLE = "what each file's own tests cover"  # the title of a part of the log that is shown where one step alone was asked for
_YIELDING = ("nice", "-n", "10")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Step:
    """One session: its process, its log, and in the end its counts."""

    title: str
    session: str
    is_pytest: bool
    log: Path
    process: subprocess.Popen | None = None
    started: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    skips: list[str] = field(default_factory=list)
    failed: bool = False
    interrupted: bool = False

    @property
    def runs(self) -> bool:
        """Whether its process was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def interrupt(self) -> None:
        """Have it end, once; a second Ctrl-C would only break the removal of what it made."""
        if self.runs and not self.interrupted:
            self.interrupted = True
            self.signal(signal.SIGINT)

    def signal(self, number: int) -> None:
        """Send the signal to all that its process started, if it still runs."""
        if self.runs:
            # it may end at this moment, and the thread that waits for it holds what poll() would ask
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def run(self, yielding: bool = False) -> None:
        """Start the session and wait for it; it gets a process group of its own, so that Ctrl-C reaches it once and from here.

        One that is C(yielding) gets what nobody else wants of the processors.
        """
        words = [
            *(_YIELDING if yielding else ()),
            "nox",
            "--no-venv",
            "--nocolor",
            "-s",
            self.session,
        ]
        report = self.log.with_suffix(".xml")
        if self.is_pytest:
            words += ["--", "-v", "-rfE", f"--junitxml={report}"]
        self.started = time.monotonic()
        with self.log.open("w", encoding="utf-8") as sink:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=_environment(),
            )
            if yielding:
                # a kernel that groups processes by their sessions weighs the groups, whatever is nice within one
                with contextlib.suppress(OSError):
                    Path(f"/proc/{self.process.pid}/autogroup").write_text("10", encoding="ascii")
            self.failed = self.process.wait() != 0
        self.counts = {"failed": 1} if self.failed else {"passed": 1}
        if self.is_pytest and report.exists():
            self._read(report)

    def _read(self, report: Path) -> None:
        suite = next(ElementTree.parse(report).iter("testsuite"))
        number = {
            key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")
        }
        bad = number["failures"] + number["errors"]
        # A session can fail without a failed test: nothing collected, interrupted
        self.counts = {
            "passed": number["tests"] - bad - number["skipped"],
            "failed": bad or int(self.failed),
            "skipped": number["skipped"],
        }
        for case in suite.iter("testcase"):
            for skip in case.iter("skipped"):
                self.skips.append(f"{case.get('name')}: {skip.get('message')}")

    def table(self) -> list[str]:
        """The table that the session ended with, if it has one."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        titles = [number for number, line in enumerate(lines) if line.strip("= ") == TABLE]
        rows = lines[titles[-1] + 1 :] if titles else []
        return list(itertools.takewhile(lambda line: not line.startswith("="), rows))

    def last_line(self) -> str:
        """What the session said last, for the line that a waiting person reads."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as source:
            source.seek(max(0, self.log.stat().st_size - 4096))
            lines = (
                _ESCAPES.sub("", source.read().decode("utf-8", "replace"))
                .replace("\r", "\n")
                .split("\n")
            )
        return next((line.strip() for line in reversed(lines) if line.strip()), "")[:110]


class Run:
    """All steps of a run, and the voice that tells about them."""

    def __init__(self, names: list[str]) -> None:
        cache = Path(os.environ["HYPERVISOR_NETWORK_CACHE"])
        self.logs = cache / "logs" / time.strftime("%Y%m%d-%H%M%S")
        self.logs.mkdir(parents=True, exist_ok=True)
        for old in sorted(self.logs.parent.iterdir())[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        wanted = names or [row[1] for row in STEPS if row[1] not in WHEN_NAMED]
        self.steps = [Step(*row, self.logs / f"{row[1]}.log") for row in STEPS if row[1] in wanted]
        self.tests = collections.deque(step for step in self.steps if step.is_pytest)
        self.others = collections.deque(step for step in self.steps if not step.is_pytest)
        self.started = time.monotonic()
        self.spoke = self.started
        self.stopping = False
        # a hand is past the first of its tests, which have all of the processors
        self.leisure = threading.Event()
        if not self.tests:
            self.leisure.set()
        self.lock = threading.Lock()

    def say(self, text: str) -> None:
        """A line with the time that has passed."""
        with self.lock:
            self.spoke = time.monotonic()
            minutes, seconds = divmod(int(self.spoke - self.started), 60)
            print(f"[{minutes:2d}:{seconds:02d}] {text}", flush=True)

    def longest(self) -> Step:
        """The longest test that waits, or the longest of the others. Raises IndexError where none is left."""
        try:
            return self.tests.pop()
        except IndexError:
            return self.others.pop()

    def shortest(self) -> Step:
        """The next of the others, when the tests leave something for it. Raises IndexError where none is left."""
        if self.others and self.others[0].session in LATER:
            self.leisure.wait()
        return self.others.popleft()

    def work(self, take: Callable[[], Step], yielding: bool = False) -> None:
        """Run one step after the other, as C(take) hands them out, until none is left."""
        while not self.stopping:
            try:
                step = take()
            except IndexError:  # another hand took the last one
                return
            if self.stopping:  # it waited for a step, and that was the end
                return
            step.run(yielding and step.session != PUNCTUAL)
            if step.is_pytest:
                self.leisure.set()
            if self.stopping:
                return
            took = f"{time.monotonic() - step.started:.0f} s"
            counts = (
                ", ".join(f"{number} {word}" for word, number in step.counts.items() if number)
                if step.is_pytest
                else ""
            )
            self.say(
                f"{'FAILED' if step.failed else 'ok    '} {step.title} ({', '.join(filter(None, (counts, took)))})"
            )

    def stop(self, *_unused: object) -> None:
        """Begin nothing more. What runs is interrupted by follow(), which this may have come in the midst of."""
        self.stopping = True
        self.leisure.set()

    def follow(self) -> None:
        """Run the lanes, and let no silent minute pass."""
        signal.signal(signal.SIGINT, self.stop)
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGHUP, self.stop)
        threads = [
            threading.Thread(target=self.work, args=hand, daemon=True)
            for hand in (*[(self.longest,)] * HANDS, (self.shortest, True))
        ]
        for thread in threads:
            thread.start()
        deadline = None
        while alive := [thread for thread in threads if thread.is_alive()]:
            alive[0].join(0.5)
            if self.stopping:
                if deadline is None:
                    self.say("Interrupted: removing what the tests made ...")
                    deadline = time.monotonic() + PATIENCE
                for step in self.steps:  # one of them may have begun in that moment
                    step.interrupt()
                    if time.monotonic() > deadline:
                        step.signal(signal.SIGKILL)
            if time.monotonic() - self.spoke > QUIET:
                self.say(
                    "       "
                    + "; ".join(
                        f"{step.title} ({time.monotonic() - step.started:.0f} s): {step.last_line()}"
                        for step in self.steps
                        if step.runs
                    )
                )

    def tell(self) -> int:
        """The closing summary; returns the exit status."""
        if len(self.steps) == 1 and not self.stopping:
            print("\n".join(self.steps[0].table()))
        for step in self.steps:
            if step.failed and not self.stopping:
                lines = _ESCAPES.sub(
                    "", step.log.read_text(encoding="utf-8", errors="replace")
                ).splitlines()
                print(f"\n---- {step.title}: the last lines of {step.log}")
                print("\n".join(lines[-SHOWN:]))
        for step in self.steps:
            for skip in step.skips:
                print(f"skipped in {step.title}: {skip}")
        total = {
            word: sum(step.counts.get(word, 0) for step in self.steps)
            for word in ("passed", "failed", "skipped")
        }
        words = f"{total['passed']} passed, {total['failed']} failed" + (
            f", {total['skipped']} skipped" if total["skipped"] else ""
        )
        if self.stopping:
            words = f"interrupted after {total['passed']} passed"
        print(f"==== {words} in {time.monotonic() - self.started:.0f} s; logs in {self.logs} ====")
        if self.stopping:
            return 130
        return 1 if any(step.failed for step in self.steps) else 0


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
    }


def main(names: list[str]) -> int:
    known = {row[1] for row in STEPS}
    unknown = sorted(set(names) - known)
    if unknown:
        print(
            f"There is no check named {', '.join(unknown)}; there are: {', '.join(sorted(known))}."
        )
        return 2
    run = Run(names)
    run.follow()
    return run.tell()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
