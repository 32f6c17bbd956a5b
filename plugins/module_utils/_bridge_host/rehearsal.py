# SPDX-License-Identifier: GPL-3.0-or-later
"""All steps of the role planned one after the other, each over the host as the steps before would leave it. Nothing is written.

Each step is planned by the noun that carries it out, with the wishes that its module makes of the same items; so the plan is the run's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import foresight
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.steps import (
    ABSENT,
    PRESENT,
    Refusal,
    Step,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import items_of
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.managed import (
    ManagedUplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import apply as ifupdown
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    files as stanza_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    plan as stanza_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import validate
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.ifstate import IfState
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tuntap
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._managers import stages
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import (
    is_the_hosts_network,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec as guest_spec
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    preflight,
    surroundings,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import read as uplink_read
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import spec as uplink_spec
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet

if TYPE_CHECKING:
    from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.guests import (
        Guests,
    )

Items = Sequence[Mapping[str, Any]]


class Rehearsal:
    """C(now) is the host. C(ask) tells whether others may be asked, as a run does before its first change: the LAN, KVM, ifupdown and iproute2.

    With C(tell) what is refused is kept in C(refused), and all else is planned without it.
    """

    def __init__(
        self,
        netlink: Netlink,
        now: Inet,
        ask: bool,
        persist: bool,
        guard_timeout: float,
        netns: str | None,
        cloud_init_network: bool | None = None,
        tell: bool = False,
    ) -> None:
        self._tell = tell
        self.refused: list[Refusal] = []
        self._netlink, self._there = netlink, frozenset(now.links)
        self.now = now
        self._ask = ask
        self._persist, self._seconds, self._netns = persist, guard_timeout, netns
        self._knows_vlans = any("vlan_protocol" in link.options for link in now.links.values())
        self._cloud_init_network = cloud_init_network
        self._interfaces = ifupdown.Interfaces(cloud_init_network=cloud_init_network)
        self.pending: dict[str, dict[str, Any]] = {}  # see Guests
        self._files: stanza_files.Files | None = None
        self._state: dict[str, str] | None = None

    @cached_property
    def guests(self) -> Guests:
        """What looks at guests, see guests.py for why it is imported here."""
        from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.guests import (
            Guests,
        )

        return Guests(self._ask, self._netns, self.pending)

    def steps(
        self,
        lists: Mapping[str, Any],
        knows_vlans: bool = False,
        owners: Mapping[str, int] | None = None,
    ) -> list[Step]:
        """The steps of the role's plan in their order, those without changes too. Raises what their modules would.

        C(knows_vlans): what a probe has shown of the kernel's bridges. C(owners): of taps whose user is still to come, who stands in for it.
        """
        self._knows_vlans = self._knows_vlans or knows_vlans
        found = []
        for state, names in (("absent", ABSENT), ("present", PRESENT)):
            for name in names:
                own = lists[state]
                items = own["stanzas"] if name == "ifstate" else own.get(name) or []
                found.append(self._planned(name, items, state) if items else Step(name, state, ()))
                if name == "taps":
                    self.now = foresight.owned(self.now, owners or {})
        return found

    def _planned(self, name: str, items: Items, state: str) -> Step:
        plan: Callable[[Items, str], Step] = getattr(self, f"_{name}")
        before = self.now, self._files, self._state
        try:
            return plan(items, state)
        except Refused as error:
            if not self._tell:
                raise
            said = str(error)
        # one by one, so that what one is refused for hides none of the others
        self.now, self._files, self._state = before
        found, refused = [], []
        for item in items:
            try:
                found.append(plan([item], state))
            except Refused as error:
                refused.append(Refusal(name, str(item["name"]), str(error)))
        self.refused += refused or [Refusal(name, "", said)]
        return Step(
            name,
            state,
            tuple(change for one in found for change in one.changes),
            tuple(sentence for one in found for sentence in one.warnings),
        )

    def boots(self) -> Mapping[str, str] | None:
        """The files of interfaces(5) as they are, by path; None where what boots is nobody's business."""
        return self._interfaces.read().texts if self._persist else None

    def boot(self, managers: Items) -> Step:
        """Ask each manager for what it would boot of all that: the files that say otherwise. Raises Refused, by name, for what it has no words for.

        It is a step beside those of C(steps): bridge_persist plans anew from what runs, and says itself what it would write.
        """
        changes: list[Change] = []
        if not managers:
            return Step("managers", "present", ())
        # most hosts have none of them, and then all this need not be compiled
        from ansible_collections.hypervisor.network.plugins.module_utils._persist.apply import (
            Persistence,
        )

        for one in managers:
            names = (one[kind] for kind in ("bridges", "uplinks", "ports", "taps"))
            cloud = self._cloud_init_network if one["bridges"] else None
            wish = Wish(*names, cloud_init_network=cloud)
            noun = Persistence(self._netlink, wish, one["manager"], None, scope=one["scope"])
            try:
                changes += noun.foresee(self.now, self.now.routes)
            except Refused as error:
                if not self._tell:
                    raise
                self.refused.append(Refusal("managers", one["manager"], str(error)))
        return Step("managers", "present", tuple(changes))

    def _bridges(self, items: Items, state: str) -> Step:
        return self._links("bridges", bridge_planner, items, state)

    def _taps(self, items: Items, state: str) -> Step:
        return self._links("taps", tap_planner, map(tuntap.with_numbers, items), state)

    def _ports(self, items: Items, state: str) -> Step:
        return self._links("ports", port_planner, items, state)

    def _links(
        self, name: str, planner: Any, items: Iterable[Mapping[str, Any]], state: str
    ) -> Step:
        wishes = [planner.checked(one) for one in complete(items, planner.SPEC)]
        changes = LinkNoun(self._netlink).plan(self.now, {planner.KIND: wishes})
        self.now = foresight.after(self.now, changes, self._knows_vlans)
        return Step(name, state, tuple(changes))

    def _uplinks(self, items: Items, state: str) -> Step:
        changes: list[Change] = []
        warnings: list[str] = []
        for item in complete(items, uplink_spec.SPEC):
            spec = uplink_spec.of(item, self._netns is None)
            now = self._around(spec)
            target = preflight.target(now, spec)
            own = stages.asked(
                uplink_plan.plan(now, target), now.managed, spec.bridge, spec.present
            )
            if own and self._ask:
                surroundings.ask_the_lan(now, spec, self._seconds or None)
            warnings += preflight.warnings(now, spec)
            changes += own
            # what is beside one NIC is not beside the next
            self.now = replace(
                foresight.converted(now, target),
                traces=self.now.traces,
                forwards_dropped=self.now.forwards_dropped,
                filter_rules=self.now.filter_rules,
                listeners=self.now.listeners,
            )
        return Step("uplinks", state, tuple(changes), tuple(warnings))

    def _around(self, spec: preflight.Spec) -> Inet:
        now = uplink_read.with_own(self.now, (spec.nic, spec.bridge), self._there)
        made = None if spec.bridge in self._there else now.links.get(spec.bridge)
        now = replace(now, sysctls=foresight.sysctls(now.sysctls, made))
        ours = spec.own_network and is_the_hosts_network()
        manager = ManagedUplink(spec.bridge, now.links.get(spec.nic) if ours else None)
        beside = surroundings.beside_us(spec, now.links, manager.programs)
        return replace(now, **beside, managed=manager.read())

    def _stanzas(self, items: Items, state: str) -> Step:
        if not self._persist:
            return Step("stanzas", state, ())
        wishes = [
            validate.checked(one) for one in complete(items, validate.SPEC, ("name", "family"))
        ]
        now = self._files or self._interfaces.read()
        if self._ask:
            changes = self._interfaces.plan(now, wishes)
        else:
            changes = stanza_plan.plan(now, wishes, self._cloud_init_network)
        told = stanza_plan.notes(now, wishes)
        self._files = stanza_files.after(now, changes)
        return Step("stanzas", state, tuple(changes), tuple(told))

    def _ifstate(self, items: Items, state: str) -> Step:
        if not self._persist:
            return Step("ifstate", state, ())
        noun = IfState()
        now = noun.read() if self._state is None else self._state
        up = state == "present"
        changes = noun.plan(now, dict.fromkeys((one["name"] for one in items), up))
        there = (
            {**now, **{one.name: one.name for one in changes}}
            if up
            else {
                name: stanza
                for name, stanza in now.items()
                if name not in {one.name for one in changes}
            }
        )
        self._state = there
        return Step("ifstate", state, tuple(changes))

    def _guests(self, items: Items, state: str) -> Step:
        step, idle = self.guests.step(complete(items, guest_spec.SPEC), state, self.now)
        self.now = foresight.idle(self.now, idle)
        return step


def complete(
    items: Iterable[Mapping[str, Any]],
    spec: Mapping[str, Mapping[str, Any]],
    identity: Sequence[str] = ("name",),
) -> list[dict[str, Any]]:
    """The items as a module of that spec has them: C({option: value}) with all its options, None or their default where not given.

    C(identity) are the options that no two items may share. Raises BadInput for an item without a name, and for two of one identity.
    """
    defaults = {key: value.get("default") for key, value in spec.items()}
    whole = [{**item, **_nested(item, spec)} for item in items]
    return items_of(
        {**defaults, "items": whole}, spec, "items", ("netns", "guard_timeout"), identity
    )


def _nested(item: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What an item has in options of their own, such as a guest's disks and its seed, each with all of these."""
    return {
        key: [_whole(one, value["options"]) for one in item[key]]
        if value["type"] == "list"
        else _whole(item[key], value["options"])
        for key, value in spec.items()
        if "options" in value and item.get(key)
    }


def _whole(given: Mapping[str, Any], words: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: given.get(name, word.get("default")) for name, word in words.items()}
