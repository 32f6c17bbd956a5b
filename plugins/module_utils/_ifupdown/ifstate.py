# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ifupdown believes to be up: /run/network/ifstate, and a file beside it for each interface.

A bridge that was made without ifup is unknown to it: C(ifdown br0) would do nothing, C(ifup br0) would make it a second time. Source:
ifupdown 0.8's main.c: lines C(br0=br0) in ifstate, C(br0) in ifstate.br0, both changed under fcntl locks.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan

DIRECTORY = "/run/network"


class IfState:
    """See C(_core/reconcile.Noun). A snapshot is {interface: stanza}; a wish is {interface: whether it is up}, for those that matter."""

    def __init__(self, directory: str = DIRECTORY) -> None:
        self._directory = directory
        self._path = os.path.join(directory, "ifstate")

    def read(self) -> dict[str, str]:
        try:
            with open(self._path, encoding="utf-8", errors="surrogateescape") as stream:
                return dict(line.strip().partition("=")[::2] for line in stream if "=" in line)
        except FileNotFoundError:
            return {}

    def plan(self, now: Mapping[str, str], wish: Mapping[str, bool]) -> Plan:
        changes = []
        for name, up in wish.items():
            if up != (name in now):
                changes.append(Change("update", "ifstate", name, {"up": name in now}, {"up": up}))
        return changes

    def apply(self, changes: Plan, now: Mapping[str, str]) -> None:
        try:
            with _locked(os.path.join(self._directory, ".ifstate.lock")):
                state = self.read()
                for change in changes:
                    up = (change.after or {})["up"]
                    state.pop(change.name, None)
                    if up:
                        state[change.name] = change.name
                    with _locked(f"{self._path}.{change.name}") as stream:
                        stream.truncate(0)
                        stream.write(f"{change.name if up else ''}\n")
                temporary = os.path.join(self._directory, ".ifstate.tmp")
                with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as stream:
                    stream.writelines(f"{name}={stanza}\n" for name, stanza in state.items())
                os.rename(temporary, self._path)
        except OSError as error:
            raise Refused(
                f"Cannot write ifupdown's state in {self._directory}: {error.strerror}; is ifupdown installed, and become on?"
            ) from None

    def wish_back(self, before: Mapping[str, str], changes: Plan) -> dict[str, bool]:
        return {change.name: change.name in before for change in changes}


@contextmanager
def _locked(path: str) -> Iterator:
    with open(path, "a+", encoding="utf-8") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)
        yield stream
