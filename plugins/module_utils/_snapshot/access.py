# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a guest whose disks are worked on: its monitor, its agent, its images, and what it is held in meanwhile."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import Any, Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import agent, monitor
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.held import (
    FROZEN,
    PAUSED,
    Held,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.read import Images


class Access:
    """Of one guest."""

    def __init__(self, guest: str, status: Status | None = None) -> None:
        self._guest = guest
        self.status = status or Status()
        self.directory = self.status.directory(guest)
        self._held = Held(self.directory)

    @contextmanager
    def monitor(self) -> Iterator[monitor.Monitor | None]:
        """The guest's monitor, None where it does not run."""
        if self.status.read(self._guest).down:
            yield None
            return
        with monitor.opened(self.directory.sockets) as asked:
            yield asked

    def images(self) -> Images:
        """The images of the guest as it is defined now."""
        return Images(self._guest, self.status.read(self._guest).spec)

    def check_agent(self) -> None:
        """Raise where nobody answers who could hold the guest's file systems still."""
        agent.Agent(self._agent).__exit__()

    def freeze(self) -> AbstractContextManager[Any]:
        """The guest's file systems are held still within."""
        return agent.frozen(
            self._agent, lambda: self._held.add(FROZEN), lambda: self._held.remove(FROZEN)
        )

    def pause(self, held: bool) -> None:
        """Have it on record that the guest's processors are held still, or are no more."""
        if held:
            self._held.add(PAUSED)
        else:
            self._held.remove(PAUSED)

    def thaw(self) -> list[str]:
        """Let the file systems go that a killed run held; what is to be said of that, a sentence each."""
        if FROZEN not in self._held.words:
            return []
        note = agent.thaw(self._agent)
        self._held.remove(FROZEN)
        return [] if note is None else [f"{self._guest} may still hold its file systems: {note}"]

    def resume(self) -> None:
        """Let the processors go on that a killed run held."""
        if PAUSED in self._held.words:
            with self.monitor() as asked:
                if asked is not None and asked.status == "paused":
                    asked.ask("cont")
            self._held.remove(PAUSED)

    @property
    def _agent(self) -> str:
        return agent.socket_of(self.directory.public)
