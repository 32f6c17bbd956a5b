# SPDX-License-Identifier: GPL-3.0-or-later
"""What ifupdown believes to be up: /run/network/ifstate, and a file beside it for each interface.

A bridge that was made without ifup is unknown to it: C(ifdown br0) would do nothing, C(ifup br0) would make it a second time. Source:
ifupdown 0.8's main.c: lines C(br0=br0) in ifstate, C(br0) in ifstate.br0, both changed under fcntl locks. ifupdown2 keeps another
record and asks the kernel besides, so it is told nothing.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import BinaryIO, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._host import atomic, ifupdown2

DIRECTORY = "/run/network"
_MODE = 0o644  # as ifupdown makes them


class IfState:
    """See C(_core/reconcile.Noun). A snapshot is {interface: stanza}; a wish is {interface: whether it is up}, for those that matter."""

    def __init__(self, directory: str = DIRECTORY, root: str = "/") -> None:
        self._directory, self._root = directory, root
        self._path = os.path.join(directory, "ifstate")

    def read(self) -> dict[str, str]:
        try:
            return dict(_entry(line) for line in self._lines() if b"=" in line)
        except OSError as error:
            raise Refused(
                f"Cannot read ifupdown's state {self._path}: {error.strerror}; make it a file that root can read."
            ) from None

    def _lines(self) -> list[bytes]:
        try:
            with open(self._path, "rb") as stream:
                return stream.read().splitlines()
        except FileNotFoundError:
            return []

    def plan(self, now: Mapping[str, str], wish: Mapping[str, bool]) -> Plan:
        if ifupdown2.is_here(self._root):
            return []
        changes = []
        for name, up in wish.items():
            if up != (name in now):
                changes.append(Change("update", "ifstate", name, {"up": name in now}, {"up": up}))
        return changes

    def apply(self, changes: Plan, now: Mapping[str, str]) -> None:
        try:
            with _locked(os.path.join(self._directory, ".ifstate.lock")):
                # lines that are no text, or none of ours, stay as they are
                lines = self._lines()
                for change in changes:
                    up = (change.after or {})["up"]
                    lines = [line for line in lines if _entry(line)[0] != change.name]
                    if up:
                        lines.append(f"{change.name}={change.name}".encode())
                    with _locked(f"{self._path}.{change.name}") as stream:
                        stream.truncate(0)
                        stream.write(f"{change.name if up else ''}\n".encode())
                atomic.write(self._path, b"".join(line + b"\n" for line in lines), mode=_MODE)
        except OSError as error:
            raise Refused(
                f"Cannot write ifupdown's state in {self._directory}: {error.strerror}; install ifupdown where it is missing, and run the task with become."
            ) from None

    def wish_back(self, before: Mapping[str, str], changes: Plan) -> dict[str, bool]:
        return {change.name: change.name in before for change in changes}


def _entry(line: bytes) -> tuple[str, str]:
    """An interface and the stanza that it is up by; whatever is no text in them is replaced by a mark."""
    name, _equals, stanza = line.decode("utf-8", "replace").strip().partition("=")
    return name, stanza


@contextmanager
def _locked(path: str) -> Iterator[BinaryIO]:
    """A file of ifupdown's, locked as it does; a new one is readable for all, whatever the umask is."""
    with open(path, "ab+", opener=_opened) as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)
        yield stream


def _opened(path: str, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_EXCL, _MODE)
    except FileExistsError:
        return os.open(path, flags & ~os.O_CREAT)
    os.fchmod(descriptor, _MODE)
    return descriptor
