# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts guests that are units: those that are prepared when the first of them is asked for are started with one call, and looked at with one."""

from __future__ import annotations

import contextlib
from typing import Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir, unit_file
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import State, Units

_SECONDS = 120.0  # it waits for its taps' devices so long, 90 s by default, before it is started all the same


class UnitStarts:
    """The guests of one run that begin as units."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._prepared: list[str] = []
        self._begun: dict[str, tuple[State, str | None]] = {}

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """See C(Units.together); what is prepared in the block and not started is not started after it either."""
        try:
            with self._units.together():
                yield
        finally:
            self._prepared.clear()
            self._begun.clear()

    def prepare(self, name: str, directory: rundir.RunDirectory, paused: bool) -> None:
        """Have it started by C(started), with all others that are prepared by then."""
        self._units.ready(name, directory, paused)
        self._prepared.append(name)

    def awaits(self, name: str) -> bool:
        """Whether it is prepared, or started with others, and nobody has asked what became of it."""
        return name in self._prepared or name in self._begun

    def started(self, name: str) -> State:
        """What became of the start of one that was prepared. Raises GuestError where systemd will not."""
        if name in self._prepared:
            names, self._prepared = self._prepared, []
            self._begun.update(self._start(names))
        state, why = self._begun.pop(name)
        if why == "":  # what was said of all may be of another: alone it is of this one
            state, why = self._start([name])[name]
        if why is not None:
            raise GuestError(
                f"{name} is not started: {why.rstrip('.')}; see 'journalctl -u {unit_file.unit(name)}'."
            )
        return state

    def _start(self, names: Sequence[str]) -> dict[str, tuple[State, str | None]]:
        """Have systemd start them, in their order, and return what became of each, with why it is not started; empty where that is not known."""
        units = self._units
        units.reload()
        before = dict(units.invocations)
        unknown = [name for name in names if name not in before]
        before.update({name: state.invocation for name, state in units.read(unknown).items()})
        said = ""
        try:
            # each has its own time: they wait for each other where they have an order
            seconds = _SECONDS * len(names)
            units.manager.call("start", *map(unit_file.unit, names), seconds=seconds)
        except GuestError as error:
            said = str(error)
        found: dict[str, tuple[State, str | None]] = {}
        for name, state in units.read(names).items():
            # a unit that is masked, or whose conditions do not hold, was not begun: what it said last is of another start
            begun = state.invocation not in ("", before[name])
            if not said or (begun and state.active == "active"):
                found[name] = state, None
            else:
                own = units.said(state) if begun else ""
                found[name] = state, own or (said if len(names) == 1 else "")
        return found
