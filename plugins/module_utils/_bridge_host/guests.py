# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests of one look at a host: as they are, and what the role would do about them. Nothing is started.

Imported where there are guests, or some are asked for: on a host without any, what starts and stops them need not be compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.steps import Step
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import images
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import plan as guest_plan
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec as guest_spec
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.apply import GuestNoun
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervisor import Supervisor


class Onlooker(Supervisor):
    """Looks at guests, at each once; without C(ask) it starts no probe guest to see what KVM is worth."""

    def __init__(self, ask: bool) -> None:
        super().__init__()
        self.ask = ask
        self._seen: dict[str, Guest] = {}

    def read(self, name: str) -> Guest:
        if name not in self._seen:
            self._seen[name] = super().read(name)
        return self._seen[name]

    def _accel(self, spec: Mapping[str, Any], user: Any) -> tuple[str, str]:
        return super()._accel(spec, user) if self.ask else ("tcg", "not asked")


@dataclass(frozen=True)
class _Wire:
    """The links as they will be when the guests start, see _qemu/apply.Wire."""

    now: Snapshot

    def snapshot(self) -> Snapshot:
        return self.now

    def wait_for_mac(self, mac: str, timeout: float) -> Any:
        """Nothing is started, so nothing is waited for."""


class Guests:
    """C(ask): whether KVM may be asked. C(pending) gets by guest what only a restart changes, see guest_plan.pending."""

    def __init__(self, ask: bool, netns: str | None, pending: dict[str, dict[str, Any]]) -> None:
        self._onlooker, self._netns, self._pending = Onlooker(ask), netns, pending

    def read(self, names: Iterable[str]) -> list[Guest]:
        return [self._onlooker.read(name) for name in names]

    def step(
        self, items: Sequence[Mapping[str, Any]], state: str, now: Snapshot
    ) -> tuple[Step, set[str]]:
        """What of these guests is to be changed while the links are so; and the taps that it lets go. C(items) have all options."""
        wishes = guest_spec.checked_all(items, self._netns)
        noun = GuestNoun(self._onlooker, lambda: _Wire(now), wishes, images.exists)
        guests = noun.read()
        changes = noun.plan(guests, wishes)
        if changes:
            noun.prepare(guests)
        grown = {one.before["guest"] for one in changes if one.action == "grow"}
        for wish in wishes:
            found = guest_plan.pending(guests, wish)
            if wish.name in grown:
                found.pop(guest_plan.SIZES, None)
            if found:
                self._pending[wish.name] = found
        stopped = [one.name for one in changes if one.kind == "guest" and one.action == "stop"]
        idle = {nic["tap"] for name in stopped for nic in guests.guests[name].spec.get("nics", ())}
        return Step("guests", state, tuple(changes)), idle
