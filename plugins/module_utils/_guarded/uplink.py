# SPDX-License-Identifier: GPL-3.0-or-later
"""The uplink under the guard: what the guard records, restores and proves."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import restore
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    checks,
    confirm,
    deadman,
    gateways,
    timing,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import ifup
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import AF_INET
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    acd,
    bound_sockets,
    bpdu,
    by_hand,
    forwarding,
    layout,
    manager_files,
    packet_filter,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.apply import UplinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    Spec,
    check_duplicates,
)

# kinds with a driver that may take the link down when it becomes a port
_RENEGOTIATING = ("", "bond")
_TO_CONFIRM = timing.LINK_SECONDS + timing.MARGIN_SECONDS  # besides what the switch takes


def _time_for(delay: float) -> float:
    """What a guard needs behind a switch whose ports listen and learn for that many seconds each."""
    return 2 * delay + _TO_CONFIRM


def _carrier_changes(dev: str) -> int:
    """How often a device's carrier came and went; 0 where that is not told, as in a namespace whose /sys is not mounted."""
    try:
        with open(f"/sys/class/net/{dev}/carrier_changes", encoding="ascii") as stream:
            return int(stream.read())
    except OSError:
        return 0


@contextlib.contextmanager
def _listening_on(dev: str) -> Iterator[None]:
    """Raises Refused where the device is no more, or goes down, while it is listened on."""
    try:
        yield
    except OSError as error:
        raise Refused(
            f"Cannot ask the LAN behind {dev}: {error.strerror}; it was deleted, renamed or set down meanwhile, and nothing was changed: run the task again."
        ) from None


class GuardedUplink(UplinkNoun):
    """An uplink whose gateways are asked before and after, and which, given C(seconds), undoes itself if nobody confirms it."""

    def __init__(
        self, netlink: Netlink, spec: Spec, seconds: float, netns: str | None, force: bool
    ) -> None:
        super().__init__(netlink, spec)
        self.guard: deadman.Guard | None = None
        self._source, self._goal = (
            (spec.nic, spec.bridge) if spec.present else (spec.bridge, spec.nic)
        )
        self._worked: list[gateways.Gateway] | None = None
        self._seconds = seconds
        self._carrier_changes = 0
        self._others: dict[str, Any] | None = None
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

    def read(self) -> Inet:
        """With other managers of the NIC, and what the packet filter says: read once, because no way back asks for it."""
        now = super().read()
        if self._others is None:
            self._others = self._beside_us(now.links)
        return replace(now, **self._others)

    def _beside_us(self, links: Mapping[str, Link]) -> dict[str, Any]:
        nic, bridge = links.get(self._spec.nic), links.get(self._spec.bridge)
        if (
            nic is None
            or nic.master == self._spec.bridge
            or not (self._spec.own_network and self._spec.present)
        ):
            return {}
        return {
            "traces": manager_files.read(nic.name, nic.index),
            "forwards_dropped": forwarding.dropping(self._spec.bridge, bridge),
            "filter_rules": tuple(packet_filter.rules(nic.name)),
            "listeners": tuple(bound_sockets.bound(nic.name)),
        }

    def prepare(self, before: Inet) -> None:
        """Raises Refused where another host has an address of the NIC, and where the guard's time is shorter than the switch may be mute."""
        super().prepare(before)
        nic = before.links[self._spec.nic]
        if not nic.running:
            return
        if self._spec.present and nic.master is None:
            self._ask_for_duplicates(before, nic)
        if (
            self.guard is not None
            and nic.kind in _RENEGOTIATING
            and self._seconds < _time_for(bpdu.STANDARD_DELAY)
        ):
            self._listen_for_stp(nic)

    def _ask_for_duplicates(self, now: Snapshot, nic: Link) -> None:
        addresses = [
            one.text.partition("/")[0]
            for one in now.addresses_of(nic.name)
            if one.family == AF_INET
        ]
        own = {link.mac or "" for link in now.links.values()}
        with _listening_on(nic.name):
            found = acd.elsewhere(nic.name, nic.mac or "", addresses, own)
        check_duplicates(self._spec, found)

    def _listen_for_stp(self, nic: Link) -> None:
        with _listening_on(nic.name):
            delay = bpdu.listen(nic.name, nic.index)
        if delay is not None and self._seconds < _time_for(delay):
            raise Refused(
                f"guard_timeout {self._seconds:g} is too short: the switch behind {nic.name} runs STP, and would be mute for {2 * delay:g} s if the link "
                f"is renegotiated; give at least {_time_for(delay):g}."
            )

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
            longest = _time_for(bpdu.STANDARD_DELAY)
            silent = gateways.silent(
                self._netlink,
                now.links,
                silent,
                min(longest, self._seconds - _TO_CONFIRM) if self._seconds else longest,
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
            transactions.BY_HAND: by_hand.commands(
                uplink_plan.plan(
                    layout.reached(before, self._target), self.wish_back(before, changes)
                )
            ),
        }
        return checks.facts(
            what, moved, confirm.words(target, target.routes, own), own, self._source
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
