# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a LAN that no new connection reaches from the moment each has a guard, so that its change rolls back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..net.netns import run

_STATES = {"armed", "applied", "confirmed", "rolling-back", "rolled-back", "rollback-failed"}
# New connections to these hosts are dropped, those that stand go on.
_TABLE = """
table inet cut {
    set lost { type ipv4_addr; }
    chain out {
        type filter hook output priority 0;
        ip daddr @lost tcp dport 2222 tcp flags & (syn | ack) == syn counter drop
    }
}
"""


class Cut:
    """What a fleet is that can be cut off: its router C(switch), C(addresses) by role, and where the guard's C(records) of a host are."""

    switch: str
    addresses: dict[str, str]

    def records(self, role: str) -> Path:
        raise NotImplementedError

    def needs_a_filter(self) -> None:
        """Skip a test where nothing can be cut off."""
        try:
            run("nft", "list", "tables", netns=self.switch)
        except (RuntimeError, FileNotFoundError) as error:
            pytest.skip(f"this machine's kernel filters nothing: {error}")

    def states(self, role: str) -> list[str]:
        """The states of a host's transactions, the oldest first."""
        root = self.records(role)
        found = sorted(root.iterdir(), key=lambda one: one.stat().st_ctime) if root.exists() else []
        return [state for one in found for state in _STATES & set(os.listdir(one))]

    def transactions(self, role: str) -> set[str]:
        root = self.records(role)
        return {one.name for one in root.iterdir()} if root.exists() else set()

    @contextmanager
    def cut_off(self, *roles: str) -> Iterator[None]:
        """Let no new connection reach these hosts from the moment each has a guard until that guard has ended."""
        run("nft", "-f", "-", netns=self.switch, stdin=_TABLE)
        stop = threading.Event()
        before = {role: len(self.states(role)) for role in roles}
        watchers = [
            threading.Thread(target=self._cut, args=(role, before[role], stop)) for role in roles
        ]
        for one in watchers:
            one.start()
        try:
            yield
        finally:
            stop.set()
            for one in watchers:
                one.join()
            run("nft", "delete", "table", "inet", "cut", netns=self.switch)

    def _cut(self, role: str, before: int, stop: threading.Event) -> None:
        while not stop.wait(0.02):
            if len(self.states(role)) > before:
                self._lost("add", role)
                break
        while not stop.wait(0.02):
            if self.states(role)[-1] in ("rolled-back", "rollback-failed", "confirmed"):
                break
        if self.states(role)[before:]:
            self._lost("delete", role)

    def _lost(self, verb: str, role: str) -> None:
        """Begin or end to lose what is sent to a host."""
        element = f"{{ {self.addresses[role]} }}"
        run("nft", verb, "element", "inet", "cut", "lost", element, netns=self.switch)
