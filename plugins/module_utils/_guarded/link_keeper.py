# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bridges carry, recorded before a risky change, and put back if nobody confirms it.

A bridge with addresses is a host's NIC: when it is set down, deleted or cut off, its addresses, routes and DHCP lease go with it. So each
such bridge, and each VLAN device on one, is recorded as _conversion does it for an uplink, here with one device in both parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import restore
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    checks,
    confirm,
    gateways,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.deadman import Guard
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import ifup
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.apply import UplinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec

if TYPE_CHECKING:
    from ansible_collections.hypervisor.network.plugins.module_utils._guarded.links import (
        GuardedLinks,
    )

_ANSWER_SECONDS = 3.0
_CARRIER_SECONDS = 2.0
_OWN_KINDS = ("bridge", "port", "tap")


@dataclass(frozen=True)
class Hosts(Snapshot):
    """A snapshot with what the recorded devices carry."""

    hosts: Mapping[str, Inet] = field(default_factory=dict)


class LinkKeeper:
    """The record of what a guarded change of links may cost the host. C(before) maps each device that carries something to what that is."""

    def __init__(self) -> None:
        self.before: Mapping[str, Inet] = {}
        self._worked: list[gateways.Gateway] = []

    def record(
        self, before: Snapshot, changes: Plan, netlink: Netlink
    ) -> tuple[Mapping[str, Any], Any]:
        """Remember everything, and ask the gateways; what a confirmation compares with, and what people may read."""
        devs = _carriers(before, changes)
        self.before = {dev: _host(netlink, dev).read() for dev in devs}
        routes = rtnl_route.decode_routes(
            netlink.dump(rtnl_route.RTM_GETROUTE), names_of(before.links)
        )
        self._worked = gateways.answering(
            netlink, before.links, gateways.gateways(routes, before.links)
        )
        lost = {
            change.name
            for change in changes
            if change.after is None or change.after.get("up") is False
        }
        kept = [dev for dev in devs if not lost & {dev, before.links[dev].lower}]
        lasting = [one for one in routes if not layout.by_itself(one)]
        facts = checks.facts(
            checks.in_words(changes), self._worked, confirm.words(before, lasting, kept), kept
        )
        return facts, {
            "changes": [change.as_dict() for change in changes],
            **confirm.words(before, routes, devs),
        }

    def read(self, now: Snapshot, netlink: Netlink) -> Snapshot:
        """The snapshot with what the recorded devices carry now."""
        hosts = {dev: _host(netlink, dev).read() for dev in self.before if dev in now.links}
        return Hosts(now.links, now.addresses, now.holders, now.ways, now.peers, hosts)

    def plan(self, now: Snapshot, wish: Mapping[str, Inet]) -> list[Change]:
        """The changes that give the devices back what they carried; one that is missing has to be made first."""
        there = now.hosts if isinstance(now, Hosts) else {}
        return [
            change
            for dev, inet in there.items()
            for change in uplink_plan.plan(inet, layout.layout_of(wish[dev], dev, dev))
        ]

    def apply(self, change: Change, now: Snapshot, netlink: Netlink) -> bool:
        """Carry out a change of C(plan); False for one of the links themselves."""
        if change.kind in _OWN_KINDS or not isinstance(now, Hosts):
            return False
        _host(netlink, change.name).apply((change,), now.hosts.get(change.name, Inet(now.links)))
        return True

    def verify(self, after: Snapshot, netlink: Netlink) -> None:
        """Each gateway that answered before must answer now. Raises ReadBackError."""
        # a port that begins to take part in STP is silent for twice the forward delay
        delays = [
            2 * link.options["forward_delay"]
            for link in after.links.values()
            if link.kind == "bridge" and link.options.get("stp_state")
        ]
        checks.must_answer(
            gateways.silent(
                netlink, after.links, self._worked, _ANSWER_SECONDS + max(delays, default=0.0)
            )
        )

    def check_back(self, before: Snapshot, netlink: Netlink) -> None:
        """After the way back. Raises ReadBackError."""
        for dev in self.before:
            # its carrier may have come back with a port, and opens its queues a moment later
            if before.links[dev].running:
                netlink.wait_until_transmitting(index_of(dev, {}), _CARRIER_SECONDS)
        checks.must_answer_again(gateways.silent(netlink, netlink.snapshot().links, self._worked))


def guarded(
    noun: GuardedLinks, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
) -> tuple[LinkKeeper, Guard]:
    """A keeper for the noun, and a guard that uses it."""
    keeper = LinkKeeper()
    wish = transactions.wish_hash([dict(one) for one in wishes] + [params["netns"]])

    def record(before: Snapshot, changes: Plan) -> tuple[Mapping[str, Any], Any]:
        if params["guard_mode"] != "always":
            checks.check_tries(wish, "guard_mode: always")
        return keeper.record(before, changes, noun.netlink)

    def back(before: Snapshot, changes: Plan) -> list[str]:
        done = restore(noun, before, changes)
        keeper.check_back(before, noun.netlink)
        return [str(change) for change in done]

    def by_the_system(_before: Snapshot) -> list[str]:
        return [words for dev in keeper.before for words in ifup.again(dev)]

    return keeper, Guard(
        params["guard_timeout"],
        params["netns"],
        wish,
        lambda: noun.use(Netlink()),
        back,
        record,
        by_the_system,
    )


def _host(netlink: Netlink, dev: str) -> UplinkNoun:
    return UplinkNoun(netlink, Spec(dev, dev))


def _carriers(before: Snapshot, changes: Iterable[Change]) -> list[str]:
    """The devices with addresses that the changes may cut off: the bridges they touch, and the VLAN devices on those."""
    touched: set[str | None] = set()
    for change in changes:
        link = before.links.get(change.name)
        touched |= (
            {change.name}
            if change.kind == "bridge"
            else {link.master if link else None, (change.after or {}).get("bridge")}
        )
    return [
        name
        for name, link in before.links.items()
        if {name, link.lower} & (touched - {None}) and before.addresses_of(name)
    ]
