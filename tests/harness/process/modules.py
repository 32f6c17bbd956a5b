# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many module runs in one namespace, a few milliseconds each: the test's end of resident.py."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

# A bridge with a port that has carrier and one that has none
SWITCH = """
link add br0 type bridge
link set br0 up
link add v0 up type veth peer name v1
link set v1 up
link set v0 master br0
link add v2 master br0 type veth peer name v3
"""
_RESIDENT = "ansible_collections.hypervisor.network.tests.harness.process.resident"


def guarded_form(module: str, **options: Any) -> dict[str, Any]:
    """The arguments of C(guarded_change), with which it is what the task's action runs where a module itself changes nothing."""
    return {"module": module, "options": options}


class Modules:
    """A resident process in a namespace, as a context.

    C(run) gives what the module printed, with C(failed) always in it; C(order) gives the number of writes and a traceback beside it.
    C(through) are the words of a program that runs others elsewhere, such as ssh, C(within) of one that does so in the namespace.
    """

    def __init__(
        self,
        netns: str,
        python: str,
        path: str,
        through: Sequence[str] = (),
        within: Sequence[str] = (),
    ) -> None:
        self.netns = netns
        self._process = subprocess.Popen(
            [
                *through,
                "ip",
                "netns",
                "exec",
                netns,
                *within,
                "env",
                f"PYTHONPATH={path}",
                "PYTHONDONTWRITEBYTECODE=1",
                python,
                "-m",
                _RESIDENT,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """The resident process: whatever it is run through executes it."""
        return self._process.pid

    def __enter__(self) -> Modules:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def order(
        self,
        module: str,
        args: dict[str, Any],
        *,
        check: bool = False,
        fail: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """One run, whatever comes of it."""
        print(
            json.dumps({"module": module, "args": args, "check": check, "fail": fail}),
            file=self._process.stdin,
            flush=True,
        )
        line = self._process.stdout.readline()
        assert line, "the resident process died"
        return json.loads(line)

    def run(self, module: str, *, check: bool = False, **args: Any) -> dict[str, Any]:
        """One run that must end with JSON; C(failed) tells how. What a module leaves to its guarded form is done by that, as in a task."""
        answer = self.order(module, args, check=check)
        assert answer["traceback"] is None, answer["traceback"]
        if answer["result"].get("guard_wanted"):
            answer = self.order("guarded_change", guarded_form(module, **args), check=check)
            assert answer["traceback"] is None, answer["traceback"]
        return {"failed": False, **answer["result"]}

    def done(self, module: str, **args: Any) -> dict[str, Any]:
        """One run that must succeed."""
        result = self.run(module, **args)
        assert not result["failed"], result["msg"]
        return result

    def refused(self, module: str, **args: Any) -> str:
        """One run that must fail with one sentence in one line, which is returned."""
        result = self.run(module, **args)
        assert result["failed"] and "\n" not in result["msg"], result
        return result["msg"]
