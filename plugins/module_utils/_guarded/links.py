# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links whose risky changes undo themselves if nobody confirms them; the others cost nothing more than before.

What a guard needs is imported when there is something to guard: most runs find nothing to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    MAY_CUT_SSH,
    Outcome,
    Plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

if TYPE_CHECKING:
    from ansible_collections.hypervisor.network.plugins.module_utils._guarded.link_keeper import (
        LinkKeeper,
    )

# Options of the whole run, not of an item: there is one guard for all that a run changes.
SPEC: dict[str, dict[str, Any]] = {
    "guard_mode": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "guard_timeout": {"type": "float", "default": 60},
}
_LEAST_SECONDS, _MOST_SECONDS = 10, 900


class GuardedLinks(LinkNoun):
    """See C(_core/reconcile.Noun). C(params) hold SPEC's options and netns, C(wishes) tell one try from another."""

    def __init__(
        self, netlink: Netlink, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
    ) -> None:
        super().__init__(netlink)
        self.keeper: LinkKeeper | None = None
        self.guard = (
            None
            if params["guard_mode"] == "never" or not params["guard_timeout"]
            else OnRisk(self, params, wishes)
        )

    @property
    def netlink(self) -> Netlink:
        return self._netlink

    def use(self, netlink: Netlink) -> None:
        """Go on with another socket; the old one is kept, because collecting it would close a number that may be the new one's."""
        self._inherited = self._netlink
        self._netlink = netlink
        netlink.ready()

    def read(self) -> Snapshot:
        return (
            super().read()
            if self.keeper is None
            else self.keeper.read(super().read(), self._netlink)
        )

    def plan(self, now: Snapshot, wish: Mapping[str, Any]) -> Plan:
        if self.keeper is None or "hosts" not in wish:
            return super().plan(now, wish)
        # the addresses come with the rest of what a bridge carries
        return [*super().plan(now, {**wish, "address": ()}), *self.keeper.plan(now, wish["hosts"])]

    def wish_back(self, before: Snapshot, changes: Plan) -> dict[str, Any]:
        back = super().wish_back(before, changes)
        return back if self.keeper is None else {**back, "hosts": self.keeper.before}

    def apply(self, changes: Plan, now: Snapshot) -> None:
        for change in changes:
            if self.keeper is None or not self.keeper.apply(change, now, self._netlink):
                super().apply((change,), now)

    def verify(self, before: Snapshot, after: Snapshot) -> None:
        """Each gateway that answered before a guarded change must answer now. Raises ReadBackError."""
        if self.keeper is not None:
            self.keeper.verify(after, self._netlink)


class OnRisk:
    """A guard that comes into being where the plan wants one; see C(_core/reconcile.Guard)."""

    def __init__(
        self, noun: GuardedLinks, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
    ) -> None:
        self._noun = noun
        self._params = params
        self._wishes = wishes
        self._guard: Any = None

    def arm(self, before: Snapshot, changes: Plan) -> None:
        if self._params["guard_mode"] != "always" and all(
            change.risk != MAY_CUT_SSH for change in changes
        ):
            return
        from ansible_collections.hypervisor.network.plugins.module_utils._guarded import link_keeper

        self._noun.keeper, self._guard = link_keeper.guarded(self._noun, self._params, self._wishes)
        self._guard.arm(before, changes)

    def applied(self) -> None:
        if self._guard is not None:
            self._guard.applied()

    def stand_down(self) -> None:
        if self._guard is not None:
            self._guard.stand_down()

    def facts(self) -> dict[str, Any]:
        """What a task returns of the transaction that waits for its confirmation, empty where there is none."""
        return {} if self._guard is None else self._guard.facts()


def check_timeout(seconds: float) -> None:
    """0, or within the guard's range. Raises BadInput."""
    if seconds and not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise BadInput(
            f"guard_timeout {seconds:g} is outside {_LEAST_SECONDS} to {_MOST_SECONDS} seconds; give one within, or 0 for no guard."
        )


def pending(outcome: Outcome, noun: Any) -> dict[str, Any]:
    """What a task returns beside its device: the transaction that waits for its confirmation."""
    facts = {} if noun.guard is None else noun.guard.facts()
    return {"transaction": facts} if facts else {}
