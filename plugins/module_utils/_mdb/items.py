# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of bridge_mdb to a noun, its wish, and its description."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import guarding
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import plan, spec
from ansible_collections.hypervisor.network.plugins.module_utils._mdb.apply import MdbNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

Items = Sequence[Mapping[str, Any]]
# of the socket, the parameters and the wishes
MakeNoun = Callable[[Netlink, Mapping[str, Any], Items], Any]


def with_lists(wishes: Items) -> list[str]:
    """The bridges for which lists of senders are asked for."""
    return list(
        dict.fromkeys(
            one["bridge"]
            for one in wishes
            if one["filter_mode"] is not None and one["state"] == "present"
        )
    )


def unguarded(netlink: Netlink, params: Mapping[str, Any], wishes: Items) -> MdbNoun:
    """A noun that refuses what wants a guard."""
    return MdbNoun(netlink, with_lists(wishes), guard=guarding.Unguarded(params))


def task(make: MakeNoun = unguarded) -> dict[str, Any]:
    """What C(_core/module.run) is told."""
    return {
        "spec": {**spec.SPEC, **guarding.SPEC, **device.NETNS},
        "plural": "entries",
        "singular": "entry",
        "work": partial(_work, make),
        "common": ("netns", *guarding.SPEC),
    }


def _work(make: MakeNoun, params: Mapping[str, Any], items: Items) -> tuple[Any, Any, Callable]:
    wishes = spec.checked(items, params)
    guarding.check_timeout(params["guard_timeout"])
    enter_netns(params["netns"])
    return (
        make(Netlink(), params, wishes),
        wishes,
        lambda outcome: plan.describe(outcome, wishes),
    )
