# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guarded form of each module does: the same task as the module's own, with a noun that ships its guard."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._fdb import items as fdb_items
from ansible_collections.hypervisor.network.plugins.module_utils._fdb.apply import FdbNoun
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.links import (
    GuardedNoun,
    outcome_of_the_noun,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.uplink import (
    GuardedUplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge,
    items,
    port,
    tap,
    tuntap,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.ageing import (
    wait_for_own_ageing,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import items as mdb_items
from ansible_collections.hypervisor.network.plugins.module_utils._mdb.apply import MdbNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    items as uplink_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec


def guarded_links(
    netlink: Netlink, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
) -> GuardedNoun:
    """Links that are guarded where it is wanted."""
    return GuardedNoun(LinkNoun(netlink), params, wishes)


def guarded_entries(
    netlink: Netlink, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
) -> GuardedNoun:
    """Forwarding entries that are guarded where it is wanted."""
    return GuardedNoun(FdbNoun(netlink), params, wishes)


def guarded_groups(
    netlink: Netlink, params: Mapping[str, Any], wishes: Sequence[Mapping[str, Any]]
) -> GuardedNoun:
    """Multicast groups that are guarded where it is wanted."""
    return GuardedNoun(MdbNoun(netlink, mdb_items.with_lists(wishes)), params, wishes)


def guarded_uplink(netlink: Netlink, spec: Spec, options: Mapping[str, Any]) -> GuardedUplink:
    """An uplink that is guarded for the time that is given."""
    seconds, netns = options["guard_timeout"], options["netns"]
    return GuardedUplink(netlink, spec, seconds, netns, options["force"])


def of(module: str) -> dict[str, Any]:
    """What C(_core/module.carry_out) is told for a module by its name; KeyError for one that has no guarded form."""
    task = TASKS[module]()
    if module == "bridge_uplink":  # which carries everything itself
        return task
    work = task["work"]

    def guarded_work(params: Mapping[str, Any], wanted: list[dict[str, Any]]) -> Any:
        noun, wish, describe = work(params, wanted)
        return noun, wish, lambda outcome: describe(outcome_of_the_noun(outcome))

    return {**task, "work": guarded_work}


TASKS: dict[str, Callable[[], dict[str, Any]]] = {
    "bridge_fdb": lambda: fdb_items.task(guarded_entries),
    "bridge_mdb": lambda: mdb_items.task(guarded_groups),
    "bridge_uplink": lambda: uplink_items.task(guarded_uplink),
    "bridge_port": lambda: items.task(port, guarded_links),
    "linux_bridge": lambda: items.task(bridge, guarded_links, wait_for_own_ageing),
    "tap_device": lambda: items.task(tap, guarded_links, resolved=tuntap.with_numbers),
}
