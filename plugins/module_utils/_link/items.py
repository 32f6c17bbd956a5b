# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of bridges, ports and taps have in common: from their parameters to a noun, its wish, and its description."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import guarding
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._link.describe import described
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

Items = Sequence[Mapping[str, Any]]
# of the socket, the parameters and the wishes
MakeNoun = Callable[[Netlink, Mapping[str, Any], Items], Any]


def unguarded(netlink: Netlink, params: Mapping[str, Any], _wishes: Items) -> LinkNoun:
    """A noun that refuses what wants a guard."""
    return LinkNoun(netlink, guard=guarding.Unguarded(params))


def task(
    planner: Any,
    make: MakeNoun = unguarded,
    ready: Callable[[Netlink, Items], None] | None = None,
    resolved: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> dict[str, Any]:
    """What C(_core/module.run) is told for the devices of a planner.

    C(ready(netlink, wishes)) waits until they can be read, C(resolved(item)) has the names looked up that mean something on this host only.
    """
    return {
        "spec": {**planner.SPEC, **guarding.SPEC, **device.NETNS},
        "plural": f"{planner.KIND}s",
        "singular": planner.KIND,
        "work": partial(_work, planner, make, ready, resolved),
        "common": ("netns", *guarding.SPEC),
    }


def _work(
    planner: Any,
    make: MakeNoun,
    ready: Callable[[Netlink, Items], None] | None,
    resolved: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    params: Mapping[str, Any],
    items: Items,
) -> tuple[Any, Any, Callable]:
    wishes = [planner.checked(resolved(item)) for item in items]
    guarding.check_timeout(params["guard_timeout"])
    enter_netns(params["netns"])
    netlink = Netlink()
    if ready is not None:
        ready(netlink, wishes)
    return (
        make(netlink, params, wishes),
        {planner.KIND: wishes},
        lambda outcome: described(
            outcome, [item["name"] for item in items], planner.KIND, planner.describe
        ),
    )
