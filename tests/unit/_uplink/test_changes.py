# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of a conversion in words."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import changes
from ansible_collections.hypervisor.network.tests.harness.model import simulated


def test_what_a_user_reads_of_each_kind() -> None:
    address = simulated.address("br0", "192.0.2.1/32", "192.0.2.2")
    route = simulated.route("default", Hop("br0", "fd77::1"), table=100)
    words = [
        changes.address("add", address),
        changes.address("remove", address),
        changes.route("add", route),
        changes.route("replace", route, route),
        changes.route("remove", route),
        changes.route("add", simulated.route("fd77:1::/64", Hop("br0", "fd77::1"))),
        changes.route("add", simulated.route("default", Hop("br0", "192.0.2.254"))),
        changes.rule("keep", simulated.rule(iif="br0")),
        changes.neighbour("remove", simulated.neighbour("br0", "10.77.0.1")),
        changes.neighbour("add", Neighbour("br0", "10.77.0.9", 2, None, 0, proxy=True)),
        changes.client("stop", Client("eth0", "dhclient", ("dhclient", "eth0"))),
    ]
    assert [(str(one), one.before is None, one.after is None) for one in words] == [
        ("add address 192.0.2.1/32 dev br0", True, False),
        ("remove address 192.0.2.1/32 dev br0", False, True),
        ("add route inet6 default table 100", True, False),
        ("replace route inet6 default table 100", False, False),
        ("remove route inet6 default table 100", False, True),
        ("add route fd77:1::/64", True, False),
        ("add route default", True, False),
        ("keep rule iif br0", True, False),
        ("remove neighbour 10.77.0.1 dev br0", False, True),
        ("add neighbour proxy 10.77.0.9 dev br0", True, False),
        ("stop dhcp eth0", False, True),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            changes.address("add", simulated.address("br0", "192.0.2.1/32", "192.0.2.2")),
            {"address": "192.0.2.1/32", "dev": "br0", "peer": "192.0.2.2"},
        ),
        (
            changes.address("add", simulated.address("br0", "192.0.2.1/24")),
            {"address": "192.0.2.1/24", "dev": "br0"},
        ),
        (
            changes.neighbour("add", simulated.neighbour("br0", "10.77.0.1")),
            {"mac": "02:00:00:00:00:77"},
        ),
        (
            changes.neighbour("add", Neighbour("br0", "10.77.0.9", 2, None, 0, proxy=True)),
            {},
        ),
    ],
    ids=["peer", "no peer", "neighbour", "proxy"],
)
def test_what_is_told_of_one_beside_its_name(change: Change, words: dict[str, str]) -> None:
    assert change.after == words


def test_a_secret_is_written_and_not_told() -> None:
    secret = changes.sysctl("ipv6/conf/br0/stable_secret", "2001:db8::1", "2001:db8::2")
    assert secret.payload == "2001:db8::2" and "2001" not in str(secret.as_dict())
    other = changes.sysctl("ipv6/conf/br0/accept_ra", None, "0")
    assert other.as_dict()["after"] == {"value": "0"} and other.before is None
