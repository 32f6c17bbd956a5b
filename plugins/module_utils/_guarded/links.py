# SPDX-License-Identifier: GPL-3.0-or-later
"""A noun whose risky changes undo themselves if nobody confirms them, with all that the host's bridges carry.

A bridge with addresses is a host's NIC: when it is set down, deleted or cut off, its addresses, routes and DHCP lease go with it. So each
such bridge, and each VLAN device on one, is recorded as _uplink does it for a NIC, here with one device in both parts. The noun itself
(links, forwarding entries ...) knows nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import wanted
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Outcome,
    Plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import restore
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    checks,
    confirm,
    gateways,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.deadman import Guard
from ansible_collections.hypervisor.network.plugins.module_utils._guarded import by_hand
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import ifup
from ansible_collections.hypervisor.network.plugins.module_utils._link import own_addresses, reach
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.apply import (
    UplinkNoun,
    remark_on,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec

_ANSWER_SECONDS = 3.0
_CARRIER_SECONDS = 2.0


@dataclass(frozen=True)
class Whole:
    """What the noun says, a snapshot or a wish, and what the recorded devices carry beside it."""

    own: Any
    carried: Mapping[str, Inet] = field(default_factory=dict)


class Carriers:
    """The record of what a guarded change may cost the host. C(before) maps each device that carries something to what that is."""

    def __init__(self) -> None:
        self.before: Mapping[str, Inet] = {}
        self.others: list[str] = []  # the names that are other devices' by now
        self._deleted: set[str] = set()  # by the change itself
        self._host = Snapshot({})
        self._worked: list[gateways.Gateway] = []

    def record(self, changes: Plan, netlink: Netlink) -> tuple[Mapping[str, Any], Any]:
        """Remember everything, and ask the gateways; what a confirmation compares with, and what people may read, both as JSON has it."""
        self._host = before = netlink.snapshot(addresses=True)
        devs = reach.carriers(before, changes)
        self.before = {dev: _uplink(netlink, dev).read() for dev in devs}
        routes = rtnl_route.decode_routes(
            netlink.dump(rtnl_route.RTM_GETROUTE), names_of(before.links)
        )
        self._worked = gateways.answering(
            netlink, before.links, gateways.gateways(routes, before.links)
        )
        self._deleted = {change.name for change in changes if change.action == "delete"}
        lost = {
            change.name
            for change in changes
            if change.after is None or change.after.get("up") is False or own_addresses.go(change)
        }
        kept = [dev for dev in devs if not lost & {dev, before.links[dev].lower}]
        lasting = [one for one in routes if not layout.by_itself(one)]
        joins = {
            change.name: change.after["bridge"]
            for change in changes
            if change.after is not None and change.action == "attach"
        }
        words = confirm.words(before, lasting, kept)
        facts = checks.facts(checks.in_words(changes), self._worked, words, kept, None, joins)
        return facts, {
            "changes": [change.as_dict() for change in changes],
            **confirm.words(before, routes, devs),
            transactions.BY_HAND: by_hand.commands(before, changes, self.before),
        }

    def read(self, netlink: Netlink, made: Mapping[str, int]) -> dict[str, Inet]:
        """What the recorded devices carry now; one that is missing has to be made first. C(made) are the indexes of what we have made ourselves."""
        there = netlink.snapshot().links
        self.others = [
            dev
            for dev in self.before
            if dev in there and self._is_another(there[dev], made.get(dev))
        ]
        return {
            dev: _uplink(netlink, dev).read()
            for dev in self.before
            if dev in there and dev not in self.others
        }

    def _is_another(self, now: Link, made: int | None) -> bool:
        """Whether what has a recorded device's name is neither that nor one that came in place of what the change has deleted."""
        was = self._host.links[now.name]
        return now.index not in (was.index, made) and not self._deleted & {was.name, was.lower}

    def verify(self, netlink: Netlink) -> None:
        """Each gateway that answered before must answer now. Raises ReadBackError."""
        links = netlink.snapshot().links
        # a port that begins to take part in STP is silent for twice the forward delay
        delays = [
            2 * link.options["forward_delay"]
            for link in links.values()
            if link.kind == "bridge" and link.options.get("stp_state")
        ]
        seconds = _ANSWER_SECONDS + max(delays, default=0.0)
        checks.must_answer(gateways.silent(netlink, links, self._worked, seconds))

    def check_back(self, netlink: Netlink) -> None:
        """After the way back. Raises ReadBackError."""
        checks.must_answer_again((), self.others)
        for dev in self.before:
            # its carrier may have come back with a port, and opens its queues a moment later
            if self._host.links[dev].running:
                netlink.wait_until_transmitting(index_of(dev, {}), _CARRIER_SECONDS)
        checks.must_answer_again(gateways.silent(netlink, netlink.snapshot().links, self._worked))


class GuardedNoun:
    """See C(_core/reconcile.Noun). C(noun) makes the changes; it has a C(netlink), C(use(netlink)) and the C(KINDS) of its changes.

    C(params) hold the options of _core/guarding and netns, C(wishes) tell one try from another.
    """

    def __init__(
        self, noun: Any, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
    ) -> None:
        self._noun = noun
        self.alone = noun.alone
        self._carriers: Carriers | None = None
        self._remarks: dict[str, None] = {}
        self.guard = OnRisk(self, params, wishes)

    @property
    def netlink(self) -> Netlink:
        return self._noun.netlink

    def remember(self) -> Carriers:
        """From now on what the host carries belongs to its state."""
        self._carriers = Carriers()
        return self._carriers

    def open_again(self) -> None:
        """Go on with a socket of one's own, in another process."""
        self._noun.use(Netlink())

    def read(self) -> Whole:
        own = self._noun.read()
        made = getattr(self._noun, "made", {})
        carried = {} if self._carriers is None else self._carriers.read(self.netlink, made)
        return Whole(own, carried)

    def prepare(self, before: Whole) -> None:
        self._noun.prepare(before.own)

    def plan(self, now: Whole, wish: Any) -> Plan:
        if not isinstance(wish, Whole):
            return self._noun.plan(now.own, wish)
        # what a device carries comes back with its addresses
        own = [one for one in self._noun.plan(now.own, wish.own) if one.kind in self._noun.KINDS]
        return own + [
            change
            for dev, inet in now.carried.items()
            for change in uplink_plan.plan(inet, _back(wish.carried[dev], dev))
            if remark_on(change, False) not in self._remarks
        ]

    def wish_back(self, before: Whole, changes: Plan) -> Whole:
        back = self._noun.wish_back(before.own, changes)
        return Whole(back, {} if self._carriers is None else self._carriers.before)

    def apply(self, changes: Plan, now: Whole) -> None:
        for own, group in groupby(changes, lambda change: change.kind in self._noun.KINDS):
            if own:
                self._noun.apply(tuple(group), now.own)
                continue
            for change in group:
                inet = now.carried.get(change.name) or next(iter(now.carried.values()))
                carrier = _uplink(self.netlink, change.name)
                carrier.apply((change,), inet)
                self._remarks.update(dict.fromkeys(carrier.remarks()))

    def remarks(self) -> list[str]:
        """What there is to say of the way back beside its success, in sentences."""
        return [*getattr(self._noun, "remarks", list)(), *self._remarks]

    def verify(self, before: Whole, after: Whole) -> None:
        """Each gateway that answered before a guarded change must answer now. Raises ReadBackError."""
        if self._carriers is not None:
            self._carriers.verify(self.netlink)


class OnRisk:
    """A guard that comes into being where the plan wants one; see C(_core/reconcile.Guard)."""

    def __init__(
        self, noun: GuardedNoun, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
    ) -> None:
        self._noun = noun
        self._params = params
        self._wishes = wishes
        self._guard: Guard | None = None

    def arm(self, before: Whole, changes: Plan) -> None:
        if wanted(self._params, changes):
            self._guard = self._made()
            self._guard.arm(before, changes)

    def _made(self) -> Guard:
        noun = self._noun
        carriers = noun.remember()
        wish = transactions.wish_hash([dict(one) for one in self._wishes] + [self._params["netns"]])

        def record(_before: Whole, changes: Plan) -> tuple[Mapping[str, Any], Any]:
            if self._params["guard_mode"] != "always":
                checks.check_tries(wish, "guard_mode: always")
            return carriers.record(changes, noun.netlink)

        def back(before: Whole, changes: Plan) -> list[str]:
            done = restore(noun, before, changes)
            carriers.check_back(noun.netlink)
            return [*(str(change) for change in done), *noun.remarks()]

        def by_the_system(_before: Whole) -> list[str]:
            return [
                words
                for dev in carriers.before
                if dev not in carriers.others
                for words in ifup.again(dev)
            ]

        guard = Guard(
            self._params["guard_timeout"],
            self._params["netns"],
            wish,
            noun.open_again,
            back,
            record,
            by_the_system,
        )
        noun.netlink.turn = guard.writing
        return guard

    def applied(self) -> None:
        if self._guard is not None:
            self._guard.applied()

    def claim(self) -> None:
        if self._guard is not None:
            self._guard.claim()

    def hand_over(self, why: str) -> None:
        if self._guard is not None:
            self._guard.hand_over(why)

    def stand_down(self, why: str) -> None:
        if self._guard is not None:
            self._guard.stand_down(why)

    @property
    def told(self) -> list[str]:
        """What the guard came across that is worth a warning."""
        return [] if self._guard is None else self._guard.told

    def facts(self) -> dict[str, Any]:
        """What a task returns of the transaction that waits for its confirmation, empty where there is none."""
        return {} if self._guard is None else self._guard.facts()


def outcome_of_the_noun(outcome: Outcome) -> Outcome:
    """The outcome without what the devices carry."""
    own = outcome.before.own
    after = own if outcome.after is outcome.before else outcome.after.own
    return replace(outcome, before=own, after=after)


def _uplink(netlink: Netlink, dev: str) -> UplinkNoun:
    return UplinkNoun(netlink, Spec(dev, dev))


def _back(before: Inet, dev: str) -> layout.Layout:
    """What a device carried; what came since is not ours to take."""
    back = layout.layout_of(before, dev, dev)
    return replace(back, made=back)
