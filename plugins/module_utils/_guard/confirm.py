# SPDX-License-Identifier: GPL-3.0-or-later
"""Confirm a guarded change from outside: over a new connection, after a look at everything that was promised."""

from __future__ import annotations

import os
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    IN_THIS_ORDER,
    BadInput,
    DeadlineExceeded,
    Refused,
    UndoFailed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    MAY_CUT_SSH,
    SAFE,
    Change,
    Plan,
    listed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._guard import checks, gateways
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.connection import came_to
from ansible_collections.hypervisor.network.plugins.module_utils._guard.transaction import (
    Transaction,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
)


def words(
    now: Snapshot, routes: Iterable[rtnl_route.Route], devs: Sequence[str]
) -> dict[str, list[str]]:
    """What must be the same at the confirmation as when everything was applied: addresses and routes of C(devs), in order of names."""
    return {
        "addresses": sorted(
            f"{one.text} dev {one.dev}" for dev in devs for one in now.addresses_of(dev)
        ),
        "routes": sorted(
            route.promised for route in rtnl_route.lasting(routes) if route.devs & set(devs)
        ),
    }


class TransactionNoun:
    """See C(_core/reconcile.Noun). A snapshot is the transaction's facts with C(objections); a wish is a state, None to leave it as it is."""

    def __init__(
        self,
        transaction: Transaction,
        netns: str | None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._transaction = transaction
        self._netns = netns
        self._environment = os.environ if environment is None else environment

    def read(self) -> dict[str, Any]:
        facts = self._transaction.facts
        if "unreadable" in facts:
            raise Refused(
                f"The record of the transaction {facts['id']} can't be read ({facts['unreadable']}), so there is nothing to compare with; it is "
                f"{facts['state']}. On a console, mv(1) of that file in {self._transaction.path} still does what it always does."
            )
        if facts.get("netns") != self._netns:
            raise BadInput(
                f"The transaction {facts['id']} belongs to {_place(facts.get('netns'))}, not to {_place(self._netns)}; say so with 'netns'."
            )
        if facts["state"] == transactions.ROLLING_BACK:
            transactions.wait_for_guard(self._netns)
            facts = self._transaction.facts
        if facts["state"] == transactions.APPLIED:
            facts["objections"] = objections(facts, self._environment)
        return facts

    def plan(self, now: Mapping[str, Any], wish: str | None) -> Plan:
        if wish in (None, now["state"]):
            return []
        _check_back(now)
        if now["state"] == transactions.ROLLING_BACK:
            raise UndoFailed(_nobody(now, self._transaction.by_hand))
        if now["state"] != transactions.APPLIED:
            raise DeadlineExceeded(_too_late(now, wish))
        if wish == transactions.CONFIRMED and now["objections"]:
            raise Refused(
                f"The transaction {now['id']} is not confirmed: {' '.join(now['objections'])}"
            )
        verb, risk = (
            ("confirm", SAFE) if wish == transactions.CONFIRMED else ("roll back", MAY_CUT_SSH)
        )
        return [
            Change(verb, "transaction", now["id"], {"state": now["state"]}, {"state": wish}, risk)
        ]

    def apply(self, changes: Plan, now: Mapping[str, Any]) -> None:
        wish = (changes[0].after or {})["state"]
        to = transactions.CONFIRMED if wish == transactions.CONFIRMED else transactions.ROLLING_BACK
        if not self._transaction.move(transactions.APPLIED, to):
            raise DeadlineExceeded(_too_late(self._transaction.facts, wish))
        # the guard holds it until it is through
        transactions.wait_for_guard(self._netns)
        facts = self._transaction.facts
        _check_back(facts)
        if facts["state"] == transactions.ROLLING_BACK:
            raise UndoFailed(_nobody(facts, self._transaction.by_hand))

    def wish_back(self, before: Mapping[str, Any], changes: Plan) -> None:
        """A confirmation is not taken back, and a rollback is the way back itself."""


def objections(facts: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """What speaks against a confirmation now, a sentence each; none where nothing does.

    C(facts) are those of the transaction's record, C(environment) is that of the process, whose SSH_CONNECTION tells over which address it came.
    """
    if facts.get("network") not in (None, procfs.own_namespace("net")):
        # the guard is still in the one that it was started in
        return [
            f"It was applied in another network: {_place(facts.get('netns'))} was deleted and made again since."
        ]
    netlink = Netlink()
    now = netlink.snapshot(addresses=True)
    found = [
        _connection(now, facts, environment),
        *checks.left(now, facts),
        *_lost(now, netlink, facts),
        _silence(now, netlink, facts),
    ]
    return [one for one in found if one]


def _nobody(facts: Mapping[str, Any], commands: Sequence[str]) -> str:
    """What there is to do where a change is to be rolled back and no guard lives that would; C(commands) are the way back by hand."""
    words = list(facts.get("wanted", {}).get("addresses", ()))
    netns = facts.get("netns")
    where = f", in a shell of 'ip netns exec {netns} sh'" if netns else ""
    by_hand = (
        f"type on a console{where}{IN_THIS_ORDER}{'; '.join(commands)}"
        if commands
        else f"undo it from a console by hand, by what 'cat {transactions.ROOT}/{facts['id']}/{transactions.SNAPSHOT}' says was there"
    )
    return (
        f"Nobody rolls the transaction {facts['id']} back ({facts.get('what', 'a guarded change')}): its guard was killed, so the host still is as changed "
        f"({listed(words, 3) or 'no address is recorded'}). Nothing of it is in the host's files: 'systemctl reboot' gives the network from before; or "
        f"{by_hand}."
    )


def _check_back(facts: Mapping[str, Any]) -> None:
    if facts["state"] == transactions.ROLLBACK_FAILED:
        raise UndoFailed(
            f"The transaction {facts['id']} could not be rolled back: {facts.get('error')}"
        )


def _too_late(facts: Mapping[str, Any], wish: str) -> str:
    why = f" because {facts['why']}" if facts.get("why") else ""
    return f"The transaction {facts['id']} can't become {wish}: it is {facts['state']}{why}; run the task again for a new try."


def _place(netns: str | None) -> str:
    return f"the network namespace {netns}" if netns else "the host's own network"


def _connection(now: Snapshot, facts: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """The connection that confirms must not have come in by the device that gave everything away; without one the other checks decide."""
    address = came_to(environment)
    dev = now.device_of(address)
    return (
        f"This connection came to {address}, which is still on {dev}."
        if dev is not None and dev == facts["source"]
        else ""
    )


def _lost(now: Snapshot, netlink: Netlink, facts: Mapping[str, Any]) -> list[str]:
    routes = rtnl_route.decode_routes(netlink.dump(rtnl_route.RTM_GETROUTE), names_of(now.links))
    found = words(now, routes, facts["devs"])
    lost = {
        kind: [one for one in wanted if one not in found[kind]]
        for kind, wanted in facts["wanted"].items()
    }
    return [
        f"Of the {kind} {listed(missing)} got lost since it was applied."
        for kind, missing in lost.items()
        if missing
    ]


def _silence(now: Snapshot, netlink: Netlink, facts: Mapping[str, Any]) -> str:
    silent = gateways.silent(
        netlink, now.links, [gateways.Gateway(**one) for one in facts["gateways"]]
    )
    if not silent:
        return ""
    they, do_not = gateways.they_do_not(silent)
    return f"The {they} answered before and {do_not} on {silent[0].dev}."
