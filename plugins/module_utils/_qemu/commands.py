# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest that runs is told over its monitor."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    hotplug,
    needs,
    plug,
    rundir,
    slots,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import connect_any
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status


class Commands(Status):
    """Speaks to the guests below one run directory."""

    def resume(self, name: str) -> None:
        self.tell(name, [("cont", {})])

    def pause(self, name: str) -> None:
        self.tell(name, [("stop", {})])

    def tell(self, name: str, steps: Iterable[hotplug.Step]) -> None:
        with connect_any(self.directory(name).sockets, self._deadline) as qmp:
            for command, arguments in steps:
                qmp.execute(command, **arguments)

    def adjust(
        self, name: str, spec: Mapping[str, Any], steps: Sequence[hotplug.Step], seconds: float
    ) -> None:
        """Have a guest of this definition take over something for which it has to do its part, within C(seconds) for each step. Raises GuestError."""
        user = needs.user_of(name, spec)
        look = needs.look(name, spec, user, "is not given a disk")
        with connect_any(self.directory(name).sockets, self._deadline) as qmp:
            plugger = plug.Plugger(name, qmp, look.disk, seconds)
            plugger.run(steps)
            found = plugger.slots() if hotplug.moves(steps) else None
        if found is not None:
            self._store_slots(name, spec, found)

    def _store_slots(
        self, name: str, spec: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Have it on record where devices are, for the next start of a guest of this definition."""
        there = self.read(name).seen
        record = self.directory(name).definition() or {}
        if there is not None:
            names = there.identities(spec)
            of = {slots.key(device, names): slot for device, slot in found.items()}
            known = {"machine": record.get("machine"), "of": of}
            self.directory(name).define({**record, "slots": known})

    def _ask_guest(self, directory: rundir.RunDirectory) -> None:
        with connect_any(directory.sockets, self._deadline) as qmp:
            if qmp.execute("query-status")["status"] in ("paused", "prelaunch"):
                qmp.execute("cont")  # what does not run cannot shut down
            qmp.execute("system_powerdown")
