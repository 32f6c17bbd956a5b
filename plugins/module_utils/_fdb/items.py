# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of bridge_fdb to a noun, its wish, and its description."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import guarding
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan, spec
from ansible_collections.hypervisor.network.plugins.module_utils._fdb.apply import FdbNoun
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

Items = Sequence[Mapping[str, Any]]
# of the socket, the parameters and the wishes
MakeNoun = Callable[[Netlink, Mapping[str, Any], Items], Any]


def unguarded(netlink: Netlink, params: Mapping[str, Any], _wishes: Items) -> FdbNoun:
    """A noun that refuses what wants a guard."""
    return FdbNoun(netlink, guard=guarding.Unguarded(params))


def task(make: MakeNoun = unguarded) -> dict[str, Any]:
    """What C(_core/module.run) is told."""
    return {
        "spec": {**spec.SPEC, **spec.FLUSH, **guarding.SPEC, **device.NETNS},
        "plural": "entries",
        "singular": "entry",
        "work": partial(_work, make),
        "common": ("netns", "flush", *guarding.SPEC),
    }


def _work(make: MakeNoun, params: Mapping[str, Any], items: Items) -> tuple[Any, Any, Callable]:
    wish = spec.checked(items, params)
    guarding.check_timeout(params["guard_timeout"])
    enter_netns(params["netns"])
    noun = make(Netlink(), params, [wish])
    return noun, wish, lambda outcome: plan.describe(outcome, wish["entries"])
