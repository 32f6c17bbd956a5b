# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as planners see it: what is read at once, and what only when somebody asks."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.read import read
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    Forwarding,
    Neighbour,
)


class Kernel:
    """The dumps of a namespace; C(asked) lists them in their order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def snapshot(self, addresses: bool = False, vlans: bool = False) -> Snapshot:
        self.asked.append("links")
        assert addresses and vlans
        links = {"nosuch-br": Link("nosuch-br", 7, "bridge"), "nosuch-nic": Link("nosuch-nic", 8)}
        return Snapshot(links, (Address("nosuch-br", "192.0.2.1/24", 2),))

    def ways(self, links: Any) -> dict[str, frozenset[int]]:
        self.asked.append("routes")
        return {"nosuch-nic": frozenset({2})}

    def neighbours(self, links: Any) -> tuple[Neighbour, ...]:
        self.asked.append("neighbours")
        return tuple(Neighbour("nosuch-br", "192.0.2.9", 2, mac, 2) for mac in ("a", "b"))

    def fdb(self, links: Any) -> tuple[Forwarding, ...]:
        self.asked.append("fdb")
        return (
            Forwarding("nosuch-br", "tap1", "a", None, False, False, 0.0),
            Forwarding("nosuch-br", "tap2", "b", None, True, True, 0.0),
            Forwarding("nosuch-br", "tap3", "c", None, False, False, 0.0),
        )


def test_routes_and_neighbours_are_read_when_somebody_asks() -> None:
    kernel = Kernel()
    now = read(kernel)  # type: ignore[arg-type]
    assert kernel.asked == ["links"]
    assert [one.text for one in now.addresses] == ["192.0.2.1/24"]
    assert dict(now.ways) == {"nosuch-nic": {2}}
    assert kernel.asked == ["links", "routes"]
    # seen behind a port: what was learned there, not what is a port's own
    assert dict(now.peers) == {"a": ("tap1",), "b": ()}
    assert kernel.asked == ["links", "routes", "neighbours", "fdb"]


def test_what_no_sysfs_tells_is_nobodys_guess() -> None:
    now = read(Kernel())  # type: ignore[arg-type]
    assert now.links["nosuch-br"].mac_given is None
    assert not now.links["nosuch-nic"].wireless
