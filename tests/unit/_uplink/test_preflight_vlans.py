# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a conversion refuses on a bridge that filters VLANs."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    Spec,
    check,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated

UP, MAC = 0x1, "52:54:00:00:00:10"
STATIC = simulated.address("eth0", "10.77.0.10/24", flags=0x80)
CLIENT = Client("eth0", "dhclient", ("dhclient", "eth0"))
OWN = {"10": "pvid untagged"}


def host(*links: Link, **more: Any) -> Inet:
    """A host with eth0 and these links."""
    found = {link.name: link for link in (Link("eth0", 2, "", UP, MAC), *links)}
    return Inet(found, **{"addresses": (STATIC,), **more})


def bridge(own: dict[str, str], default: int = 0, filtering: bool = True) -> Link:
    """A bridge that keeps VLANs apart, and these are the host's."""
    options = {"vlan_filtering": filtering, "vlan_default_pvid": default}
    return Link("br0", 5, "bridge", UP, MAC, options=options, vlans=own)


def tap(name: str, vlans: dict[str, str]) -> Link:
    """A guest's port of it."""
    return Link(name, 9, "tun", UP, "fe:00:00:00:00:01", master="br0", port={}, vlans=vlans)


CUT_OFF = (
    "br0 filters VLANs, and the host itself is in none of them untagged, so {} of eth0 would be cut off there; give br0 the host's VLAN first, by self_vlans "
    "of linux_bridge with pvid and untagged, and eth0 gets it as it joins."
)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (host(bridge({})), CUT_OFF.format("10.77.0.10/24")),
        (host(bridge({}, 1)), CUT_OFF.format("10.77.0.10/24")),
        (
            host(bridge({"10": "tagged", "20": "pvid tagged"}), addresses=(), clients=(CLIENT,)),
            CUT_OFF.format("the lease of dhclient"),
        ),
        (
            host(
                bridge(OWN, 1),
                tap("tap1", {"1": "pvid untagged"}),
                tap("tap2", {"1-20": "tagged"}),
                tap("tap3", OWN),
            ),
            "eth0 would be in VLAN 1 for a moment, which br0 gives to whoever joins it, and so tap1, tap2 there would be in the host's LAN; give br0 "
            "vlan_default_pvid: 0 and those ports their access_vlan, or take them out first.",
        ),
    ],
    ids=["none", "none-but-a-default", "tagged-alone", "guests-in-the-default"],
)
def test_what_would_cut_off_the_host_or_let_guests_into_its_lan_is_refused(
    now: Inet, sentence: str
) -> None:
    with pytest.raises(Refused) as caught:
        check(now, Spec("eth0", "br0"))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "now",
    [
        host(bridge({}), addresses=()),
        host(bridge({}, filtering=False)),
        host(bridge({"7": "pvid untagged"}, 7), tap("tap1", {"7": "pvid untagged"})),
        host(bridge(OWN), tap("tap1", {"1": "pvid untagged"})),
        host(bridge(OWN, 1), tap("tap1", {"20": "pvid untagged"})),
        # the host leaves untagged frames to the default, so nobody is in it for a moment only
        host(
            bridge({"20": "tagged"}, 1), tap("tap1", {"1": "pvid untagged"}), addresses=()
        ),
    ],
    ids=["nothing-moves", "no-filter", "in-the-default", "no-default", "no-guest-in-it", "tagged"],
)  # fmt: skip
def test_what_stays_reachable_and_apart_passes(now: Inet) -> None:
    check(now, Spec("eth0", "br0"))
