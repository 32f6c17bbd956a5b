# SPDX-License-Identifier: GPL-3.0-or-later
"""The uplink under the guard: what the guard records, restores and proves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import restore
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    checks,
    confirm,
    deadman,
    gateways,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded import by_hand
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.foreseen import Surrounded
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import ifup
from ansible_collections.hypervisor.network.plugins.module_utils._managers import stages
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    OWN,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    bpdu,
    layout,
    surroundings,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.apply import UplinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet, Layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    Spec,
)


def _carrier_changes(dev: str) -> int:
    """How often a device's carrier came and went; 0 where that is not told, as in a namespace whose /sys is not mounted."""
    try:
        with open(f"/sys/class/net/{dev}/carrier_changes", encoding="ascii") as stream:
            return int(stream.read())
    except OSError:
        return 0


class GuardedUplink(Surrounded, UplinkNoun):
    """An uplink whose gateways are asked before and after, and which, given C(seconds), undoes itself if nobody confirms it."""

    def __init__(
        self, netlink: Netlink, spec: Spec, seconds: float, netns: str | None, force: bool
    ) -> None:
        super().__init__(netlink, spec, seconds)
        self.guard: deadman.Guard | None = None
        self._source, self._goal = (
            (spec.nic, spec.bridge) if spec.present else (spec.bridge, spec.nic)
        )
        self._worked: list[gateways.Gateway] | None = None
        self._carrier_changes = 0
        self._stage_before = OWN
        if seconds:
            self._force = force
            self._wish = transactions.wish_hash([spec.nic, spec.bridge, spec.present, netns])
            self.guard = deadman.Guard(
                seconds,
                netns,
                self._wish,
                self._open_again,
                self._restore,
                self._record,
                self._by_the_system,
            )
            netlink.turn = self.guard.writing

    def _framed(self, changes: Plan, now: Inet, wish: Spec | Layout) -> list[Change]:
        if not isinstance(wish, Layout):
            return super()._framed(changes, now, wish)
        if now.managed is None:
            return list(changes)
        return stages.framed(changes, now.managed, self._spec.bridge, self._stage_before)

    def wish_back(self, before: Inet, changes: Plan) -> Layout:
        # a hold that a killed run left is none to go back to
        there = self._spec.bridge in before.links  # else one that was deleted since
        if there and before.managed is not None and before.managed.stage == HANDED:
            self._stage_before = HANDED
        return super().wish_back(before, changes)

    def _carry_out(self, change: Change, now: Inet) -> None:
        if change.kind != stages.KIND:
            super()._carry_out(change, now)
            return
        self._manager.carry_out(change, self._netlink)

    def prepare(self, before: Inet) -> None:
        self._netlink.ready()
        super().prepare(before)

    def verify(self, before: Inet, after: Inet) -> None:
        """Each gateway that answered before must answer now. Raises ReadBackError."""
        moved = [replace(one, dev=self._goal) for one in self._worked or ()]
        checks.must_answer(self._silent(after, moved), self._source)

    def apply(self, changes: Plan, now: Inet) -> None:
        if self._worked is None:
            self._look_around(now)
        super().apply(changes, now)

    def _look_around(self, now: Inet) -> None:
        """What is compared with later: the gateways that answer, and how often the NIC has lost or got its carrier."""
        self._worked = gateways.answering(
            self._netlink, now.links, gateways.gateways(now.routes, (self._source,))
        )
        self._carrier_changes = _carrier_changes(self._spec.nic)

    def _silent(self, now: Snapshot, asked: list[gateways.Gateway]) -> list[gateways.Gateway]:
        silent = gateways.silent(self._netlink, now.links, asked)
        if silent and _carrier_changes(self._spec.nic) != self._carrier_changes:
            # the driver renegotiated the link, and the switch may run STP
            longest = surroundings.time_for(bpdu.STANDARD_DELAY)
            silent = gateways.silent(
                self._netlink,
                now.links,
                silent,
                min(longest, self._seconds - surroundings.TO_CONFIRM) if self._seconds else longest,
            )
        return silent

    def _record(self, before: Inet, changes: Plan) -> tuple[Mapping[str, Any], Any]:
        if not self._force:
            checks.check_tries(self._wish, "force: true")
        self._look_around(before)
        if self._target is None:
            raise ValueError("a change is planned before it is guarded")
        own = (self._source, self._goal)
        target = Inet(before.links, self._target.addresses, routes=self._target.routes)
        what = f"{self._spec.nic} {'as' if self._spec.present else 'no longer'} uplink of {self._spec.bridge}"
        moved = [replace(one, dev=self._goal) for one in self._worked or ()]
        people = {
            **confirm.words(before, before.routes, own),
            "clients": [" ".join(one.argv) for one in before.clients],
            "sysctls": dict(before.sysctls),
            transactions.BY_HAND: by_hand.of_an_uplink(
                before,
                uplink_plan.plan(
                    layout.reached(before, self._target), self.wish_back(before, changes)
                ),
            ),
        }
        joins = {self._spec.nic: self._spec.bridge} if self._spec.present else {}
        return checks.facts(
            what, moved, confirm.words(target, target.routes, own), own, self._source, joins
        ), people

    def _open_again(self) -> None:
        # The old socket is kept: were it collected, it would close a number that the new one may have got.
        self._inherited = self._netlink
        self._use(Netlink())
        self._netlink.ready()

    def _restore(self, before: Inet, changes: Plan) -> list[str]:
        """The way back, from whatever stands now; runs in the guard."""
        done = restore(self, before, changes)
        asked = [replace(one, dev=self.called(one.dev)) for one in self._worked or ()]
        checks.must_answer_again(self._silent(self._netlink.snapshot(), asked))
        return [*(str(change) for change in done), *self.remarks()]

    def _by_the_system(self, before: Inet) -> list[str]:
        if self.astray:
            return []  # what has the name of the NIC now may be another device
        return ifup.again(self._source, () if before.addresses_of(self._goal) else (self._goal,))
