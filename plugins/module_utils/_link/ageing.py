# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge's own times, where the kernel shows the root's, or the short ageing of a tree that changes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import bridge_ioctl
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
)

_TREE_CHANGES = 75.0  # the longest max_age and forward_delay that a root can have, and some
_LOOK = 0.5  # seconds; the end of a change is not notified


def ages_faster(link: Link) -> bool:
    """Whether the bridge forgets MACs faster than it was told, because its tree changes: the kernel tells its own ageing_time only afterwards.

    Source: Linux' net/bridge/br_stp.c, __br_set_topology_change.
    """
    return bool(link.options.get("topology_change")) and link.options.get(
        "ageing_time"
    ) == 2 * link.options.get("forward_delay", 0)


def with_own_times(
    link: Link, own_times: Callable[[str], dict[str, float]] = bridge_ioctl.own_times
) -> Link:
    """A bridge that is not the root of its tree shows the root's times: what it was given itself, and is compared with, is asked for apart."""
    options = {**link.options, "ageing_time": None} if ages_faster(link) else link.options
    if options.get("root_id") == options.get("bridge_id"):
        return replace(link, options=options)
    try:
        return replace(link, options={**options, **own_times(link.name)})
    except OSError:  # gone meanwhile, or not ours to ask
        return replace(link, options=options)


def wait_for_own_ageing(
    netlink: Netlink,
    wishes: Iterable[Mapping[str, Any]],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait, where an ageing_time is wished for a bridge whose tree is changing, until the kernel tells again what the bridge was given."""
    deadline = clock() + _TREE_CHANGES
    for name in [wish["name"] for wish in wishes if wish.get("ageing_time") is not None]:
        try:
            while ages_faster(netlink.link(index_of(name, {}))) and clock() < deadline:
                sleep(_LOOK)
        except KernelError:  # there is none yet
            continue
