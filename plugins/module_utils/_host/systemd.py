# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of systemd: units of others' making, by systemctl, and a unit of its own for processes that outlive the session which started them."""

from __future__ import annotations

import contextlib
import os
from typing import Callable, Iterable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs

RUNS = "/run/systemd/system"  # there where systemd is the first process (sd_booted(3))
UNITS = "/etc/systemd/system"
TRANSIENT = "/run/systemd/transient"  # units that are in no file of anybody's, and gone once they have ended
CONTROL = "/run/systemd/system.control"  # what set-property --runtime writes
_SECONDS = 10
_LONGEST_LINE = 400
_ENTERED = (("Slice", "s", "system.slice"), ("TimeoutStopUSec", "t", "2000000"))
_COLLECTED = ("CollectMode", "s", "inactive-or-failed")
# Since systemd 253 a scope is stopped, all of it, when the kernel takes one of its processes for want of memory; older ones know no policy for scopes
_OOM_POLICY = ("OOMPolicy", "s", "continue")


def enter(name: str, pids: Sequence[int], systemd: str = RUNS, busctl: str | None = None) -> None:
    """Move processes into the scope of that name, out of a session that may be cleaned up (KillUserProcesses=yes).

    Where systemd does not run, or does not answer, they stay where they are.
    """
    program = busctl or programs.path_of("busctl")
    if program is None or not os.path.isdir(systemd):
        return
    with contextlib.suppress(OSError):
        start_scope(programs.run, program, f"{name}.scope", pids, _ENTERED)


def start_scope(
    run: Callable[..., programs.Done],
    program: str,
    unit: str,
    pids: Sequence[int],
    properties: Iterable[Sequence[str]],
) -> programs.Done:
    """What C(program), which is busctl, made of having systemd start a scope of these processes. Raises OSError.

    C(properties) are as busctl takes them: name, type, value.
    """
    manager = (
        "org.freedesktop.systemd1",
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
        "StartTransientUnit",
    )
    listed = [str(len(pids)), *(str(pid) for pid in pids)]
    wanted = [("PIDs", "au", *listed), *properties, _COLLECTED]
    for every in ([*wanted, _OOM_POLICY], wanted):
        words = [str(len(every)), *(word for one in every for word in one)]
        command = [
            program,
            "--quiet",
            "call",
            *manager,
            "ssa(sv)a(sa(sv))",
            unit,
            "fail",
            *words,
            "0",
        ]
        done = run(command, _SECONDS)
        if done.status == 0:
            break
    return done


class Manager:
    """The systemd that is the host's first process, by its own programs. C(run) and C(path_of) are those of C(_host/programs)."""

    def __init__(
        self,
        run: Callable[..., programs.Done] = programs.run,
        path_of: Callable[[str], str | None] = programs.path_of,
        runs: str = RUNS,
    ) -> None:
        self._run = run
        self._path_of = path_of
        self._runs = runs

    @property
    def there(self) -> bool:
        """Whether systemd is the first process, and its programs are installed."""
        return os.path.isdir(self._runs) and self._path_of("systemctl") is not None

    def answers(self) -> bool:
        """Whether it also answers: one that hangs, or that refuses this user, keeps nothing."""
        return self.there and self._systemctl(("show", "--property=Version", "--value")).status == 0

    def call(self, *words: str, seconds: float = _SECONDS) -> None:
        """Have systemctl do something. Raises GuestError with its own sentence."""
        done = self._systemctl(words, seconds)
        if done.status != 0:
            said = programs.last_words(done.errors or done.output)
            raise GuestError(
                f"systemctl {' '.join(words)} failed ({said or f'exit status {done.status}'})."
            )

    def show(self, units: Sequence[str], properties: Iterable[str]) -> dict[str, dict[str, str]]:
        """Properties of units, whether there are such or not. Raises GuestError where systemd does not answer."""
        if not units:
            return {}
        words = ("show", f"--property={','.join(properties)}", "--", *units)
        done = self._systemctl(words)
        blocks = done.output.strip("\n").split("\n\n")
        if done.status != 0 or len(blocks) != len(units):
            raise GuestError(
                f"systemd does not tell of {units[0]} ({programs.last_words(done.errors) or 'no answer'}); look at 'systemctl status'."
            )
        return {
            unit: dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            for unit, block in zip(units, blocks)
        }

    def journal(self, invocation: str, lines: int = 20) -> str:
        """The last that was said in one run of a unit, in one line; empty where there is no journal."""
        program = self._path_of("journalctl")
        if program is None or not invocation:
            return ""
        for words in (
            ["--sync"],
            ["--no-pager", "-q", "-o", "cat", "-n", str(lines), f"_SYSTEMD_INVOCATION_ID={invocation}"],
        ):  # fmt: skip
            try:
                done = self._run([program, *words], _SECONDS)
            except OSError:
                return ""
        return " ".join(done.output.split())[-_LONGEST_LINE:]

    def _systemctl(self, words: Sequence[str], seconds: float = _SECONDS) -> programs.Done:
        program = self._path_of("systemctl")
        if program is None:
            return programs.Done(127, "", "systemctl is not installed")
        try:
            return self._run([program, "--no-pager", "--no-ask-password", *words], seconds)
        except OSError as error:
            return programs.Done(124, "", error.strerror or str(error))
