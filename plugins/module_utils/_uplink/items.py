# SPDX-License-Identifier: GPL-3.0-or-later
"""What bridge_uplink and its guarded form have in common: from their parameters to a noun, its wish, and its description."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable, Mapping, Sequence

from ansible.module_utils.common.warnings import warn

from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import check_timeout
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._guard.connection import came_to
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import spec as uplink_spec

# of the socket, what is asked, and all options
MakeNoun = Callable[[Netlink, preflight.Spec, Mapping[str, Any]], Any]


def task(make: MakeNoun) -> dict[str, Any]:
    """What C(_core/module.run) is told."""
    return {
        "spec": uplink_spec.SPEC,
        "plural": None,
        "singular": "uplink",
        "work": partial(_work, make),
        "common": ("netns",),
    }


def _work(
    make: MakeNoun, params: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> tuple[Any, Any, Callable[[Outcome], list[dict[str, Any]]]]:
    item = items[0]
    spec = uplink_spec.of(item, params["netns"] is None)
    check_timeout(item["guard_timeout"])
    enter_netns(params["netns"])
    whence = came_to(os.environ) if item["guard_timeout"] else ""
    noun = make(Netlink(), spec, {**item, "netns": params["netns"]})
    return noun, spec, partial(_described, spec, whence)


def _described(spec: preflight.Spec, whence: str, outcome: Outcome) -> list[dict[str, Any]]:
    for sentence in preflight.warnings(outcome.before, spec, whence):
        warn(sentence)
    now = outcome.after
    link = now.links[spec.nic]
    addresses = {
        dev: [one.text for one in now.addresses_of(dev)] for dev in (spec.nic, spec.bridge)
    }
    return [{"name": link.name, "bridge": link.master, "addresses": addresses}]
