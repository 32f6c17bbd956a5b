# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over which VLANs of a bridge the host itself is reached, and who is cut off when one goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    MAY_CUT_SSH,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.tests.unit._link.test_reach import host, risk, update

VLANS = {"1": "pvid untagged", "5": "tagged", "6": "tagged"}


def above(*on_it: Link, address: str | None) -> Snapshot:
    """The host, whose br0 filters; of its addresses one is left, on that device."""
    now = host(options={"vlan_filtering": True}, vlans=VLANS)
    links = {**now.links, **{one.name: one for one in on_it}}
    links["eth0"] = replace(links["eth0"], vlans=VLANS)
    kept = [replace(now.addresses[1], dev=address)] if address else []
    return replace(now, links=links, addresses=tuple(kept))


IN_5, IN_6 = (Link(f"br0.{vid}", 90 + vid, "vlan", lower="br0", options={"id": vid}) for vid in (5, 6))  # fmt: skip
UNTAGGED = Link("mv0", 97, "macvlan", lower="br0")


@pytest.mark.parametrize(
    ("now", "theirs"),
    [
        (above(IN_5, IN_6, address="br0"), {"1"}),
        (above(IN_5, IN_6, address="br0.5"), {"5"}),
        (above(IN_5, UNTAGGED, address="mv0"), {"1"}),
        (above(IN_5, UNTAGGED, address="br0.5"), {"5"}),
        (above(IN_5, UNTAGGED, address=None), set()),
    ],
)
def test_the_host_is_in_the_vlans_of_what_has_its_addresses(
    now: Snapshot, theirs: set[str]
) -> None:
    for vid in VLANS:
        rest = {one: how for one, how in VLANS.items() if one != vid}
        expected = MAY_CUT_SSH if vid in theirs else INTERRUPTS
        assert risk(update("port", "eth0", vlans=rest), now) == expected, vid


def test_a_bridge_without_vlans_of_its_own_loses_none() -> None:
    now = above(address="br0")
    now = replace(now, links={**now.links, "br0": replace(now.links["br0"], vlans=None)})
    assert risk(update("port", "eth0", vlans={}), now) == INTERRUPTS
