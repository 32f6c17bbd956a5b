# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of a run: libraries, the one loop, and what its guard says."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import entries
from ansible_collections.hypervisor.network.plugins.module_utils._core import deps, errors
from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import (
    Elsewhere,
    Unguarded,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import (
    reconcile,
    restore,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import ask, listen, way
from ansible_collections.hypervisor.network.plugins.plugin_utils import _guarded_action
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import svg
from ansible_collections.hypervisor.network.tests.harness.model import patient, triplets

from .stage import Stage, scene

PYTHON = "/usr/bin/python3"


@scene
def library(stage: Stage, name: str, version: str | None = None, whole: bool = True) -> None:
    """A Python library of that version is imported; none is not there, and one that is not whole lacks what is wanted of it."""
    there = {} if version is None else {name: SimpleNamespace(__version__=version)}
    stage.patch.setattr(deps, "sys", SimpleNamespace(modules=there, executable=PYTHON))
    with deps.needed(name):
        if not whole or version is None:
            raise ImportError("cannot import name 'nlsocket'")


@scene
def library_asked_for(stage: Stage, name: str) -> None:
    """A library that is not there is looked for before anything is done."""
    stage.patch.setattr(deps, "sys", SimpleNamespace(modules={}, executable=PYTHON))
    stage.patch.setattr(deps.importlib.util, "find_spec", lambda _name: None)
    deps.check_present(name)


@scene
def fault(_stage: Stage, during: str, text: str) -> None:
    """A step fails for a reason that nobody foresaw."""
    with errors.during(during):
        raise IndexError(text)


@scene
def forbidden(_stage: Stage, during: str, path: str) -> None:
    """A step opens what only root may."""
    with errors.during(during):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


@scene
def unguarded(
    _stage: Stage, module: str, typed: Mapping[str, Any], holds: Mapping[str, Any]
) -> None:
    """A module that ships no guard is asked for a change that wants one."""
    wish = triplets.wish_of({"module": module, "parameters": dict(typed)})
    changes = triplets.noun().plan(triplets.snapshot_of(dict(holds)), wish)
    Unguarded({"guard_mode": "auto", "guard_timeout": 60}).arm(None, changes)


@scene
def left_to_the_guarded_form(_stage: Stage) -> None:
    """A module that only foresees is run by itself, and something is to be changed."""
    Elsewhere().arm(None, [Change("attach", "port", "eth0", {"bridge": None}, {"bridge": "br0"})])


class Noun:
    """A bridge's MTU that does as it is told (the last value stays), or not."""

    def __init__(self, mtu: int, deaf: bool = False, fails: Iterable[str] = ()) -> None:
        self._mtu = mtu
        self._deaf = deaf
        self._fails = list(fails)

    def read(self) -> int:
        return self._mtu

    def plan(self, now: int, wish: int) -> list[Change]:
        same = now == wish
        return [] if same else [Change("update", "bridge", "br0", {"mtu": now}, {"mtu": wish})]

    def apply(self, changes: Plan, now: int) -> None:
        # the first write is done and then fails; the way back is refused before that
        if not self._deaf and not (self._fails and self._fails[0].endswith("back")):
            self._mtu = (changes[0].after or {})["mtu"]
        if self._fails:
            raise errors.KernelError(self._fails.pop(0), 16)

    def wish_back(self, before: int, _changes: Plan) -> int:
        return before


@scene
def run(_stage: Stage, has: int, wanted: int, **more: Any) -> None:
    """The loop with a host that takes every write and does nothing (C(deaf)), or whose kernel refuses those that C(fails) names, one after the other."""
    reconcile(Noun(has, **more), wanted)


@scene
def way_back(_stage: Stage, has: int, had: int) -> None:
    """A way back on a host that takes every write and does nothing."""
    restore(Noun(has, deaf=True), had, ())


@scene
def doctor(_stage: Stage, asked: Mapping[str, str], host: Mapping[str, Any] | None = None) -> None:
    """bridge_doctor is asked for somebody's way on the healthy host of the doctor's tests."""
    way.ways(patient.host(**(host or {})), **asked)


@scene
def entry_of_an_audit(_stage: Stage, typed: Mapping[str, Any]) -> None:
    """host_plan is given a forwarding entry that is none."""
    entries.checked([typed])


@scene
def doctor_by_itself(_stage: Stage, probe: bool = False, seconds: float = 0.0) -> None:
    """bridge_doctor runs without its action, and is asked for more than a look, or for a time that is none."""
    ask.check_alone({"probe": probe, "listen": seconds})


@scene
def doctor_may_not_listen(_stage: Stage, number: int) -> None:
    """The kernel lets nobody listen."""

    def refuse(*_words: Any) -> Any:
        raise OSError(number, "")

    listen.listen(1.0, (), refuse)


@scene
def a_guest_without_a_card(_stage: Stage) -> None:
    guest = patient.Guest("vm3", "running", {"nics": []}, pid=73)
    way.ways(patient.host(guests=(guest,)), guest="vm3")


@scene
def action_fault(_stage: Stage, applied: Mapping[str, Any]) -> list[str]:
    """The action plugin of a guarded module meets what nobody foresaw; C(applied) is what the module had returned by then."""
    return [_guarded_action._told(KeyError("seconds_left"), applied)["msg"]]


@scene
def picture(_stage: Stage, program: list[str], seconds: float = 10) -> str:
    """A topology is drawn by another program than Graphviz."""
    return svg.svg("graph {}", program, seconds)
